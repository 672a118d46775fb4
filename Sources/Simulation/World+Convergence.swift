import Machines
import Model

/// I20: with faults off, all agree within a bound, and then nothing moves any more.
extension World {
    /// A minute, the longest back-off of a restart, and one audit for what ended unseen.
    static let bound: Int64 = (60 + 300 + 60) * 1_000_000_000

    mutating func inspect() {
        let difference = difference()
        if let convergedAt {
            // What a probe shows is told a moment later, so one look is not enough.
            if difference == nil { isDoubtful = false }
            if let difference, !isDoubtful {
                isDoubtful = true
                note("in doubt: \(difference)")
            } else if let difference {
                violate(
                    .convergence,
                    "all agreed at \(convergedAt / 1_000_000_000) s, and then did not: "
                        + difference)
            }
        } else if difference == nil {
            convergedAt = time
            for node in places.indices where !isClone(node) { checkCounted(node) }
            note("all agree")
        } else if time > horizon + World.bound {
            violate(.convergence, difference ?? "")
        }
        queue.add(.inspect, at: seconds(places.count > 100 ? 60 : 5))
    }

    /// The first thing in which hub, nodes and engines are not of one mind.
    private mutating func difference() -> String? {
        guard let hub = centre.hub else { return "the hub is down" }
        for key in ledger.keys where !ledger.isBusy(key) {
            if centre.store.face(key) != ledger.face(key) { return "\(key) is not as acknowledged" }
        }
        let snapshot = centre.store.load()
        var states: [String: HubSnapshot.NodeState] = [:]
        for state in snapshot.nodes { states[state.node.metadata.name] = state }
        if let doubled = doubled(in: snapshot) { return doubled }
        let now = centre.clock.moment(at: time).wall
        var told: [NodeID: [InstanceStatus]] = [:]
        for case .instance(let instance) in hub.objects(.instance, at: now) {
            told[instance.status.node, default: []].append(instance.status)
        }
        if let breach = firstBreach(by: hub) {
            violate(.compliance, breach)
            return breach
        }
        for node in places.indices where !isClone(node) && !places[node].isGone {
            let id = places[node].id
            guard places[node].isEnrolled else { return "\(id) does not belong yet" }
            guard let state = states[id.text] else { return "\(id) is not known to the hub" }
            if let clone = unnoticedClone(of: node, by: hub) { return clone }
            if let difference = difference(at: node, state, snapshot, told[id] ?? []) {
                return "\(id): \(difference)"
            }
        }
        return nil
    }

    /// No machine here lies, unless a test makes it.
    private func firstBreach(by hub: Hub) -> String? {
        let breach = (hub.compliance(of: nil) ?? []).flatMap(\.breaches).first
        return breach.map {
            "\($0.decision.id) is against its policy: " + $0.faults.joined(separator: "; ")
        }
    }

    private func difference(
        at node: Int, _ state: HubSnapshot.NodeState, _ snapshot: HubSnapshot,
        _ told: [InstanceStatus]
    ) -> String? {
        let place = places[node]
        guard let agent = place.agent else { return "its agent is down" }
        guard let session = place.session else { return "it has no session" }
        guard sessions[session].isWhole, sessions[session].hubLife == centre.life else {
            return "its session is dead"
        }
        guard state.appliedRevision == state.headRevision,
            agent.appliedRevision == state.headRevision
        else {
            return "the hub made revision \(state.headRevision), knows of "
                + "\(state.appliedRevision), and the node holds \(agent.appliedRevision)"
        }
        let feed = wanted(state)
        let wanted = expected(
            placed(on: place.id, snapshot), with: state.changes, snapshot, at: place.id)
        guard feed == wanted else {
            return "its feed does not say what was placed on it"
        }
        let held = place.store.load().documents.compactMap { document -> Assignment? in
            if case .assignment(let assignment) = document.content { assignment } else { nil }
        }
        guard held.sorted(by: { $0.workload.id < $1.workload.id }) == feed else {
            let differing = Set(held).symmetricDifference(feed).map(\.workload.id.text)
            return "it holds other assignments than its feed has, of "
                + Set(differing).sorted().joined(separator: ", ")
        }
        guard place.store.changes.isEmpty else {
            return "it still keeps what people changed there"
        }
        guard covered(at: node) >= place.promised else {
            return "the hub never heard of a change there"
        }
        if let difference = policyDifference(at: place, agent, snapshot.policies) {
            return difference
        }
        return difference(of: place, running: feed) ?? difference(of: place, agent, told)
    }

