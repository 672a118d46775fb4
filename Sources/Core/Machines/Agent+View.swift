import Authority
package import Model
import Replication

/// What people on the node may see. Reading changes nothing.
extension Agent {
    package func instances(at now: WallTime) -> [InstanceStatus] {
        held.rows.map { $0.status(on: configuration, at: now) }
    }

    /// What runs here: the hub's word, with what people changed at this node.
    package var workloads: [Workload] {
        effective.rows.filter { !$0.ordinals.isEmpty }.map(\.workload)
    }

    package var site: Site? {
        guard case .site(let site) = replica[.site(configuration.site)] else { return nil }
        return site
    }

    package var node: Node? {
        guard case .node(let node) = replica[.node(configuration.node)] else { return nil }
        return node
    }

    /// The newest decisions taken here, and those that started what runs; oldest first.
    package func decisions(about filter: DecisionFilter?, limit: Int) -> [Decision] {
        let known = Set(decisions.map(\.id))
        let older = held.rows.compactMap(\.record.decision).filter { !known.contains($0.id) }
        let all = older.sorted { ($0.at, $0.id) < ($1.at, $1.id) } + decisions
        return Array(all.filter { filter?.matches($0) ?? true }.suffix(limit))
    }

    package func authority(at now: Moment) -> AuthorityReport {
        let here = circumstances(at: now)
        let policies = policiesInForce
        return AuthorityReport(
            site: configuration.site, pattern: regime.pattern, policyVersion: regime.generation,
            stalenessBound: regime.stalenessBound, autonomyWindow: regime.autonomyWindow,
            cells: regime.report,
            nodes: [
                AuthorityReport.Standing(
                    node: configuration.node, staleness: here.staleness, reach: here.reach,
                    policyVersion: regime.generation,
                    policyAge: Interval(max(.zero, here.policyAge)), policies: policies ?? [])
            ],
            policies: policies, asOf: now.wall)
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
