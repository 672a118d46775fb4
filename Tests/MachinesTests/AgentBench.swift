import Authority
import Machines
import Model

/// An agent on a bench: time moves by hand, and its store is as quick or as slow as the test says.
struct AgentBench {
    private(set) var agent: Agent
    var now: Moment
    /// Effects of the last input.
    private(set) var latest: [Agent.Effect] = []
    /// Everything made durable so far, and what the store still owes an answer for.
    private(set) var stored: [NodeWrite] = []
    private(set) var owed: [(Ticket, [NodeWrite])] = []
    var storeIsQuick = true

    init(
        snapshot: NodeSnapshot = NodeSnapshot(), limits: AgentLimits = .production,
        ports: ClosedRange<Int> = 20_000...20_999, policyKeys: [TrustedKey] = [],
        plan: SitePlan? = nil, seed: UInt64 = 1
    ) {
        now = Moment(monotonic: .seconds(1_000), wall: WallTime(milliseconds: 1_760_000_000_000))
        var configuration = AgentConfiguration(
            node: "n1", site: "urban", version: "0.1.0",
            capacity: Capacity(cpu: CPUShare(millicores: 2_000), memory: ByteCount(1 << 30)),
            portRange: ports, boot: 2, policyKeys: policyKeys, limits: limits)
        // With a plan it takes part in a mesh.
        configuration.mesh = plan.map { _ in MeshContact(key: "", address: "127.0.0.1:7001") }
        configuration.plan = plan
        agent = Agent(
            configuration: configuration, snapshot: snapshot, random: Random(seed: seed))
        var effects: [Agent.Effect] = []
        agent.start(at: now, into: &effects)
        collect(effects)
    }

    /// Hands the agent one input and, with a quick store, every answer of the store that follows.
    @discardableResult
    mutating func tell(_ input: Agent.Input) -> [Agent.Effect] {
        latest = []
        step(input)
        while storeIsQuick, !owed.isEmpty { answerStore() }
        return latest
    }

    /// The oldest write that is owed becomes durable.
    mutating func answerStore() {
        let (ticket, writes) = owed.removeFirst()
        stored += writes
        step(.persisted(ticket))
    }

    mutating func pass(_ duration: Duration) {
        now.monotonic = now.monotonic + duration
        now.wall = now.wall + duration
    }

    private mutating func step(_ input: Agent.Input) {
        var effects: [Agent.Effect] = []
        agent.handle(input, at: now, into: &effects)
        collect(effects)
    }

    private mutating func collect(_ effects: [Agent.Effect]) {
        latest += effects
        for case .persist(let ticket, let writes) in effects { owed.append((ticket, writes)) }
    }
}

extension AgentBench {
    /// Greets a hub and hands over `documents` as revisions 1, 2, 3...
    mutating func join(_ contents: [Document.Content] = [], epoch: UInt64 = 1) {
        tell(.linkUp)
        welcome(epoch: epoch)
        if !contents.isEmpty { deliver(contents, from: 1) }
    }

    @discardableResult
    mutating func welcome(
        epoch: UInt64 = 1, acknowledged: UInt64 = 0, trust: String? = nil
    ) -> [Agent.Effect] {
        tell(
            .received(
                .welcome(
                    Welcome(
                        epoch: epoch, acknowledged: acknowledged, heartbeatEvery: .seconds(15),
                        reconnectWindow: .seconds(1), trust: trust))))
    }

    @discardableResult
    mutating func deliver(
        _ contents: [Document.Content], from revision: UInt64
    ) -> [Agent.Effect] {
        let documents = contents.enumerated().map { index, content in
            Document(key: key(of: content), revision: revision + UInt64(index), content: content)
        }
        return tell(
            .received(
                .documents(documents, through: revision + UInt64(contents.count) - 1)))
    }

    mutating func list(_ containers: [ObservedContainer] = []) {
        tell(.engine(.listed(containers, EngineStatus(name: "process", version: "1"))))
    }

