import Foundation
import Machines
import Model
import Testing
import Trust

/// Who is revoked is out, and everybody hears of it; nobody can revoke a fleet alone.
@Suite struct RevocationTests {
    private let signer: Signer

    init() throws { signer = try Signer() }

    /// Nodes n1, n2... each with a device d1, d2..., of which the first few have greeted.
    private func fleet(_ count: Int, greeted: Int = 0) -> HubBench {
        var bench = HubBench(policyKeys: signer.trusted)
        bench.ask(
            .apply(
                [.site(Site(metadata: Metadata(name: "urban"), spec: SiteSpec()))], dryRun: false))
        for number in 1...count {
            let node = NodeID("n\(number)")
            bench.ask(.askToJoin(node, "urban", device: "d\(number)"))
            bench.ask(.answer(node, PendingAnswer(isApproved: true), by: "ann"))
        }
        if greeted > 0 {
            for number in 1...greeted {
                bench.greet(UInt64(number), node: NodeID("n\(number)"), device: "d\(number)")
            }
        }
        return bench
    }

    private func revoke(
        _ nodes: [String], warrant: PolicyBundle? = nil, in bench: inout HubBench
    ) -> Refusal? {
        let request = RevocationRequest(
            subjects: nodes.map { "node/\($0)" }, reason: "lost", warrant: warrant)
        if case .refused(let refusal)? = bench.ask(.revoke(request, by: "ann")) { return refusal }
        return nil
    }

    private func signed(_ bench: HubBench) -> RevocationList? {
        bench.latest.lazy.compactMap {
            if case .signRevocations(let list) = $0 { list } else { nil }
        }.last
    }

    @Test func `a revoked node loses its session at once and gets no other`() {
        var bench = fleet(2, greeted: 2)
        #expect(revoke(["n1"], in: &bench) == nil)
        #expect(bench.latest.contains(.close(SessionID(rawValue: 1))))
        #expect(!bench.latest.contains(.close(SessionID(rawValue: 2))))
        bench.tell(.opened(SessionID(rawValue: 9), "n1", device: "d1"))
        let isRefused = bench.latest.contains {
            if case .refuse(SessionID(rawValue: 9), _, _) = $0 { true } else { false }
        }
        #expect(isRefused)
        guard case .refused? = bench.ask(.readmit("n1", device: "d1")) else {
            Issue.record("its device key brought it back")
            return
        }
        guard case .refused? = bench.ask(.askToJoin("n7", "urban", device: "d1")) else {
            Issue.record("it came back under another name")
            return
        }
    }

    @Test func `what was under way on a session of a revoked node is not heard`() {
        var bench = fleet(1, greeted: 1)
        _ = revoke(["n1"], in: &bench)
        bench.tell(.received(SessionID(rawValue: 1), .heartbeat(nil)))
        #expect(bench.latest.contains(.close(SessionID(rawValue: 1))))
    }

    @Test func `the list is signed once it is durable, and goes to all in contact`() {
        var bench = fleet(3, greeted: 3)
        bench.storeIsQuick = false
        _ = revoke(["n1"], in: &bench)
        #expect(signed(bench) == nil)
        bench.answerStore()
        let list = signed(bench)
        #expect(list?.entries.map(\.subject) == ["spiffe://n1.urban.skerry/node/n1"])
        #expect(list?.entries.first?.device == "d1")
        guard let list else { return }
        bench.storeIsQuick = true
        bench.tell(.signedRevocations(list))
        #expect(bench.sent(on: SessionID(rawValue: 2)) == [.revocations(list)])
        #expect(bench.sent(on: SessionID(rawValue: 3)) == [.revocations(list)])
        #expect(bench.sent(on: SessionID(rawValue: 1)).isEmpty)
        bench.greet(9, node: "n2", device: "d2")
        #expect(bench.sent(on: SessionID(rawValue: 9)).contains(.revocations(list)))
    }

