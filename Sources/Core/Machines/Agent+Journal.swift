import Model
import Replication

/// What waits while the store is slow, kept within bounds.
extension Agent {
    /// What a write is about: of two about the same, the later one is enough.
    private enum Topic: Hashable {
        case document(DocumentKey)
        case instance(InstanceID)
        case entry(UInt64)
        case appliedRevision, forgottenChanges, trim, epoch, contact, run
        case localChange(WorkloadID)
        case audit

        init(_ write: NodeWrite) {
            switch write {
            case .document(let document): self = .document(document.key)
            case .removeDocument(let key): self = .document(key)
            case .appliedRevision: self = .appliedRevision
            case .instance(let record): self = .instance(record.id)
            case .removeInstance(let id): self = .instance(id)
            case .append(let entry): self = .entry(entry.sequence)
            case .trimLog: self = .trim
            case .epoch: self = .epoch
            case .contact: self = .contact
            case .run: self = .run
            case .localChange(let change): self = .localChange(change.workload)
            case .forgetLocalChanges: self = .forgottenChanges
            case .audit: self = .audit
            }
        }
    }

    /// Leaves out what newer writes replace and the log entries that were shed or acknowledged
    /// since. No one was told of them: an entry is sent, and a record relied on, only once durable.
    mutating func compact() {
        var later: Set<Topic> = []
        var kept: [NodeWrite] = []
        for write in journal.writes.reversed() {
            if case .append(let entry) = write, !outbox.holds(entry.sequence) { continue }
            if later.insert(Topic(write)).inserted { kept.append(write) }
        }
        journal.writes = kept.reversed()
    }
}
