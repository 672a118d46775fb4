import Authority
import Machines
import Model
import Replication

/// People who come to a node, cut off or not, and want something to be different there.
extension World {
    /// What they ask is decided by `draw` alone.
    mutating func visit(_ node: Int, _ draw: UInt64) {
        var own = Random(seed: draw)
        swap(&random, &own)
        defer { swap(&random, &own) }
        guard places[node].isEnrolled, places[node].isUp, let agent = places[node].agent else {
            return
        }
        let known = agent.workloads
        let ownName = "l\(node)"
        let request: Agent.Request
        switch pick(6) {
        case 0..<2 where !known.isEmpty:
            var workload = known[pick(known.count)]
            workload.spec.containers[0].env = ["HERE": String(pick(3))]
            request = .apply([.workload(workload)], dryRun: false)
        case 2 where !known.isEmpty:
            request = .delete(.workload, name: known[pick(known.count)].metadata.name)
        default:
            request = .apply([.workload(localWorkload(ownName, at: node))], dryRun: false)
        }
        places[node].visits += 1
        queue.add(
            .tellAgent(
                node, life: places[node].life,
                .request(RequestID(number: places[node].visits), request)), at: time)
    }

    private mutating func localWorkload(_ name: String, at node: Int) -> Workload {
        Workload(
            metadata: Metadata(name: name),
            spec: WorkloadSpec(
                tier: Tier.allCases[pick(3)], selector: ["node": places[node].id.text],
                containers: [ContainerSpec(name: "main", command: ["serve", String(pick(2))])]))
    }

    /// Somebody at the hub settles one of the changes that nodes have handed over.
    mutating func settleChange() {
        guard let change = centre.hub?.localChanges.randomElement(using: &random) else { return }
        // What the hub's people were told of their own workloads stays as they were told.
        let isMadeThere = ledger.face("Workload/\(change.change.workload)") == nil
        let keep: Side =
            isMadeThere && change.change.effect == .added && random.chance(0.5) ? .node : .hub
        demand(
            .resolve(
                Resolution(node: change.node, workload: change.change.workload, keep: keep)),
            .nothing)
    }

    // MARK: - What was promised

    /// Up to which entry of its log the disk of a node covers what people changed there.
    func covered(at node: Int) -> UInt64 {
        let place = places[node]
        guard case .changes(let through) = place.store.document(.changes(place.id))?.content else {
            return 0
        }
        return through
    }

    /// What a person at a node was told is on its disk.
    mutating func checkPromise(_ reply: Agent.Reply, at node: Int) {
        if case .refused(let refusal) = reply {
            // Those who drew their wishes are refused all the time, and nobody reads of it.
            if scenario.cast != nil { refusals.append(refusal.message) }
            return
        }
        let reports = places[node].agent?.localChanges ?? []
        if let sequence = reports.map(\.change.sequence).max() {
            places[node].promised = max(places[node].promised, sequence)
        }
        let store = places[node].store
        let missing = reports.first { store.localChange($0.change.workload) != $0.change }
        if let missing {
            violate(
                .durability,
                "\(places[node].id) says that \(missing.change.workload) is changed, and it is not "
                    + "on its disk")
        }
    }

    /// What a node is to run, worked out from two disks: what the hub placed there, and what people
    /// changed there.
    func expected(
        _ word: [Assignment], with changes: [LocalChange], _ snapshot: HubSnapshot,
        at node: NodeID
    ) -> [Assignment] {
        var expected: Table<WorkloadID, Assignment> = Table()
        for assignment in word { expected.insert(assignment, for: assignment.workload.id) }
        let table = centre.hub?.table(at: node) ?? AuthorityTable(.hybrid)
        for change in changes {
            var word = expected[change.workload]
            if word == nil {
                word = snapshot.workloads.first { $0.id == change.workload }
                    .map { Assignment(workload: $0, ordinals: []) }
            }
            let side = table.side(for: change, on: word)
            expected.insert(
                Variant(of: change, on: word, favouring: side).assignment, for: change.workload)
        }
        return expected.rows
    }
}
