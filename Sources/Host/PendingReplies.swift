import Machines
import Synchronization

/// Requests that a machine was handed and has not answered.
final class PendingReplies<Reply: Sendable>: Sendable {
    private struct State {
        var next: UInt64 = 1
        var waiting: [RequestID: CheckedContinuation<Reply, Never>] = [:]
    }

    private let state = Mutex(State())

    func request(_ submit: (RequestID) -> Void) async -> Reply {
        await withCheckedContinuation { continuation in
            let id = state.withLock { state in
                let id = RequestID(number: state.next)
                state.next += 1
                state.waiting[id] = continuation
                return id
            }
            submit(id)
        }
    }

    func answer(_ id: RequestID, _ reply: Reply) {
        state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: reply)
    }
}
