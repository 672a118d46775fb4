import Authority
import Claiming
import Machines
import Model
import Testing

/// What an agent runs by claims of its mesh, and by whose leave.
@Suite struct AgentClaimTests {
    private let id = InstanceID(workload: "web", ordinal: 0)
    private let container = ContainerID(
        instance: InstanceID(workload: "web", ordinal: 0), name: "main")

    private func plan(home: NodeID = "n2") -> SitePlan {
        var workload = web()
        workload.metadata.generation = 1
        return SitePlan(
            site: "urban", version: RosterVersion(epoch: 1, number: 1),
            places: ["n1", "n2", "n3"].map { SitePlan.Place(node: $0) }, workloads: [workload],
            homes: [SitePlan.Home(instance: id, node: home, epoch: 1)])
    }

    private func meshSite() -> Document.Content {
        .site(
            Site(
                metadata: Metadata(name: "urban", generation: 1), spec: SiteSpec(pattern: .mesh)))
    }

    /// An agent that knows the table of its site, cut off, whose peers are held so.
    private func bench(
        home: NodeID = "n2", _ others: [NodeID: Liveness] = ["n2": .alive, "n3": .alive],
        _ documents: [Document.Content] = []
    ) -> AgentBench {
        var bench = AgentBench(plan: plan(home: home))
        bench.join([meshSite()] + documents)
        bench.tell(.linkDown(reason: "cut"))
        bench.list()
        see(others, &bench)
        return bench
    }

    private func see(_ others: [NodeID: Liveness], _ bench: inout AgentBench) {
        var view = MeshView(
            node: "n1", site: "urban", address: "", roster: .none, at: bench.now.wall)
        view.peers = others.sorted { $0.key < $1.key }.map {
            MeshSight(node: $0.key, liveness: $0.value, since: bench.now.wall)
        }
        bench.tell(.mesh(view))
    }

    private func claims(_ bench: AgentBench) -> [NodeID: [Tenure]] {
        var claims: [NodeID: [Tenure]] = [:]
        for case .claim(let post) in bench.latest {
            claims[post.member, default: []] += post.messages.compactMap {
                if case .claim(let tenure) = $0 { tenure } else { nil }
            }
        }
        return claims
    }

    private func agree(_ peer: NodeID, to tenure: Tenure, _ bench: inout AgentBench) {
        bench.tell(
            .claims(
                [.acknowledge(tenure.instance, epoch: tenure.epoch, isHeld: tenure.isHeld)],
                from: peer))
    }

    /// Time passes until the agent claims what the failed node had.
    private func claimed(_ bench: inout AgentBench) throws -> Tenure {
        see(["n2": .failed, "n3": .alive], &bench)
        bench.pass(.seconds(3))
        bench.tell(.wake(.claims))
        bench.pass(.milliseconds(300))
        bench.tell(.wake(.claims))
        return try #require(claims(bench)["n3"]?.first)
    }

    @Test func `what is assigned here starts once all who are here agree`() throws {
        var bench = bench(home: "n1", ["n2": .alive, "n3": .alive], [assigned(web())])
        #expect(bench.starts.isEmpty)
        let claim = try #require(claims(bench)["n2"]?.first)
        #expect(claim.holder == "n1" && !claim.isHeld)
        agree("n2", to: claim, &bench)
        #expect(bench.starts.isEmpty)
        agree("n3", to: claim, &bench)
        #expect(bench.starts.map(\.id) == [container])
    }

    @Test func `what a failed node had starts by a decision that names the claim`() throws {
        var bench = bench()
        let claim = try claimed(&bench)
        #expect(claim.epoch == 2 && claim.predecessor == "n2")
        #expect(bench.starts.isEmpty)
        agree("n3", to: claim, &bench)
        #expect(bench.starts.map(\.id) == [container])
        let decision = try #require(bench.agent.decisions.last)
        #expect(decision.passed && decision.cause == .claimed && decision.basis == .judgement)
        #expect(
            decision.claim
                == Decision.Claim(
                    epoch: 2, holder: "n1", predecessor: "n2", witnesses: ["n3"]))
        #expect(decision.sentence.contains("in the place of 'n2' stands, acknowledged by 'n3'"))
    }

    @Test func `who still serves keeps it, and nothing starts here`() throws {
        var bench = bench()
        let claim = try claimed(&bench)
        var standing = claim
        standing.holder = "n2"
        standing.epoch = 1
        standing.isHeld = true
        see(["n2": .alive, "n3": .alive], &bench)
        bench.tell(.claims([.refuse(standing)], from: "n2"))
        agree("n3", to: claim, &bench)
        agree("n2", to: claim, &bench)
        #expect(bench.starts.isEmpty)
    }

    @Test func `what the table does not leave to the mesh is not claimed`() {
        var bench = AgentBench(plan: plan())
        bench.join([.site(Site(metadata: Metadata(name: "urban"), spec: SiteSpec()))])
        bench.tell(.linkDown(reason: "cut"))
        bench.list()
        // The table of a hybrid site, cut off: the node alone may, but expired it may not.
        bench.pass(.seconds(73 * 3_600))
        see(["n2": .alive, "n3": .alive], &bench)
        see(["n2": .failed, "n3": .alive], &bench)
        bench.pass(.seconds(30))
        bench.tell(.wake(.claims))
        #expect(bench.starts.isEmpty)
    }

    @Test func `what it holds stops where another goes on with it by the rule, and not before`()
        throws
    {
        var bench = bench()
        let claim = try claimed(&bench)
        agree("n3", to: claim, &bench)
        bench.started(container)
        // The plan's own holder is back and serves as well: it came first, so it goes on.
        var other = claim
        other.holder = "n2"
        other.epoch = 1
        other.isHeld = true
        other.isReady = true
        see(["n2": .alive, "n3": .alive], &bench)
        bench.tell(.claims([.claim(other)], from: "n2"))
        #expect(bench.stops.isEmpty)
        other.epoch = 3
        bench.tell(.claims([.claim(other)], from: "n2"))
        #expect(bench.stops == [container])
        #expect(bench.agent.decisions.last?.cause == .yielded)
        #expect(bench.agent.decisions.last?.claim?.holder == "n2")
    }

    @Test func `an agent that starts again asks before it starts what it had claimed`() throws {
        var before = bench()
        let claim = try claimed(&before)
        agree("n3", to: claim, &before)
        let record = try #require(
            before.stored.compactMap {
                if case .instance(let record) = $0 { record } else { nil }
            }.last)
        var after = AgentBench(
            snapshot: NodeSnapshot(instances: [record], nextSequence: 100), plan: plan())
        after.list()
        see(["n2": .failed, "n3": .alive], &after)
        #expect(after.starts.isEmpty)
        let again = try #require(claims(after)["n3"]?.first)
        #expect(again.epoch == 2 && again.predecessor == "n2")
        agree("n3", to: again, &after)
        #expect(after.starts.map(\.id) == [container])
    }
}
