import Machines
import Model

/// A hub whose store is put back from an older copy, and the people who settle what differs then.
extension World {
    /// Copies the hub's store now and then, as somebody does who makes backups.
    mutating func noteCommit(_ writes: [HubWrite]) {
        guard scenario.restoresHub else { return }
        if centre.isCopy, writes.contains(where: { if case .epoch = $0 { true } else { false } }) {
            centre.isCopy = false
        }
        centre.commits += 1
        guard centre.commits % World.commitsPerBackup == 0, !centre.isCopy else { return }
        centre.backups.append(centre.store)
        if centre.backups.count > World.backupsKept { centre.backups.removeFirst() }
    }

    /// The hub dies, and comes back with what it knew a while ago.
    mutating func restoreHub(_ mishap: Mishap) {
        guard !centre.backups.isEmpty else { return }
        crashHub(orderly: true, rest: max(1_000_000_000, mishap.duration))
        let backup = centre.backups[Int(mishap.draw % UInt64(centre.backups.count))]
        note("the hub's store is put back from a copy")
        // The machine may not have been off after all.
        if mishap.draw / 64 % 2 == 0 { startRival(from: centre.store, beside: backup, mishap) }
        centre.formerEpoch = max(centre.formerEpoch, centre.store.load().epoch)
        for node in places.indices where !isClone(node) {
            // What the node has seen of the time that the hub forgets.
            places[node].rollback =
                places[node].isEnrolled
                    && places[node].store.appliedRevision > newest(of: node, in: backup)
                ? backup.node(places[node].id)?.documents ?? [] : nil
        }
        centre.store = backup
        centre.copied = backup
        centre.isCopy = true
        centre.backups = []
        if counts.restores == 0 { queue.add(.settle, at: seconds(30)) }
        counts.restores += 1
        forgetWhatIsGone()
    }

    func newest(of node: Int, in store: HubStore) -> UInt64 {
        store.node(places[node].id)?.documents.map(\.revision).max() ?? 0
    }

    /// People know that the hub was put back: what it shows is what there is.
    private mutating func forgetWhatIsGone() {
        takeWhatThereIs()
        for node in places.indices where !isClone(node) {
            places[node].token = nil
            places[node].isTokenIssued = false
            let isKnown = centre.store.face(nodeKey(node)) != nil
            if places[node].isEnrolled, !isOwn(node) { leave(node) }
            // The hub knows a node that was given up meanwhile: somebody deletes it again.
            if !places[node].isEnrolled, isKnown { places[node].isGhost = true }
        }
    }

    /// Whether the hub knows the machine by the key that it has now.
    private func isOwn(_ node: Int) -> Bool {
        centre.store.node(places[node].id)?.credential.device == places[node].device
    }

    mutating func takeWhatThereIs() {
        centre.isUncertain = false
        for key in ledger.keys { ledger.settle(key, as: centre.store.face(key)) }
    }

    var isResolving: Bool {
        centre.pending.rows.contains { if case .resolution = $0 { true } else { false } }
    }

    /// A person looks for nodes that wait for a choice, and chooses.
    mutating func settleConflicts() {
        defer { queue.add(.settle, at: seconds(20)) }
        guard let hub = centre.hub else { return }
        for node in places.indices where !isClone(node) {
            if places[node].isGhost { return removeGhost(node) }
        }
        guard !ledger.isAnyBusy, centre.pending.isEmpty else { return }
        let now = centre.clock.moment(at: time).wall
        for case .node(let object) in hub.objects(.node, at: now)
        where object.status?.state == .conflictPaused {
            guard let node = places.firstIndex(where: { $0.id.text == object.metadata.name }) else {
                continue
            }
            let keep: Side = random.chance(0.5) ? .hub : .node
            places[node].rollback = nil
            ledger.ask(nodeKey(node))
            return demand(
                .edit(.node, name: object.metadata.name, .resolve(keep)), .resolution(node))
        }
    }

    private mutating func removeGhost(_ node: Int) {
        guard !ledger.isBusy(nodeKey(node)) else { return }
        guard centre.store.face(nodeKey(node)) != nil else {
            places[node].isGhost = false
            return queue.add(.enrol(node), at: seconds(1))
        }
        ledger.ask(nodeKey(node))
        demand(.delete(.node, name: places[node].id.text), .removal(node))
    }

    /// The hub speaks to a node that is ahead of it. Before a person chose, nothing may be said that
    /// takes the node back to what the copy says.
    mutating func checkRollback(_ documents: [Document], at node: Int) {
        guard let backup = places[node].rollback else { return }
        for document in documents {
            let held = places[node].store.document(document.key)?.content
            let copied = backup.first { $0.key == document.key }?.content
            guard document.content.text != held?.text,
                document.content.text == (copied ?? .deleted).text
            else { continue }
            return violate(
                .noRollback,
                "the hub takes \(places[node].id) back to what its copy says of \(document.key)")
        }
    }

    /// Where the hub takes a node for one that agrees with it, and no person said so, it does.
    mutating func checkRejoined(_ writes: [HubWrite]) {
        for case .timeline(let id, .shared) in writes {
            guard let node = places.firstIndex(where: { $0.id == id }),
                let backup = places[node].rollback
            else { continue }
            places[node].rollback = nil
            var after = centre.store
            for write in writes { after.apply(write) }
            let said = after.node(id)?.documents ?? []
            let held = places[node].store.load().documents
            for key in Set((held + said + backup).map(\.key)) where key != .changes(id) {
                func text(_ documents: [Document]) -> Document.Content {
                    (documents.first { $0.key == key }?.content ?? .deleted).text
                }
                guard text(said) != text(held), text(said) == text(backup) else { continue }
                violate(
                    .noRollback,
                    "the hub goes on with \(id) as if it said what the copy says of \(key)")
            }
        }
    }

    /// An older hub that still runs must be refused, so the restored one has to speak with a higher
    /// epoch than it.
    mutating func checkFence(_ welcome: Welcome) {
        if welcome.epoch <= centre.formerEpoch {
            violate(
                .growth,
                "the hub was put back from a copy and speaks with epoch \(welcome.epoch), as the one "
                    + "before it did")
        }
    }

    private static let backupsKept = 6
    private static let commitsPerBackup = 60
}

extension Document.Content {
    /// What it says, without numbers and dates.
    fileprivate var text: Document.Content {
        switch self {
        case .assignment(var assignment):
            assignment.workload.metadata.generation = 0
            assignment.workload.metadata.createdAt = nil
            return .assignment(assignment)
        case .site(var site):
            site.metadata.generation = 0
            site.metadata.createdAt = nil
            return .site(site)
        case .node(var node):
            node.metadata.generation = 0
            node.metadata.createdAt = nil
            return .node(node)
        case .changes, .policy, .secret, .unknown, .deleted: return self
        }
    }
}
