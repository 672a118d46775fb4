import Claiming
import Membership
import MeshLab
import Model

/// A mesh of claimants on virtual time: datagrams that get lost, splits, deaths, pauses and restarts,
/// and engines that take a while.
struct Field {
    struct Node {
        var claimant: Claimant
        /// The machine is on.
        var isUp = true
        /// Its agent stands still, and what it runs goes on.
        var isPaused = false
        var group = 0
        var running: Set<InstanceID> = []
        /// What its engine is about to have done.
        var starting: [InstanceID: Int] = [:]
        var stopping: [InstanceID: Int] = [:]
        var view: [NodeID: Liveness] = [:]
        /// How long each other one has not been heard, or has been again, in ticks.
        var unheard: [NodeID: Int] = [:]
        var startedAt: [InstanceID: Int] = [:]
        /// What the claimant was told last, and when it wants to be asked again.
        var told: [InstanceID: Claimant.Presence]?
        var stepTick = 0
    }

    struct Datagram {
        let from: Int
        let to: Int
        let messages: [Message]
        let dueTick: Int
    }

    static let tickMilliseconds = 50

    /// The shipped membership on virtual time; without one, who is gone shows after some seconds.
    var lab: MeshLab?
    let names: [NodeID]
    var nodes: [Node]
    var plan: SitePlan
    var random: Random
    var loss: Double
    var tick = 0
    var wire: [Datagram] = []
    /// Nodes whose claims and answers never leave them, though the mesh hears them.
    var mute: Set<Int> = []
    var sentMessages = 0
    /// When each instance first ran at each node, in ticks.
    var firstRun: [InstanceID: [(node: Int, tick: Int)]] = [:]
    /// Two of one component ran the same instance at once.
    var doubles: [(tick: Int, instance: InstanceID)] = []

    init(
        _ count: Int, workloads: [Workload], homes: [SitePlan.Home]? = nil, loss: Double = 0,
        isReal: Bool = false, seed: UInt64
    ) {
        if isReal {
            var lab = MeshLab(count, seed: seed)
            lab.loss = loss
            self.lab = lab
        }
        let names = lab?.members.map(\.id) ?? (0..<count).map { NodeID("node-\($0)") }
        self.names = names
        random = Random(seed: seed)
        self.loss = loss
        plan = SitePlan(
            site: "pit", version: RosterVersion(epoch: 1, number: 1),
            places: names.map { SitePlan.Place(node: $0) }, workloads: workloads,
            homes: homes
                ?? workloads.enumerated().flatMap { index, workload -> [SitePlan.Home] in
                    guard case .count(let copies) = workload.spec.replicas else { return [] }
                    return (0..<copies).map {
                        SitePlan.Home(
                            instance: InstanceID(workload: workload.id, ordinal: $0),
                            node: names[(index + $0) % count], epoch: 1)
                    }
                })
        nodes = []
        for name in names {
            nodes.append(Node(claimant: Claimant(node: name, at: Instant(nanoseconds: 0))))
        }
        for index in nodes.indices { boot(index, kept: []) }
    }

    var now: Moment {
        Moment(
            monotonic: .milliseconds(Int64(tick * Field.tickMilliseconds)),
            wall: WallTime(milliseconds: Int64(tick * Field.tickMilliseconds)))
    }

    static func workload(
        _ name: String, tier: Tier = .critical, replicas: Int = 1, reconcile: Reconcile? = nil
    ) -> Workload {
        Workload(
            metadata: Metadata(name: name),
            spec: WorkloadSpec(
                tier: tier, replicas: .count(replicas), containers: [ContainerSpec(name: "main")],
                disconnect: reconcile.map { Disconnect(replace: true, reconcile: $0) }))
    }

    // MARK: - What happens to it

    private mutating func boot(_ index: Int, kept: [Tenure]) {
        nodes[index].claimant = Claimant(
            node: names[index], kept: kept, at: now.monotonic)
        nodes[index].claimant.adopt(plan, at: now)
        if lab?.nodes[index] == nil { lab?.start(index) }
        nodes[index].view = [:]
        nodes[index].unheard = [:]
        nodes[index].told = nil
        nodes[index].stepTick = tick
        nodes[index].isUp = true
        nodes[index].isPaused = false
    }

    mutating func kill(_ index: Int) {
        lab?.kill(index)
        nodes[index].isUp = false
        nodes[index].running = []
        nodes[index].starting = [:]
        nodes[index].stopping = [:]
    }

    /// What it had claimed is on its disk.
    mutating func restart(_ index: Int) {
        guard !nodes[index].isUp else { return }
        boot(index, kept: nodes[index].claimant.grants)
    }

    /// The agent dies and comes back; what it runs goes on.
    mutating func restartAgent(_ index: Int) {
        guard nodes[index].isUp else { return }
        boot(index, kept: nodes[index].claimant.grants)
    }

    /// Hears only those of the same group from here on.
    mutating func separate(_ index: Int, into group: Int) {
        nodes[index].group = group
        lab?.group[index] = group
    }

    mutating func deal(_ next: SitePlan, to indices: [Int]) {
        plan = next
        for index in indices {
            nodes[index].stepTick = tick
            nodes[index].claimant.adopt(next, at: now)
        }
    }

    // MARK: - Time

    mutating func run(seconds: Double) {
        for _ in 0..<Int(seconds * 1000) / Field.tickMilliseconds { advance() }
    }

    func isTied(_ left: Int, _ right: Int) -> Bool {
        nodes[left].isUp && nodes[right].isUp && nodes[left].group == nodes[right].group
    }

