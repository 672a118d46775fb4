import Model
import Testing
import Transport

/// A plan is believed by who signed it, whoever brings it.
@Suite struct PlanSealTests {
    private let plan = SitePlan(
        site: "pit", version: RosterVersion(epoch: 2, number: 7),
        places: [SitePlan.Place(node: "pit-1", labels: ["zone": "a/\"b\""], isCordoned: true)],
        workloads: [
            Workload(
                metadata: Metadata(name: "dispatch", generation: 3),
                spec: WorkloadSpec(
                    tier: .critical, containers: [ContainerSpec(name: "main", command: ["serve"])]))
        ],
        homes: [
            SitePlan.Home(
                instance: InstanceID(workload: "dispatch", ordinal: 0), node: "pit-1", epoch: 4)
        ])

    @Test func `a plan comes out as it went in, also by way of a neighbour`() throws {
        let authorities = try Authorities()
        let signed = try authorities.issuing.sign(plan)
        #expect(try signed.opened(trusting: authorities.trustRoots) == plan)
        let carried = try SignedPlan(bytes: signed.bytes)
        #expect(carried == signed)
        #expect(try carried.bytes == signed.bytes)
    }

    @Test func `one that was changed, or that a stranger signed, is refused`() throws {
        let authorities = try Authorities()
        let roots = try authorities.trustRoots
        var changed = try authorities.issuing.sign(plan)
        changed.lines[1] = changed.lines[1].replacing("\"epoch\":4", with: "\"epoch\":5")
        #expect(throws: CredentialError.self) { try changed.opened(trusting: roots) }
        let foreign = try Authorities().issuing.sign(plan)
        #expect(throws: CredentialError.self) { try foreign.opened(trusting: roots) }
        #expect(throws: CredentialError.self) { try SignedPlan(bytes: Array("{}".utf8)) }
    }

    @Test func `what was signed as a roster is no plan`() throws {
        let authorities = try Authorities()
        let roster = try authorities.issuing.sign(
            Roster(site: "pit", version: RosterVersion(epoch: 9, number: 9)))
        let plan = SignedPlan(
            lines: roster.lines, signature: roster.signature, chain: roster.chain)
        #expect(throws: CredentialError.self) {
            try plan.opened(trusting: authorities.trustRoots)
        }
    }
}
