package import Model

/// A node's store as its rules say it is: applied writes, the log's own cap, nothing else.
package struct NodeStore: Equatable, Sendable {
    private var documents: Table<DocumentKey, Document> = Table()
    private var instances: Table<InstanceID, InstanceRecord> = Table()
    private(set) var log: [LogEntry] = []
    private(set) var lastSequence: UInt64 = 0
    package private(set) var appliedRevision: UInt64 = 0
    package private(set) var epoch: UInt64 = 0
    private var contact: Reading?
    private var run: UInt64?
    private var localChanges: Table<WorkloadID, LocalChange> = Table()
    private var policyFloors: [String: UInt64] = [:]
    private let logCap: Int
    /// Entries that the cap took.
    package private(set) var shed = 0

    package init(logCap: Int) { self.logCap = logCap }

    package mutating func apply(_ write: NodeWrite) {
        switch write {
        case .document(let document):
            documents.insert(document, for: document.key)
            guard case .policy(let bundle) = document.content, let policy = bundle.claimed else {
                return
            }
            policyFloors[policy.name] = max(policyFloors[policy.name] ?? 0, policy.version)
        case .removeDocument(let key): documents.remove(key)
        case .appliedRevision(let revision): appliedRevision = revision
        case .instance(let record): instances.insert(record, for: record.id)
        case .removeInstance(let id): instances.remove(id)
        case .append(let entry):
            log.append(entry)
            lastSequence = max(lastSequence, entry.sequence)
            if log.count > logCap { cut() }
        case .trimLog(let sequence): log.removeFirst(log.prefix { $0.sequence <= sequence }.count)
        case .epoch(let epoch): self.epoch = epoch
        case .contact(let reading): contact = reading
        case .run(let run): self.run = run
        case .localChange(let change): localChanges.insert(change, for: change.workload)
        // The log is the host's own; the machine writes none of it.
        case .audit: break
        case .forgetLocalChanges(let sequence):
            for change in localChanges.rows where change.sequence <= sequence {
                localChanges.remove(change.workload)
            }
        }
    }

    package func load() -> NodeSnapshot {
        NodeSnapshot(
            documents: documents.rows, appliedRevision: appliedRevision,
            instances: instances.rows, log: log, nextSequence: lastSequence + 1, epoch: epoch,
            contact: contact, run: run, localChanges: localChanges.rows,
            policyFloors: policyFloors)
    }

    func document(_ key: DocumentKey) -> Document? { documents[key] }
    func localChange(_ workload: WorkloadID) -> LocalChange? { localChanges[workload] }
    var changes: [LocalChange] { localChanges.rows }
    func record(_ id: InstanceID) -> InstanceRecord? { instances[id] }

    /// Events first, then reports and decisions that a newer word on the same instance replaces.
    /// Nothing else.
    private mutating func cut() {
        var newer: Set<InstanceID> = []
        var decided: Set<Decision.Subject> = []
        var superseded: Int?
        var event: Int?
        for index in log.indices.reversed() {
            switch log[index].body {
            case .event: event = index
            case .localChange: continue
            case .decision(let decision):
                if !decided.insert(decision.subject).inserted { superseded = index }
            case .instance(let status):
                if !newer.insert(status.id).inserted { superseded = index }
            case .instanceRemoved(let id):
                if !newer.insert(id).inserted { superseded = index }
            }
        }
        guard let victim = event ?? superseded else { return }
        log.remove(at: victim)
        shed += 1
    }
}
