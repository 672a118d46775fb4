import Model
import Synchronization
import Trust

/// The decision point in use, made anew when the policies have changed, and what it said lately.
final class AccessBoard: Sendable {
    private let held = Mutex<DecisionPoint?>(nil)
    private let records = Mutex(Recent<AccessRecord>(limit: 4096))

    /// - Parameters:
    ///   - isCurrent: whether one that was made before still says what holds.
    ///   - make: makes one; asked only where there is none that does.
    func point(
        isCurrent: (DecisionPoint) -> Bool, make: () -> DecisionPoint
    ) -> DecisionPoint {
        held.withLock { held in
            if let held, isCurrent(held) { return held }
            let made = make()
            held = made
            return made
        }
    }

    func note(_ record: AccessRecord) { records.withLock { $0.append(record) } }

    func records(of request: String) -> [AccessRecord] {
        records.withLock { $0.filter { $0.request == request } }
    }
}
