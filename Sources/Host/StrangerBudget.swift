import Model
import Synchronization

/// How often what somebody unknown was refused is kept: who needs no name to be refused could else fill
/// the audit log, and push out what is in it.
final class StrangerBudget: Sendable {
    private static let burst = 20.0
    private static let perSecond = 1.0 / 3

    private struct State {
        var left = StrangerBudget.burst
        var at: Instant
        var skipped = 0
    }

    private let state: Mutex<State>

    init(at now: Instant) { state = Mutex(State(at: now)) }

    /// How many were not kept since the last one that was; nil where this one is not kept either.
    func admit(at now: Instant) -> Int? {
        state.withLock { state in
            let passed = Double(max(0, (now - state.at).nanoseconds)) / 1e9
            state.left = min(StrangerBudget.burst, state.left + passed * StrangerBudget.perSecond)
            state.at = now
            guard state.left >= 1 else {
                state.skipped += 1
                return nil
            }
            state.left -= 1
            defer { state.skipped = 0 }
            return state.skipped
        }
    }
}
