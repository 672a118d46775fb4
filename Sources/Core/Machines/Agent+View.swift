package import Model
import Replication

/// What people on the node may see. Reading changes nothing.
extension Agent {
    package func instances(at now: WallTime) -> [InstanceStatus] {
        held.rows.map { $0.status(on: configuration, at: now) }
    }

    package var workloads: [Workload] {
        replica.contents.compactMap {
            if case .assignment(let assignment) = $0 { assignment.workload } else { nil }
        }
    }

    package var site: Site? {
        guard case .site(let site) = replica[.site(configuration.site)] else { return nil }
        return site
    }

    package var node: Node? {
        guard case .node(let node) = replica[.node(configuration.node)] else { return nil }
        return node
    }

    /// The engine that answered last, or that there is none and why.
    package var shownEngine: EngineStatus? {
        engineTrouble.map { .absent(because: $0) } ?? engineStatus
    }

    package var appliedRevision: UInt64 { replica.through }
    package var hubEpoch: UInt64 { epoch }
    /// Log entries that no hub has acknowledged, and those shed for want of room.
    package var unacknowledged: Int { outbox.count }
    package var dropped: Int { outbox.dropped }
}