    mutating func started(_ id: ContainerID, generation: UInt64 = 1, handle: String = "a") {
        tell(.engine(.started(observed(id, generation: generation, handle: handle))))
    }

    private func key(of content: Document.Content) -> DocumentKey {
        switch content {
        case .assignment(let assignment): .assignment(assignment.workload.id)
        case .site(let site): .site(SiteID(site.metadata.name))
        case .node(let node): .node(NodeID(node.metadata.name))
        case .changes: .changes("n1")
        case .policy(let bundle): .policy(Signer.name(of: bundle))
        case .unknown(let kind, _): DocumentKey(kind: kind, name: "new")
        case .secret: .secret("database")
        case .deleted: .assignment("web")
        }
    }

    var starts: [StartRequest] {
        orders(in: latest).compactMap { if case .start(let request) = $0 { request } else { nil } }
    }
    var stops: [ContainerID] {
        orders(in: latest).compactMap { if case .stop(let id, _) = $0 { id } else { nil } }
    }
    /// A person on the node asks for something.
    mutating func ask(_ request: Agent.Request) {
        tell(.request(RequestID(number: 1), request))
    }
    var replies: [Agent.Reply] {
        latest.compactMap { if case .reply(_, let reply) = $0 { reply } else { nil } }
    }
    var sent: [NodeMessage] {
        latest.compactMap { if case .send(let message) = $0 { message } else { nil } }
    }
    /// What the last input made the agent say it holds.
    var holdings: [Document]? {
        sent.lazy.compactMap {
            if case .holdings(let documents, true) = $0 { documents } else { nil }
        }
        .first
    }
    func wakes(for reason: Agent.Wake) -> [Instant] {
        latest.compactMap {
            if case .wake(let time, reason) = $0 { time } else { nil }
        }
    }
    var status: InstanceStatus? { agent.instances(at: now.wall).first }
}

/// `web` with one container, as generation 1.
func web(
    tier: Tier = .critical, command: String = "serve", probes: Probes = Probes(),
    restart: RestartPolicy = .always, generation: UInt64 = 1, ports: [PortSpec] = [],
    stopGrace: Interval = .seconds(10), replicas: Replicas = .count(1)
) -> Workload {
    Workload(
        metadata: Metadata(name: "web", generation: generation),
        spec: WorkloadSpec(
            tier: tier, replicas: replicas,
            containers: [
                ContainerSpec(name: "main", command: [command], ports: ports, probes: probes)
            ],
            restartPolicy: restart, stopGrace: stopGrace))
}

func assigned(_ workload: Workload, ordinals: [Int] = [0]) -> Document.Content {
    .assignment(Assignment(workload: workload, ordinals: ordinals))
}

let webMain = ContainerID(instance: InstanceID(workload: "web", ordinal: 0), name: "main")

func observed(
    _ id: ContainerID, generation: UInt64 = 1, handle: String = "a",
    state: ObservedContainer.State = .running
) -> ObservedContainer {
    ObservedContainer(
        id: id, edition: Edition(generation), handle: handle, state: state,
        startedAt: WallTime(milliseconds: 1_760_000_000_000))
}

/// What a node that runs `web` has on disk.
func snapshot(of workload: Workload, through revision: UInt64 = 1) -> NodeSnapshot {
    NodeSnapshot(
        documents: [
            Document(
                key: .assignment(workload.id), revision: revision, content: assigned(workload))
        ],
        appliedRevision: revision,
        instances: [
            InstanceRecord(
                id: webMain.instance, generation: workload.metadata.generation,
                containers: workload.spec.containers, ports: [:])
        ], epoch: 1)
}

/// What is ordered, without the decisions.
func orders(in effects: [Agent.Effect]) -> [Act] {
    effects.compactMap { if case .carryOut(let order) = $0 { order.act } else { nil } }
}