    @Test func `a hub that starts anew still refuses who was revoked, and signs the list anew`() {
        var bench = fleet(2, greeted: 1)
        _ = revoke(["n1"], in: &bench)
        var later = bench.restarted()
        later.tell(.opened(SessionID(rawValue: 9), "n1", device: "d1"))
        let isRefused = later.latest.contains {
            if case .refuse = $0 { true } else { false }
        }
        #expect(isRefused)
        #expect(later.hub.revocationList?.version == 1)
    }

    @Test func `a machine that is enrolled anew under the name is another`() {
        var bench = fleet(2, greeted: 1)
        _ = revoke(["n1"], in: &bench)
        bench.ask(.delete(.node, name: "n1"))
        bench.pass(.seconds(1))
        bench.ask(.askToJoin("n1", "urban", device: "d8"))
        bench.ask(.answer("n1", PendingAnswer(isApproved: true), by: "ann"))
        bench.greet(9, device: "d8")
        let isWelcome = bench.sent(on: SessionID(rawValue: 9)).contains {
            if case .welcome = $0 { true } else { false }
        }
        #expect(isWelcome)
        bench.tell(.opened(SessionID(rawValue: 10), "n1", device: "d1"))
        #expect(!bench.latest.contains(.admit(SessionID(rawValue: 10))))
    }

    // MARK: - The brake

    @Test func `more than a fifth inside a day needs a second key`() throws {
        var bench = fleet(10)
        #expect(revoke(["n1", "n2", "n3"], in: &bench)?.code == .denied)
        #expect(bench.hub.revocationList == nil)
        #expect(revoke(["n1", "n2"], in: &bench) == nil)
        #expect(revoke(["n3"], in: &bench)?.code == .denied)

        let strange = try Signer(9).key.warrant(revoking: ["node/n3"], at: bench.now.wall)
        #expect(revoke(["n3"], warrant: strange, in: &bench)?.code == .denied)
        let other = try signer.key.warrant(revoking: ["node/n4"], at: bench.now.wall)
        #expect(revoke(["n3"], warrant: other, in: &bench)?.code == .denied)
        let old = try signer.key.warrant(
            revoking: ["node/n3"], at: bench.now.wall + .seconds(-7_200))
        #expect(revoke(["n3"], warrant: old, in: &bench)?.code == .denied)
        let right = try signer.key.warrant(revoking: ["node/n3"], at: bench.now.wall)
        #expect(revoke(["n3"], warrant: right, in: &bench) == nil)
        #expect(bench.hub.revocationList?.entries.count == 3)

        bench.pass(.seconds(86_401))
        #expect(revoke(["n4"], in: &bench) == nil)
    }

    @Test func `a node keeps what it has where a hub revokes too many, or goes back`() {
        var bench = AgentBench(policyKeys: signer.trusted)
        bench.list()
        bench.join()
        let time = bench.now.wall
        func list(_ version: UInt64, _ nodes: ClosedRange<Int>, fleet: Int = 10) -> RevocationList {
            RevocationList(
                version: version, issuedAt: time, expiresAt: time + .seconds(604_800), fleet: fleet,
                entries: nodes.map {
                    Revocation(
                        subject: "spiffe://m\($0).urban.skerry/node/m\($0)", device: "d\($0)",
                        at: time, reason: "lost")
                })
        }
        func kept(_ bench: AgentBench) -> KeptRevocations? {
            bench.latest.lazy.compactMap {
                if case .keepRevocations(let kept) = $0 { kept } else { nil }
            }.first
        }
        bench.tell(.received(.revocations(list(2, 1...2))))
        let first = kept(bench)
        #expect(first?.list.version == 2)
        guard let first else { return }
        bench.tell(.keptRevocations(first))

        bench.tell(.received(.revocations(list(3, 1...3))))
        #expect(kept(bench) == nil)
        // A larger fleet that is stated only now is not believed.
        bench.tell(.received(.revocations(list(3, 1...30, fleet: 1_000))))
        #expect(kept(bench) == nil)
        bench.tell(.received(.revocations(list(1, 1...1))))
        #expect(kept(bench) == nil)
        #expect(bench.agent.revocations?.list.version == 2)
        #expect(bench.agent.events.contains { $0.reason == "RevocationsRefused" })
    }

