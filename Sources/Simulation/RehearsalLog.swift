import Authority
import Machines
package import Model

/// What was seen of a fleet during a rehearsal: a sample now and then, kept where something changed.
final class RehearsalLog: Watcher {
    private let period: Int64
    private var nextLook: Int64 = 0
    private(set) var stories: Table<NodeID, NodeStory> = Table()
    /// What people changed at nodes, as it stood in the end, and what they were refused there.
    private(set) var changes: [LocalChangeReport] = []
    private(set) var refusals: [String] = []

    init(every period: Duration) { self.period = period.nanoseconds }

    func isDue(_ time: Int64) -> Bool { time >= nextLook }

    func look(_ world: World) {
        nextLook = world.time + period
        let time = Duration.nanoseconds(world.time)
        for place in world.places {
            if stories[place.id] == nil {
                stories.insert(NodeStory(node: place.id, site: place.site), for: place.id)
            }
            let moment = place.clock.moment(at: world.time)
            stories.update(place.id) { $0.add(NodeStory.Sample.of(place, at: moment), at: time) }
        }
    }

    func close(_ world: World) {
        look(world)
        changes =
            (world.centre.hub?.localChanges ?? [])
            + world.places.flatMap { $0.agent?.localChanges ?? [] }
        refusals = world.refusals
    }
}

/// What became of one node, and when.
package struct NodeStory: Equatable, Sendable {
    /// How a node stood at a moment.
    package struct Sample: Equatable, Sendable {
        /// Nil while its agent is down.
        package var reach: Reach?
        package var staleness: Staleness?
        /// Running containers by tier, and those that were held for want of authority.
        package var running: [Tier: Int]
        package var held: [Tier: Int]
    }

    package struct Change: Equatable, Sendable {
        package var at: Duration
        package var sample: Sample
    }

    package let node: NodeID
    package let site: SiteID
    package private(set) var changes: [Change] = []
    /// The most log entries that waited for the hub at once, and those given up for want of room.
    package private(set) var spoolMost = 0
    package private(set) var spoolDropped = 0
    /// Starts beyond the first, of all its instances together.
    package private(set) var restarts = 0

    init(node: NodeID, site: SiteID) {
        self.node = node
        self.site = site
    }

    fileprivate mutating func add(_ seen: (Sample, Figures), at time: Duration) {
        let (sample, figures) = seen
        spoolMost = max(spoolMost, figures.spool)
        spoolDropped = max(spoolDropped, figures.dropped)
        restarts = max(restarts, figures.restarts)
        if changes.last?.sample != sample { changes.append(Change(at: time, sample: sample)) }
    }

    fileprivate struct Figures {
        var spool = 0
        var dropped = 0
        var restarts = 0
    }
}

extension NodeStory.Sample {
    fileprivate init(running: [Tier: Int]) {
        self.init(reach: nil, staleness: nil, running: running, held: [:])
    }

    /// Running is what truly runs, whatever the agent believes.
    fileprivate static func of(
        _ place: Place, at now: Moment
    ) -> (NodeStory.Sample, NodeStory.Figures) {
        let statuses = place.agent?.instances(at: now.wall) ?? []
        var tiers: [InstanceID: Tier] = [:]
        for status in statuses { tiers[status.id] = status.tier }
        var sample = NodeStory.Sample(running: [:])
        for (id, truth) in place.containers.all where truth.isRunning {
            sample.running[tiers[id.instance] ?? place.tier(of: id.instance), default: 0] += 1
        }
        guard let agent = place.agent else { return (sample, NodeStory.Figures()) }
        let here = agent.circumstances(at: now)
        sample.reach = here.reach
        sample.staleness = here.staleness
        for status in statuses where status.reason == "Held" {
            sample.held[status.tier, default: 0] += 1
        }
        return (
            sample,
            NodeStory.Figures(
                spool: agent.unacknowledged, dropped: agent.dropped,
                restarts: statuses.reduce(0) { $0 + $1.restarts })
        )
    }
}

extension Place {
    /// By what is on its disk: there may be no agent to ask.
    fileprivate func tier(of id: InstanceID) -> Tier {
        guard case .assignment(let assignment) = store.document(.assignment(id.workload))?.content
        else { return .optional }
        return assignment.workload.spec.tier
    }
}