    private mutating func advance() {
        tick += 1
        lab?.run(for: .milliseconds(Int64(Field.tickMilliseconds)))
        let due = wire.filter { $0.dueTick <= tick }
        if !due.isEmpty { wire.removeAll { $0.dueTick <= tick } }
        for datagram in due where isTied(datagram.from, datagram.to) {
            guard !nodes[datagram.to].isPaused else { continue }
            let posts = nodes[datagram.to].claimant.hear(
                datagram.messages, from: names[datagram.from], at: now)
            post(posts, from: datagram.to)
            nodes[datagram.to].stepTick = tick
        }
        for index in nodes.indices where nodes[index].isUp {
            runEngine(of: index)
            guard !nodes[index].isPaused else { continue }
            look(from: index)
            order(index)
            guard nodes[index].stepTick <= tick else { continue }
            post(nodes[index].claimant.step(at: now), from: index)
            let next = nodes[index].claimant.nextStep(at: now.monotonic)
            nodes[index].stepTick =
                next.map {
                    Int($0.nanoseconds / 1_000_000) / Field.tickMilliseconds + 1
                } ?? .max
        }
        note()
    }

    private mutating func post(_ posts: [Post], from index: Int) {
        for post in posts {
            sentMessages += 1
            guard let to = names.firstIndex(of: post.member), !random.chance(loss),
                !mute.contains(index)
            else { continue }
            let delay = 1 + Int(random.next() % 3)
            wire.append(
                Datagram(from: index, to: to, messages: post.messages, dueTick: tick + delay))
        }
    }

    /// Whom it hears: quiet after 3 s without, failed after 4.5 to 5.5 s, alive after one with.
    private mutating func look(from index: Int) {
        if let lab { return look(from: index, in: lab) }
        let before = nodes[index].view
        for other in nodes.indices where other != index {
            let isHeard = isTied(index, other) && !nodes[other].isPaused
            let name = names[other]
            let count = nodes[index].unheard[name] ?? 0
            let next = isHeard ? min(count, 0) - 1 : max(count, 0) + 1
            nodes[index].unheard[name] = next
            let held = nodes[index].view[name] ?? .unknown
            let patience = 90 + (index * 7 + other * 13) % 20
            if next <= -20 {
                nodes[index].view[name] = .alive
            } else if held != .unknown, next >= patience {
                nodes[index].view[name] = .failed
            } else if held == .alive, next >= 60 {
                nodes[index].view[name] = .quiet
            } else {
                nodes[index].view[name] = held
            }
        }
        guard nodes[index].view != before else { return }
        nodes[index].stepTick = tick
        let known = 1 + nodes[index].view.values.count { $0 != .unknown }
        let alive = 1 + nodes[index].view.values.count { $0 == .alive }
        nodes[index].claimant.see(
            nodes[index].view, isIsolated: alive * 2 <= known && known > 1, at: now.monotonic)
    }

    private mutating func look(from index: Int, in lab: MeshLab) {
        var view: [NodeID: Liveness] = [:]
        for other in nodes.indices where other != index {
            view[names[other]] = lab.liveness(of: other, at: index)
        }
        guard view != nodes[index].view else { return }
        nodes[index].view = view
        nodes[index].stepTick = tick
        nodes[index].claimant.see(
            view, isIsolated: lab.isolated.contains(index), at: now.monotonic)
    }

    private mutating func runEngine(of index: Int) {
        for (id, left) in nodes[index].starting {
            nodes[index].starting[id] = left == 0 ? nil : left - 1
            if left == 0 {
                nodes[index].running.insert(id)
                nodes[index].startedAt[id] = tick
                firstRun[id, default: []].append((index, tick))
            }
        }
        for (id, left) in nodes[index].stopping {
            nodes[index].stopping[id] = left == 0 ? nil : left - 1
            if left == 0 { nodes[index].running.remove(id) }
        }
    }

    /// The agent's part: starts what is granted, stops what is not, and says how it is.
    private mutating func order(_ index: Int) {
        for home in plan.homes {
            let id = home.instance
            let isGranted = nodes[index].claimant.grants(id)
            let isWanted = nodes[index].claimant.wanted.contains(id)
            let runs = nodes[index].running.contains(id)
            if isGranted, !runs, nodes[index].starting[id] == nil {
                nodes[index].starting[id] = Int(random.next() % 10)
            } else if !isGranted, nodes[index].starting[id] != nil {
                nodes[index].starting[id] = nil
            } else if !isWanted, runs, nodes[index].stopping[id] == nil {
                nodes[index].stopping[id] = Int(random.next() % 20)
            }
        }
        var present: [InstanceID: Claimant.Presence] = [:]
        for id in nodes[index].running {
            present[id] = Claimant.Presence(
                isReady: true,
                startedAt: WallTime(
                    milliseconds: Int64(
                        (nodes[index].startedAt[id] ?? 0) * Field.tickMilliseconds)))
        }
        for id in nodes[index].starting.keys {
            present[id] = Claimant.Presence(isReady: false, startedAt: nil)
        }
        guard present != nodes[index].told else { return }
        nodes[index].told = present
        nodes[index].stepTick = tick
        nodes[index].claimant.note(
            present, isAble: true, permitted: [.critical, .reduced, .optional], at: now)
    }

    // MARK: - What is to be seen

    func runners(of id: InstanceID) -> [Int] {
        nodes.indices.filter { nodes[$0].running.contains(id) }
    }

    private mutating func note() {
        for home in plan.homes {
            let runners = runners(of: home.instance)
            guard runners.count > 1 else { continue }
            for (place, one) in runners.enumerated() {
                for other in runners[(place + 1)...] where isTied(one, other) {
                    doubles.append((tick, home.instance))
                }
            }
        }
    }
}
