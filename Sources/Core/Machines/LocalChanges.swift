import Authority
import Model

/// What people changed at this node and the hub has not taken in yet. Grows by orders alone, so by the
/// gate's leave.
struct LocalChanges: Equatable, Sendable {
    private var changes: Table<WorkloadID, LocalChange> = Table()

    /// What an earlier life of the agent had made durable.
    init(restored: [LocalChange]) {
        for change in restored { changes.insert(change, for: change.workload) }
    }

    var count: Int { changes.count }
    var rows: [LocalChange] { changes.rows }

    subscript(workload: WorkloadID) -> LocalChange? { changes[workload] }

    /// Carries out an order to change; any other is for an engine, and a mistake here.
    mutating func carryOut(_ order: Order) {
        guard case .change(let change) = order.act else {
            preconditionFailure("a change is made here, not \(order.act)")
        }
        changes.insert(change, for: change.workload)
    }

    /// The same change, told the hub once more under another number of the node's log. Answers it.
    mutating func renumber(_ workload: WorkloadID, as sequence: UInt64) -> LocalChange? {
        changes.update(workload) {
            $0.sequence = sequence
            return $0
        }
    }

    /// Forgets what the hub has taken in. Answers whether there was any.
    mutating func handOver(through sequence: UInt64) -> Bool {
        let settled = changes.rows.filter { $0.sequence <= sequence }
        for change in settled { changes.remove(change.workload) }
        return !settled.isEmpty
    }
}
