import Machines
import Model
import Testing
import Trust

/// Policies say what may run here; what runs already is not taken down by a rule.
@Suite struct RunRuleTests {
    private static let reference = PolicyReference(name: "freeze", version: 3)
    private static let cedar = """
        @id("pinned")
        forbid(principal is Node, action == Action::"run", resource is Workload)
        when { !resource.isPinned };
        @id("mounts")
        forbid(principal is Node, action == Action::"run", resource is Workload)
        when { resource.hostMounts.contains("/etc") };
        """

    private let signer: Signer

    init() throws { signer = try Signer() }

    private func joined(_ cedar: String? = RunRuleTests.cedar) throws -> AgentBench {
        var bench = AgentBench(policyKeys: signer.trusted)
        bench.list()
        bench.join([.site(Site(metadata: Metadata(name: "urban", generation: 1), spec: SiteSpec()))]
        )
        if let cedar {
            bench.deliver([.policy(try signer.bundle(3, rows: [], cedar: cedar))], from: 2)
        }
        return bench
    }

    private func workload(
        _ image: String?, generation: UInt64 = 1, mounts: [Mount] = []
    ) -> Workload {
        var workload = web()
        workload.metadata.generation = generation
        workload.spec.containers[0].image = image
        workload.spec.containers[0].mounts = mounts
        return workload
    }

    private static let digest = "shop@sha256:" + String(repeating: "a", count: 64)

    @Test(arguments: [
        ("shop:latest", "freeze/pinned"), ("shop", "freeze/pinned"),
        ("shop@sha256:short", "freeze/pinned"),
    ])
    func `what a policy forbids does not start, and says by which`(
        image: String, rule: String
    ) throws {
        var bench = try joined()
        bench.deliver([assigned(workload(image))], from: 3)
        #expect(bench.starts.isEmpty)
        let status = try #require(bench.agent.instances(at: bench.now.wall).first)
        #expect(status.reason == "NotAdmitted" && status.phase == .pending)
        #expect(status.message == "\(rule) forbids it, generation 1")
        let told = bench.agent.events.filter { $0.reason == "NotAdmitted" }
        #expect(told.count == 1)
    }

    @Test func `what no policy forbids starts`() throws {
        var bench = try joined()
        bench.deliver([assigned(workload(Self.digest))], from: 3)
        #expect(bench.starts.count == 1)
        var plain = try joined()
        plain.deliver([assigned(workload(nil))], from: 3)
        #expect(plain.starts.count == 1)
    }

    @Test func `without rules in any policy everything starts`() throws {
        var bench = try joined(nil)
        bench.deliver([.policy(try signer.bundle(3))], from: 2)
        bench.deliver([assigned(workload("shop:latest"))], from: 3)
        #expect(bench.starts.count == 1)
    }

    @Test func `what runs goes on while what should replace it is not let in`() throws {
        var bench = try joined()
        bench.deliver([assigned(workload(Self.digest))], from: 3)
        let id = ContainerID(instance: InstanceID(workload: "web", ordinal: 0), name: "main")
        bench.started(id)
        let bad = workload(
            Self.digest, generation: 2, mounts: [Mount(source: "/etc", target: "/x")])
        bench.deliver([assigned(bad)], from: 4)
        #expect(orders(in: bench.latest).isEmpty)
        let status = try #require(bench.agent.instances(at: bench.now.wall).first)
        #expect(status.phase == .running && status.reason == "NotAdmitted")
        bench.deliver([assigned(workload(Self.digest))], from: 5)
        let after = try #require(bench.agent.instances(at: bench.now.wall).first)
        #expect(after.reason == "")
    }

    @Test func `a workload that is not wanted any more goes, let in or not`() throws {
        var bench = try joined()
        bench.deliver([assigned(workload(Self.digest))], from: 3)
        let id = ContainerID(instance: InstanceID(workload: "web", ordinal: 0), name: "main")
        bench.started(id)
        bench.deliver([assigned(workload("shop", generation: 2))], from: 4)
        bench.deliver([assigned(workload("shop", generation: 2), ordinals: [])], from: 5)
        #expect(bench.stops == [id])
    }

