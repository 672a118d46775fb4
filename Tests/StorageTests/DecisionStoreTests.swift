import Model
import Storage
import Testing

@Suite struct DecisionStoreTests {
    private func decision(
        _ number: UInt64, _ workload: WorkloadID, passed: Bool = true
    ) -> Decision {
        Decision(
            id: DecisionID(origin: "", number: number), at: WallTime(milliseconds: 1_000),
            site: nil, domain: .placement, action: .place, subject: .workload(workload),
            tier: .critical, basis: .intent, cause: .applied, passed: passed,
            ruling: Ruling(.permit, by: .central), staleness: .fresh, reach: .hub,
            policyVersion: 1, policyAge: .seconds(0))
    }

    @Test func `over the cap the oldest go, but none that still says why`() throws {
        try withDirectory { directory in
            var store = try HubStore(directory: directory, options: .tight)
            try store.commit([[.decision(decision(1, "old"))]])
            for number in 2...100 {
                try store.commit([[.decision(decision(UInt64(number), "busy"))]])
            }
            // A refusal changes nothing, so it does not stand in for what passed.
            try store.commit([[.decision(decision(101, "old", passed: false))]])
            store.close()

            store = try HubStore(directory: directory, options: .tight)
            let kept = try store.load().decisions
            #expect(kept.count <= StoreOptions.tight.events)
            #expect(kept.first == decision(1, "old"))
            #expect(kept.last == decision(101, "old", passed: false))
            #expect(kept.dropLast().last == decision(100, "busy"))
            store.close()
        }
    }

    @Test func `many things that all still stand are bounded all the same`() throws {
        try withDirectory { directory in
            let store = try HubStore(directory: directory, options: .tight)
            for number in 1...200 {
                try store.commit([
                    [.decision(decision(UInt64(number), WorkloadID("w\(number)")))]
                ])
            }
            #expect(try store.load().decisions.count <= 2 * StoreOptions.tight.events)
            store.close()
        }
    }
}
