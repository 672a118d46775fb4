import Model
import Synchronization

/// Everyone who watches an engine, reachable from any thread.
final class Watchers: Sendable {
    enum Signal: Sendable {
        /// A process may have ended.
        case settle
        case rotate
        case event(EngineEvent)
    }

    struct Watcher: Sendable {
        fileprivate let number: Int
        let signals: AsyncStream<Signal>
        fileprivate let continuation: AsyncStream<Signal>.Continuation

        func send(_ signal: Signal) { continuation.yield(signal) }
        func finish() { continuation.finish() }
    }

    private struct State {
        var next = 0
        var continuations: [Int: AsyncStream<Signal>.Continuation] = [:]
    }
    private let state = Mutex(State())

    func add() -> Watcher {
        let (signals, continuation) = AsyncStream.makeStream(of: Signal.self)
        let number = state.withLock { state in
            state.next += 1
            state.continuations[state.next] = continuation
            return state.next
        }
        return Watcher(number: number, signals: signals, continuation: continuation)
    }

    func remove(_ watcher: Watcher) {
        state.withLock { $0.continuations[watcher.number] = nil }
        watcher.finish()
    }

    func send(_ signal: Signal) {
        for continuation in state.withLock({ Array($0.continuations.values) }) {
            continuation.yield(signal)
        }
    }
}
