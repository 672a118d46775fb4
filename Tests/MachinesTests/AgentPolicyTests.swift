import Authority
import Machines
import Model
import Testing

@Suite struct AgentPolicyTests {
    private let signer: Signer
    private let updates = AuthorityTable.Cell(.update, .fresh, .critical, .hub)

    init() throws { signer = try Signer() }

    private func joined() -> AgentBench {
        var bench = AgentBench(policyKeys: signer.trusted)
        bench.list()
        bench.join([.site(Site(metadata: Metadata(name: "urban", generation: 1), spec: SiteSpec()))]
        )
        return bench
    }

    private func freeze(_ version: UInt64) -> [PolicyReference] {
        [PolicyReference(name: "freeze", version: version)]
    }

    @Test func `a signed policy rules once it is durable, and the hub is told`() throws {
        var bench = joined()
        bench.storeIsQuick = false
        bench.deliver([.policy(try signer.bundle(3))], from: 2)
        #expect(bench.agent.regime.policies.isEmpty)
        while !bench.owed.isEmpty { bench.answerStore() }
        #expect(bench.agent.regime.policies == freeze(3))
        #expect(bench.agent.regime.table[updates].verdict == .hold)
        #expect(bench.sent.contains(.applied(revision: 2, policies: freeze(3))))
        #expect(bench.agent.regime.sources[updates] == "freeze@3")
    }

    @Test func `a decision names the site's generation and the policy`() throws {
        var bench = joined()
        bench.deliver([.policy(try signer.bundle(3)), assigned(web())], from: 2)
        let decision = try #require(bench.agent.decisions.last)
        #expect(decision.policyVersion == 1)
        #expect(decision.policies == freeze(3))
        #expect(decision.sentence.contains("version 1 with freeze@3"))
    }

    @Test func `an older version is refused, the newer stays, and what comes with it is taken`()
        throws
    {
        var bench = joined()
        bench.deliver([.policy(try signer.bundle(3))], from: 2)
        bench.deliver([.policy(try signer.bundle(2, rows: [])), assigned(web())], from: 3)
        #expect(bench.agent.regime.policies == freeze(3))
        #expect(bench.sent.contains(.applied(revision: 4, policies: freeze(3))))
        #expect(bench.starts.count == 1)
        let refusals = bench.agent.events.filter { $0.reason == "PolicyRefused" }
        #expect(refusals.count == 1)
        #expect(refusals.last?.message.contains("freeze@2 is older than version 3") == true)
    }

    @Test func `what is refused never reaches the disk`() throws {
        var bench = joined()
        let held = try signer.bundle(3)
        bench.deliver([.policy(held)], from: 2)
        var broken = try signer.bundle(4)
        broken.payload.removeLast()
        let cases = [
            broken, try signer.bundle(4, sites: ["rural"]), try Signer(9).bundle(4),
            try Signer(1, role: "artifact").bundle(4),
            try signer.bundle(4, canary: Canary(nodes: ["n2"])),
            try signer.bundle(4, notAfter: bench.now.wall + .milliseconds(-1)),
        ]
        for (index, bundle) in cases.enumerated() {
            bench.deliver([.policy(bundle)], from: 3 + UInt64(index))
        }
        let written = bench.stored.compactMap { write -> PolicyBundle? in
            guard case .document(let document) = write, case .policy(let bundle) = document.content
            else { return nil }
            return bundle
        }
        #expect(written == [held])
        #expect(bench.agent.regime.policies == freeze(3))
        #expect(bench.agent.appliedRevision == 8)
        #expect(bench.agent.events.filter { $0.reason == "PolicyRefused" }.count == cases.count)
    }

    @Test func `a hub cannot take a policy away`() throws {
        var bench = joined()
        bench.deliver([.policy(try signer.bundle(3))], from: 2)
        let deletion = Document(key: .policy("freeze"), revision: 3, content: .deleted)
        bench.tell(.received(.documents([deletion], through: 3)))
        #expect(bench.agent.regime.policies == freeze(3))
        #expect(bench.agent.events.last?.reason == "PolicyRefused")
        #expect(bench.sent.contains(.applied(revision: 3, policies: freeze(3))))
    }

    @Test func `a node without keys takes no policy, and goes on`() throws {
        var bench = AgentBench()
        bench.list()
        bench.join([.policy(try signer.bundle(3)), assigned(web())])
        #expect(bench.agent.regime.policies.isEmpty)
        #expect(bench.starts.count == 1)
        #expect(bench.agent.events.contains { $0.message.contains("no key is trusted here") })
    }

    @Test func `a bundle that another document calls by its name is refused`() throws {
        var bench = joined()
        let document = Document(
            key: .policy("other"), revision: 2, content: .policy(try signer.bundle(3)))
        bench.tell(.received(.documents([document], through: 2)))
        #expect(bench.agent.regime.policies.isEmpty)
    }

    // MARK: - The disk

    /// What is on the disk of a node that made freeze@3 durable.
    private func disk() throws -> NodeSnapshot {
        var snapshot = NodeSnapshot(appliedRevision: 2, epoch: 1)
        snapshot.documents = [
            Document(
                key: .site("urban"), revision: 1,
                content: .site(
                    Site(metadata: Metadata(name: "urban", generation: 1), spec: SiteSpec()))),
            Document(
                key: .policy("freeze"), revision: 2, content: .policy(try signer.bundle(3))),
        ]
        return snapshot
    }

