import Authority
import Model

/// Where every workload runs. Changed by orders alone, so by the gate's leave.
struct Placements: Equatable, Sendable {
    private var places: Table<WorkloadID, Placement.Places> = Table()

    /// What an earlier life of the hub had decided and made durable.
    init(restored: [WorkloadID: Placement.Places]) {
        for (workload, places) in restored { self.places.insert(places, for: workload) }
    }

    var keys: [WorkloadID] { places.keys }
    var rows: [Placement.Places] { places.rows }

    subscript(workload: WorkloadID) -> Placement.Places? { places[workload] }

    /// Carries out an order to place; any other is for a node, and a mistake here.
    mutating func carryOut(_ order: Order) {
        guard case .place(let workload, let places) = order.act else {
            preconditionFailure("a hub places, it does not \(order.act)")
        }
        self.places.insert(places, for: workload)
    }

    /// Forgets a workload that is gone.
    mutating func remove(_ workload: WorkloadID) { places.remove(workload) }
}

extension Placements: Sequence {
    func makeIterator() -> Table<WorkloadID, Placement.Places>.Iterator { places.makeIterator() }
}
