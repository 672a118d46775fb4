package import Model

/// A person's own sites and workloads on virtual time, with the faults that the person names, and
/// nothing else going wrong.
///
/// Hub and nodes are the machines of production. Engines do as they are asked, at once and without
/// fail; containers run until they are stopped. What it cannot show: whether a workload itself bears a
/// cut, and how long real images, disks and links take.
package struct Rehearsal: Sendable {
    package var sites: [Site]
    package var nodes: [Cast.Member]
    package var workloads: [Workload]
    /// As people write them: here they need nobody's signature.
    package var policies: [Policy]
    package var plan: FaultPlan
    package var seed: UInt64

    /// A site without a node is there, and nothing runs at it.
    package init(
        sites: [Site], nodes: [Cast.Member], workloads: [Workload], policies: [Policy] = [],
        plan: FaultPlan, seed: UInt64
    ) {
        precondition(
            Scenario.nodeCounts.contains(nodes.count),
            "a fleet has from 1 to \(Scenario.nodeCounts.upperBound) nodes here")
        self.sites = sites
        self.nodes = nodes
        self.workloads = workloads
        self.policies = policies
        self.plan = plan
        self.seed = seed
    }

    /// When the story begins: by then the fleet is up.
    package static let begin = Duration.seconds(600)

    /// When the policies are applied: early enough to be in force everywhere when it begins.
    private static let policiesAt = Duration.seconds(120)

    /// So many nodes at each site: `SITE-1`, `SITE-2`.
    package static func members(of sites: [Site], each count: Int) -> [Cast.Member] {
        sites.flatMap { site in
            (1...count).map {
                Cast.Member(
                    node: NodeID("\(site.metadata.name)-\($0)"), site: SiteID(site.metadata.name))
            }
        }
    }

    /// How long the story lasts; what is to be done at its very end is still done.
    package var length: Duration { max((plan.length ?? plan.end).duration, .seconds(1)) }

    package func run() -> RehearsalReport {
        var scenario = Scenario(nodes: nodes.count, horizon: Rehearsal.begin + length)
        scenario.isSettled = true
        scenario.cast = cast
        var script = Script(seed: seed, scenario: scenario)
        script.rates = Rates()
        script.rates.latency = 0.05
        script.rates.commit = 0.005
        script.mishaps = mishaps
        var world = World(script: script, scenario: scenario, tracedFrom: 0, trace: nil)
        let log = RehearsalLog(every: max(.seconds(5), length / 20_000))
        world.watcher = log
        world.run()
        log.close(world)
        return RehearsalReport(rehearsal: self, log: log, report: world.report)
    }

    private var cast: Cast {
        var cast = Cast(
            sites: sites.map(\.asFirstApplied), nodes: nodes,
            workloads: workloads.map(\.asFirstApplied))
        cast.changes = policies.map {
            Cast.Change(at: Rehearsal.policiesAt, object: .policy(World.signed($0)), node: nil)
        }
        var latest = cast.workloads
        for step in plan.steps.sorted(by: { $0.at < $1.at }) {
            guard case .change(let id, let change) = step.fault,
                let index = latest.firstIndex(where: { $0.id == id })
            else { continue }
            var changed = latest[index]
            changed.spec.apply(change)
            // What is changed at a node is not what people at the hub go on from.
            if change.node == nil { latest[index] = changed }
            cast.changes.append(
                Cast.Change(
                    at: Rehearsal.begin + step.at.duration, object: .workload(changed),
                    node: nodes.firstIndex { $0.node == change.node }))
        }
        return cast
    }

    // MARK: - Faults as mishaps

    private var mishaps: [Mishap] {
        plan.steps.flatMap { step in
            nodes(of: step.fault).map { node in
                let rest = max(.zero, length - step.at.duration)
                let span = step.length?.duration ?? rest
                let (fault, draw) = step.fault.mishap(isForGood: step.length == nil)
                return Mishap(
                    time: milliseconds(Rehearsal.begin + step.at.duration), fault: fault,
                    node: node, length: milliseconds(span), draw: draw)
            }
        }.sorted { $0.time < $1.time }
    }

    /// The nodes that a fault strikes; the first stands for one that strikes the hub or all at once.
    private func nodes(of fault: FaultPlan.Fault) -> [Int] {
        switch fault {
        case .change: []
        case .loseHub, .reconnect: [0]
        case .loseNode(let node), .loseStore(let node):
            nodes.indices.filter { nodes[$0].node == node }
        default:
            nodes.indices.filter {
                fault.target?.concerns(nodes[$0].site, nodes: [nodes[$0].node]) ?? false
            }
        }
    }

    private func milliseconds(_ duration: Duration) -> Int64 { duration.nanoseconds / 1_000_000 }
}

extension FaultPlan.Fault {
    /// The kind of mishap, and the number that says the rest.
    fileprivate func mishap(isForGood: Bool) -> (Fault, UInt64) {
        switch self {
        case .cut(_, let way): (.partition, Mishap.draw(cut: way))
        case .flap(_, let period):
            (.flap, Mishap.draw(period: period.duration.components.seconds))
        case .loss(_, let percent): (.loss, UInt64(percent.rounded()))
        case .latency(_, let delay): (.latency, UInt64(delay.duration.nanoseconds / 1_000_000))
        case .duplication(_, let percent): (.duplication, UInt64(percent.rounded()))
        case .loseNode: (.nodeLoss, isForGood ? Mishap.forGood : 0)
        case .reboot: (.nodeReboot, 0)
        case .loseStore: (.storeLoss, 0)
        case .loseHub: (.hubCrash, 0)
        case .setClock(_, let ahead, let back):
            (
                .wallJump,
                Mishap.draw(
                    jump: ahead.duration.components.seconds - back.duration.components.seconds)
            )
        case .fillDisk: (.nodeDiskFailure, 0)
        case .slowDisk: (.nodeDiskSlow, 0)
        case .crashEngine: (.engineCrash, 0)
        case .reconnect: (.reconnect, 0)
        case .change: (.request, 0)
        }
    }
}

extension WorkloadSpec {
    fileprivate mutating func apply(_ change: FaultPlan.Change) {
        if let image = change.image, !containers.isEmpty { containers[0].image = image }
        replicas = change.replicas ?? replicas
        tier = change.tier ?? tier
    }
}

extension Site {
    /// As the hub holds it once a person has applied it.
    fileprivate var asFirstApplied: Site {
        var site = self
        site.metadata.generation = 1
        site.status = nil
        return site
    }
}

extension Workload {
    fileprivate var asFirstApplied: Workload {
        var workload = self
        workload.metadata.generation = 1
        workload.status = nil
        return workload
    }
}