    @Test func `a node that boots offline, in 1970, has its policy, however long it has expired`()
        throws
    {
        var snapshot = try disk()
        snapshot.documents[1].content = .policy(
            try signer.bundle(3, notAfter: WallTime(milliseconds: 1_740_000_000_000)))
        var bench = AgentBench(snapshot: snapshot, policyKeys: signer.trusted)
        bench.now.wall = WallTime(milliseconds: 0)
        bench.list()
        #expect(bench.agent.regime.policies == freeze(3))
        #expect(bench.agent.regime.table[updates].verdict == .hold)
    }

    @Test
    func `a clock in 1970 does not let in what had expired when the policy in force was signed`()
        throws
    {
        var bench = AgentBench(snapshot: try disk(), policyKeys: signer.trusted)
        bench.now.wall = WallTime(milliseconds: 0)
        bench.list()
        bench.join()
        let old = try signer.bundle(
            4, issuedAt: WallTime(milliseconds: 1_700_000_000_000),
            notAfter: WallTime(milliseconds: 1_729_999_999_999))
        bench.deliver([.policy(old)], from: 3)
        #expect(bench.agent.regime.policies == freeze(3))
        bench.deliver([.policy(try signer.bundle(5))], from: 4)
        #expect(bench.agent.regime.policies == freeze(5))
    }

    @Test func `versions do not go back across a restart`() throws {
        var bench = AgentBench(snapshot: try disk(), policyKeys: signer.trusted)
        bench.list()
        bench.join()
        bench.deliver([.policy(try signer.bundle(2))], from: 3)
        #expect(bench.agent.regime.policies == freeze(3))
    }

    @Test func `a policy that was lost with its disk is taken again, and none that is older`()
        throws
    {
        var snapshot = try disk()
        snapshot.documents.removeLast()
        snapshot.appliedRevision = 1
        snapshot.policyFloors = ["freeze": 3]
        var bench = AgentBench(snapshot: snapshot, policyKeys: signer.trusted)
        bench.list()
        bench.join()
        bench.deliver([.policy(try signer.bundle(2))], from: 2)
        #expect(bench.agent.regime.policies.isEmpty)
        bench.deliver([.policy(try signer.bundle(3))], from: 3)
        #expect(bench.agent.regime.policies == freeze(3))
        // With one held, the same number with other words is no newer one.
        bench.deliver([.policy(try signer.bundle(3, rows: []))], from: 4)
        #expect(bench.agent.regime.table[updates].verdict == .hold)
    }

    @Test
    func `a crash between receipt and disk leaves the version before, which then is sent again`()
        throws
    {
        var bench = AgentBench(snapshot: try disk(), policyKeys: signer.trusted)
        bench.list()
        bench.join()
        bench.storeIsQuick = false
        bench.deliver([.policy(try signer.bundle(4))], from: 3)
        #expect(bench.agent.regime.policies == freeze(3))
        // Nothing of it was written: the next life has what the disk has.
        bench = AgentBench(snapshot: try disk(), policyKeys: signer.trusted)
        bench.list()
        #expect(bench.agent.regime.policies == freeze(3))
        bench.join()
        bench.deliver([.policy(try signer.bundle(4))], from: 3)
        #expect(bench.agent.regime.policies == freeze(4))
    }

    @Test func `an autonomy window that is signed replaces that of the site`() throws {
        var bench = joined()
        bench.deliver([.policy(try signer.bundle(3, rows: [], window: .hours(1)))], from: 2)
        bench.tell(.linkDown(reason: "cut"))
        bench.pass(.seconds(3_601))
        #expect(bench.agent.circumstances(at: bench.now).staleness == .expired)
    }

    @Test func `a policy that contradicts another at the node is refused`() throws {
        var bench = joined()
        bench.deliver([.policy(try signer.bundle(3))], from: 2)
        let other = try signer.bundle(
            1, named: "thaw", rows: [AuthorityOverride(domain: .update, verdict: .permit)])
        bench.deliver([.policy(other)], from: 3)
        #expect(bench.agent.regime.policies == freeze(3))
        #expect(bench.agent.events.last?.message.contains("freeze@3") == true)
    }

    // MARK: - Skew

    @Test func `a document of a kind from the future is kept, told of, and holds nothing up`()
        throws
    {
        var bench = joined()
        let content = Document.Content.unknown(
            kind: "recipe", .map(["_0": .map(["salt": .whole(3)])]))
        bench.deliver([content, assigned(web())], from: 2)
        #expect(bench.starts.count == 1)
        #expect(bench.agent.appliedRevision == 3)
        #expect(bench.agent.events.contains { $0.reason == "DocumentUnknown" })
        #expect(bench.agent.skewCondition(at: bench.now.wall)?.message.contains("recipe") == true)
        #expect(
            bench.stored.contains(
                .document(
                    Document(
                        key: DocumentKey(kind: "recipe", name: "new"), revision: 2,
                        content: content))))
    }
}
