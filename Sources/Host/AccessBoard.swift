import Model
import Synchronization
import Trust

/// The decision point in use, made anew when the policies have changed.
final class AccessBoard: Sendable {
    private let held = Mutex<DecisionPoint?>(nil)

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
}
