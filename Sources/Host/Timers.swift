import Dispatch
package import Model
import Synchronization

/// The wake-ups a machine wished for: one per reason, a later wish replacing an earlier one.
///
/// One kernel timer serves all of them, so an idle machine costs one wake-up per event.
package final class Timers<Wake: Hashable & Sendable>: Sendable {
    private struct State {
        var wishes: [Wake: Instant] = [:]
        var armedFor: Instant?
    }

    private let state = Mutex(State())
    /// A timer source is safe to use from any thread, which Dispatch does not declare.
    private nonisolated(unsafe) let timer: any DispatchSourceTimer
    private let fire: @Sendable (Wake) -> Void

    package init(_ fire: @escaping @Sendable (Wake) -> Void) {
        self.fire = fire
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "skerry.timers"))
        timer.setEventHandler { [weak self] in self?.fireDue() }
        timer.activate()
    }

    deinit { timer.cancel() }

    package func set(_ wake: Wake, at instant: Instant) {
        state.withLock { state in
            state.wishes[wake] = instant
            guard instant < state.armedFor ?? Instant(nanoseconds: .max) else { return }
            arm(&state)
        }
    }

    private func fireDue() {
        let now = SystemClock.now().monotonic
        let due = state.withLock { state in
            let due = state.wishes.filter { $0.value <= now }.sorted { $0.value < $1.value }
            for (wake, _) in due { state.wishes[wake] = nil }
            arm(&state)
            return due.map(\.key)
        }
        for wake in due { fire(wake) }
    }

    private func arm(_ state: inout State) {
        state.armedFor = state.wishes.values.min()
        guard let next = state.armedFor else { return }
        let wait = max(0, (next - SystemClock.now().monotonic).nanoseconds)
        // A tenth of the wait, at most 100 ms, lets the kernel wake us together with others.
        timer.schedule(
            deadline: .now() + .nanoseconds(Int(wait)),
            leeway: .nanoseconds(Int(min(wait / 10, 100_000_000))))
    }
}