    @Test func `what ran before the rule is started again after it`() throws {
        var bench = try joined(nil)
        bench.deliver([assigned(workload("shop:latest"))], from: 2)
        let id = ContainerID(instance: InstanceID(workload: "web", ordinal: 0), name: "main")
        bench.started(id)
        bench.deliver([.policy(try signer.bundle(3, rows: [], cedar: Self.cedar))], from: 3)
        #expect(orders(in: bench.latest).isEmpty)
        bench.tell(.engine(.exited(id, handle: "a", Exit(code: 1))))
        bench.pass(.seconds(600))
        bench.tell(.wake(.restart(id)))
        #expect(bench.starts.count == 1)
    }

    @Test func `a new version of the policy lets it in`() throws {
        var bench = try joined()
        bench.deliver([assigned(workload("shop:latest"))], from: 3)
        #expect(bench.starts.isEmpty)
        bench.deliver([.policy(try signer.bundle(4, rows: []))], from: 4)
        #expect(bench.starts.count == 1)
        #expect(bench.agent.instances(at: bench.now.wall).first?.reason == "")
    }

    /// A20: what was in force once and is gone says no, not yes.
    @Test func `a node that lost a policy lets nothing new in until it has it again`() throws {
        var snapshot = NodeSnapshot()
        snapshot.policyFloors = ["freeze": 3]
        var bench = AgentBench(snapshot: snapshot, policyKeys: signer.trusted)
        bench.list()
        bench.join([.site(Site(metadata: Metadata(name: "urban", generation: 1), spec: SiteSpec()))]
        )
        let point = bench.agent.accessPoint()
        #expect(point.unread == [Self.reference])
        #expect(point.decide(.console, .status, .fleet).isAllowed)
        #expect(!point.decide(.console, .apply, AccessTarget(.workload, "w")).isAllowed)
        bench.deliver([assigned(workload(Self.digest))], from: 2)
        #expect(bench.starts.isEmpty)
        #expect(bench.agent.isCurrent(point))
        bench.deliver([.policy(try signer.bundle(3, rows: [], cedar: Self.cedar))], from: 3)
        #expect(bench.starts.count == 1)
        #expect(!bench.agent.isCurrent(point))
    }
}

/// When policy itself is in the way.
@Suite struct GlassTests {
    @Test func `the glass is broken for a while, with a reason that the hub gets`() throws {
        var bench = AgentBench()
        bench.list()
        bench.join()
        bench.ask(.breakGlass(reason: "fire", life: .seconds(60)))
        #expect(bench.agent.isGlassBroken(at: bench.now.monotonic))
        let told = bench.stored.compactMap { write -> Event? in
            guard case .append(let entry) = write, case .event(let event) = entry.body else {
                return nil
            }
            return event
        }
        #expect(told.contains { $0.reason == "GlassBroken" && $0.message.contains("fire") })
        #expect(bench.agent.glassCondition(at: bench.now)?.message.contains("fire") == true)
        bench.pass(.seconds(60))
        #expect(!bench.agent.isGlassBroken(at: bench.now.monotonic))
        #expect(bench.agent.glassCondition(at: bench.now) == nil)
    }

    @Test func `a wall clock that is set back does not prolong it`() {
        var bench = AgentBench()
        bench.ask(.breakGlass(reason: "fire", life: .seconds(60)))
        bench.now.monotonic = bench.now.monotonic + .seconds(61)
        bench.now.wall = bench.now.wall + .seconds(-3_600)
        #expect(!bench.agent.isGlassBroken(at: bench.now.monotonic))
    }

    @Test(arguments: [
        ("", Duration.seconds(60)), ("x", .seconds(4 * 3600 + 1)), ("x", .seconds(-1)),
    ])
    func `no reason, or no end, is refused`(reason: String, life: Duration) {
        var bench = AgentBench()
        bench.ask(.breakGlass(reason: reason, life: life))
        #expect(!bench.agent.isGlassBroken(at: bench.now.monotonic))
    }

    @Test func `it can be ended early`() {
        var bench = AgentBench()
        bench.ask(.breakGlass(reason: "fire", life: .seconds(60)))
        bench.ask(.breakGlass(reason: "out", life: .zero))
        #expect(!bench.agent.isGlassBroken(at: bench.now.monotonic))
        #expect(bench.agent.events.contains { $0.reason == "GlassMended" })
    }
}
