import Model
import Testing
import Trust

@Suite struct BrakeTests {
    private static let start = WallTime(milliseconds: 1_760_000_000_000)
    private let brake = RevocationBrake(percent: 20, window: .seconds(86_400))

    private func list(_ times: [Duration], issued: Duration = .zero) -> RevocationList {
        RevocationList(
            version: 1, issuedAt: BrakeTests.start + issued, expiresAt: BrakeTests.start,
            fleet: 10,
            entries: times.enumerated().map { index, time in
                Revocation(
                    subject: "spiffe://n\(index).s.skerry/node/n\(index)", device: "d\(index)",
                    at: BrakeTests.start + time, reason: "")
            })
    }

    private func isBraked(_ list: RevocationList, after kept: RevocationList? = nil) -> Bool {
        brake.excess(in: list, after: kept, fleet: 10, keys: []) != nil
    }

    @Test func `a fifth inside any day passes, and one more does not`() {
        #expect(!isBraked(list([.zero, .seconds(10)])))
        #expect(isBraked(list([.zero, .seconds(10), .seconds(20)])))
        #expect(!isBraked(list([.zero, .seconds(10), .seconds(86_411)])))
        #expect(isBraked(list([.zero, .seconds(86_400), .seconds(43_200)])))
    }

    @Test func `one is allowed in the smallest fleet`() {
        #expect(brake.allowance(of: 0) == 1 && brake.allowance(of: 4) == 1)
        #expect(brake.allowance(of: 10) == 2 && brake.allowance(of: -3) == 1)
    }

    @Test func `what is new to a node is not believed to be older than the list that it has`() {
        let kept = list([], issued: .seconds(900_000))
        let dated = list([.zero, .seconds(100_000), .seconds(200_000)], issued: .seconds(900_060))
        #expect(!isBraked(dated))
        #expect(isBraked(dated, after: kept))
    }

    @Test func `a fleet that a hub says is larger counts after it has said so for a window`() {
        func list(_ day: Int64, fleet: Int) -> RevocationList {
            RevocationList(
                version: UInt64(day) + 1, issuedAt: BrakeTests.start + .seconds(day * 86_400),
                expiresAt: BrakeTests.start, fleet: fleet)
        }
        var kept = KeptRevocations(first: list(0, fleet: 10))
        kept = kept.followed(by: list(1, fleet: 1_000), window: brake.window)
        #expect(kept.fleet == 10)
        kept = kept.followed(by: list(2, fleet: 1_000), window: brake.window)
        #expect(kept.fleet == 1_000)
        kept = kept.followed(by: list(3, fleet: 5), window: brake.window)
        kept = kept.followed(by: list(4, fleet: 5), window: brake.window)
        #expect(kept.fleet == 5)
    }

    @Test func `a warrant is of the key that signed it, and says what was signed`() throws {
        let key = try SigningKey(
            role: TrustedKey.policyRole, seed: [UInt8](repeating: 7, count: 32))
        var bundle = try key.warrant(revoking: ["node/n1"], at: BrakeTests.start)
        #expect(RevocationWarrant(bundle, keys: [key.trusted])?.subjects == ["node/n1"])
        #expect(RevocationWarrant(bundle, keys: []) == nil)
        bundle.payload[2] = "node/n2"
        #expect(RevocationWarrant(bundle, keys: [key.trusted]) == nil)
        let policy = try key.sign(lines: ["skerry.dev/v1 policy", "at 1", "node/n1"])
        #expect(RevocationWarrant(policy, keys: [key.trusted]) == nil)
    }
}