    /// A copy that several nodes hold, or that the hub thinks they do, though all are in contact.
    private func doubled(in snapshot: HubSnapshot) -> String? {
        for (workload, places) in snapshot.placements.sorted(by: { $0.key < $1.key }) {
            let ordinals = places.values.joined()
            if Set(ordinals).count < ordinals.count {
                return "a copy of \(workload) is on several nodes: \(places)"
            }
            if let claims = snapshot.replacements[workload] {
                return "the hub still chooses between copies of \(workload): \(claims)"
            }
        }
        return nil
    }

    private func wanted(_ state: HubSnapshot.NodeState) -> [Assignment] {
        state.documents.compactMap { document in
            if case .assignment(let assignment) = document.content { assignment } else { nil }
        }.sorted { $0.workload.id < $1.workload.id }
    }

    private func placed(on node: NodeID, _ snapshot: HubSnapshot) -> [Assignment] {
        snapshot.workloads.sorted { $0.id < $1.id }.compactMap { workload in
            snapshot.placements[workload.id]?[node].map {
                Assignment(workload: workload, ordinals: $0)
            }
        }
    }

    private func difference(of place: Place, running feed: [Assignment]) -> String? {
        var expected: Set<ContainerID> = []
        for assignment in feed {
            for ordinal in assignment.ordinals {
                for spec in assignment.workload.spec.containers {
                    let id = ContainerID(
                        instance: InstanceID(workload: assignment.workload.id, ordinal: ordinal),
                        name: spec.name)
                    expected.insert(id)
                    let truth = place.containers.all[id]
                    let mayRest = assignment.workload.spec.restartPolicy != .always
                    guard truth?.isRunning == true else {
                        if mayRest { continue }
                        return "\(id) should run and does not"
                    }
                    if truth?.spec != spec { return "\(id) runs with another spec" }
                }
            }
        }
        for (id, truth) in place.containers.all where truth.isRunning && !expected.contains(id) {
            return "\(id) runs and should not"
        }
        return nil
    }

    private func difference(
        of place: Place, _ agent: Agent, _ told: [InstanceStatus]
    ) -> String? {
        let own = agent.instances(at: WallTime(milliseconds: 0))
        for status in own {
            // What need not run for ever may have ended, in part or as a whole.
            let policy = place.store.document(.assignment(status.id.workload))?.restartPolicy
            guard status.ready || (policy != .always && status.phase != .pending) else {
                return "\(status.id) is \(status.phase.rawValue) and not ready"
            }
            guard
                var seen = told.first(where: { $0.id == status.id })
            else { return "the hub does not know of \(status.id)" }
            seen.observedAt = status.observedAt
            guard seen == status else {
                return "the hub sees \(status.id) as \(seen.phase.rawValue), ready \(seen.ready), "
                    + "\(seen.restarts) restarts; the node as \(status.phase.rawValue), ready "
                    + "\(status.ready), \(status.restarts) restarts"
            }
        }
        for status in told where !own.contains(where: { $0.id == status.id }) {
            return "the hub still sees \(status.id)"
        }
        return nil
    }
}

extension Document {
    fileprivate var restartPolicy: RestartPolicy? {
        if case .assignment(let assignment) = content {
            assignment.workload.spec.restartPolicy
        } else {
            nil
        }
    }
}