    /// What neighbours carry, on a node whose hub is away.
    private func carried(
        _ version: UInt64, revoking names: [String], at time: WallTime, fleet: Int = 10
    ) -> RevocationList {
        RevocationList(
            version: version, issuedAt: time, expiresAt: time + .seconds(604_800), fleet: fleet,
            entries: names.map {
                Revocation(
                    subject: "spiffe://\($0).urban.skerry/node/\($0)", device: "d", at: time,
                    reason: "lost")
            })
    }

    private func kept(_ bench: AgentBench) -> KeptRevocations? {
        bench.latest.lazy.compactMap {
            if case .keepRevocations(let kept) = $0 { kept } else { nil }
        }.first
    }

    @Test func `a node without a hub takes a list from a neighbour, and bars who is on it`() throws
    {
        var bench = AgentBench(policyKeys: signer.trusted)
        bench.list()
        bench.join()
        let early = bench.now.wall
        bench.tell(.received(.revocations(carried(1, revoking: ["m1"], at: early))))
        bench.tell(.keptRevocations(try #require(kept(bench))))
        // The hub itself leaves out of its roster who it revoked: a machine may have that name anew.
        #expect(!bench.agent.isBarred("m1"))
        bench.tell(.linkDown(reason: "cut"))

        let late = early + .seconds(60)
        var list = carried(2, revoking: ["m2"], at: late)
        list.entries.append(contentsOf: carried(1, revoking: ["m1"], at: early).entries)
        bench.tell(.carriedRevocations(list, from: "m3"))
        bench.tell(.keptRevocations(try #require(kept(bench))))
        #expect(bench.agent.isBarred("m2"))
        #expect(!bench.agent.isBarred("m1") && !bench.agent.isBarred("m3"))
        #expect(bench.agent.revocations?.list.version == 2)
        let file = try JSONEncoder().encode(bench.agent.revocations)
        #expect(
            try JSONDecoder().decode(KeptRevocations.self, from: file) == bench.agent.revocations)

        // Older ones and the same again change nothing.
        for version in [1, 2] as [UInt64] {
            bench.tell(
                .carriedRevocations(carried(version, revoking: [], at: early), from: "m3"))
            #expect(kept(bench) == nil)
        }

        // Back at the hub, what it deals counts.
        bench.tell(.wake(.reconnect))
        bench.join()
        bench.tell(.received(.revocations(list)))
        bench.tell(.keptRevocations(try #require(kept(bench))))
        #expect(!bench.agent.isBarred("m2"))
    }

    @Test func `no neighbour brings more than a hub may revoke alone`() throws {
        var bench = AgentBench(policyKeys: signer.trusted)
        bench.list()
        let time = bench.now.wall
        bench.tell(.carriedRevocations(carried(1, revoking: ["m1"], at: time), from: "m3"))
        bench.tell(.keptRevocations(try #require(kept(bench))))
        let many = carried(
            2, revoking: (1...5).map { "m\($0)" }, at: time + .seconds(1), fleet: 1_000)
        bench.tell(.carriedRevocations(many, from: "m3"))
        #expect(kept(bench) == nil)
        #expect(bench.agent.events.contains { $0.message.contains("node m3 carried a list") })
    }

    @Test func `who is revoked loses the tokens that are out, and nobody else does`() {
        var bench = fleet(1)
        for (id, user) in [("a", "ann"), ("b", "ann"), ("c", "bob")] {
            bench.ask(
                .vouch(
                    UserToken(
                        id: id, user: user, issuedBy: "admin", issuedAt: bench.now.wall,
                        expiresAt: bench.now.wall + .seconds(3600))))
        }
        bench.pass(.seconds(60))
        let request = RevocationRequest(subjects: ["user/ann"], reason: "left")
        bench.ask(.revoke(request, by: "sam"))
        for (id, isOut) in [("a", false), ("b", false), ("c", true)] {
            let token = bench.hub.userToken(id)
            #expect((token?.fault(at: bench.now.wall) == nil) == isOut, "\(id)")
        }
        #expect(bench.hub.userToken("a")?.revokedBy == "sam")
    }
}
