package import Model
import Replication

/// What people may see of the hub's knowledge, each figure with its age. Reading changes nothing.
extension Hub {
    package func objects(_ kind: Kind, at now: WallTime) -> [Object] {
        switch kind {
        case .site: sites.rows.map { .site(view($0, at: now)) }
        case .node: nodes.rows.map { .node(view($0, at: now)) }
        case .workload: workloads.rows.map { .workload(view($0)) }
        case .instance: instances.map { .instance(Instance($0)) }
        case .secret: secrets.rows.map { .secret($0.shown) }
        case .policy: policies.rows.compactMap { view($0, at: now).map(Object.policy) }
        }
    }

    package var eventLog: Recent<Event> { events }

    /// The newest decisions of hub and nodes, and before them the ones that are older and still say
    /// why something is as it is.
    package func decisions(about filter: DecisionFilter?, limit: Int) -> [Decision] {
        let recent = decisions.filter { filter?.matches($0) ?? true }
        let known = Set(recent.map(\.id))
        let older = standing.rows.filter {
            !known.contains($0.id) && filter?.matches($0) ?? true
        }
        return Array((older.sorted { ($0.at, $0.id) < ($1.at, $1.id) } + recent).suffix(limit))
    }

    /// The session that reaches a node, if any.
    package func session(of node: NodeID) -> SessionID? { nodes[node]?.session }

    /// The node that holds an instance, as far as its log told.
    package func node(of instance: InstanceID) -> NodeID? {
        nodes.first { $0.1.instances[instance] != nil }?.0
    }

    private func view(_ site: Site, at now: WallTime) -> Site {
        let members = nodes.rows.filter { $0.node.spec.site.text == site.metadata.name }
        var site = site
        site.status = SiteStatus(
            nodes: members.count, nodesInContact: members.count { $0.session != nil },
            observedAt: now)
        return site
    }

    private func view(_ member: Member, at now: WallTime) -> Node {
        var node = member.node
        node.status = NodeStatus(
            state: state(of: member, at: now), lastSeen: member.lastSeen,
            observedAt: member.lastSeen ?? now, agentVersion: member.agentVersion,
            engine: member.engine, capacity: member.capacity, usage: member.usage,
            desiredRevision: member.feed.head, appliedRevision: member.applied,
            conditions: conditions(of: member, at: now))
        return node
    }

    private func state(of member: Member, at now: WallTime) -> NodeState {
        switch member.timeline {
        case .paused: return .conflictPaused
        case .awaited: return member.session == nil ? .awaitingReconnect : .conflictPaused
        case .shared: break
        }
        if member.session != nil { return .ready }
        if member.vouch != nil { return .vouched }
        guard let seen = member.lastSeen else { return .silent }
        let window = autonomyWindow(of: member)
        return now - seen <= window.duration ? .autonomous : .silent
    }

    private func conditions(of member: Member, at now: WallTime) -> [Condition] {
        absenceConditions(of: member, at: now) + timelineConditions(of: member)
            + cloneConditions(of: member) + revocationConditions(of: member)
            + policyConditions(of: member, at: now) + auditConditions(of: member)
    }

    /// Out of contact, and whether that is a cause for concern.
    private func absenceConditions(of member: Member, at now: WallTime) -> [Condition] {
        guard member.session == nil, let seen = member.lastSeen else { return [] }
        if let vouch = member.vouch {
            return [
                Condition(
                    type: Condition.contact, isTrue: false, reason: "Vouched",
                    message: vouch.sentence, observedAt: vouch.seenAt)
            ]
        }
        let absence = absence(of: NodeID(member.node.metadata.name))
        let reason =
            switch absence {
            case .normal: "NotHeard"
            case .expected: "Expected"
            case .error: "Unexpected"
            }
        return [
            Condition(
                type: Condition.contact, isTrue: false, reason: reason,
                message: absence.sentence, observedAt: seen)
        ]
    }

    /// A report is as old as the last contact with its node: while in contact, no news is news.
    private var instances: [InstanceStatus] {
        nodes.rows.flatMap { member in
            member.instances.rows.map { status in
                var status = status
                status.observedAt = max(status.observedAt, member.lastSeen ?? status.observedAt)
                return status
            }
        }
    }

    private func view(_ workload: Workload) -> Workload {
        let desired =
            switch workload.spec.replicas {
            case .count(let count): count
            case .perNode: placements[workload.id]?.values.reduce(0) { $0 + $1.count } ?? 0
            }
        let own = instances.filter { $0.id.workload == workload.id }
        var workload = workload
        workload.status = WorkloadStatus(
            desired: desired, ready: own.count(where: \.ready),
            observedAt: own.map(\.observedAt).min(), conditions: conditions(of: workload))
        return workload
    }

    private func conditions(of workload: Workload) -> [Condition] {
        let doubled = (replacements[workload.id] ?? []).map { claim in
            Condition(
                type: "Replaced", isTrue: true, reason: "NodeLost",
                message: "copy \(claim.ordinal) is held by "
                    + claim.holders.map { "'\($0)'" }.joined(separator: " and ")
                    + ": the first is not heard from; one goes on when it is back",
                observedAt: nodes[claim.holders[0]]?.lastSeen
                    ?? workload.metadata.createdAt ?? WallTime(milliseconds: 0))
        }
        return doubled + placedConditions(of: workload)
    }

    private func placedConditions(of workload: Workload) -> [Condition] {
        guard case .count(let count) = workload.spec.replicas else { return [] }
        let placed = placements[workload.id]?.values.reduce(0) { $0 + $1.count } ?? 0
        guard placed < count, let created = workload.metadata.createdAt else { return [] }
        return [
            Condition(
                type: "Placed", isTrue: false, reason: "NoNode",
                message: "\(count - placed) of \(count) replicas have no node: none that is not "
                    + "cordoned matches the selector",
                observedAt: created)
        ]
    }
}
