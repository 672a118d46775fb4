import Machines
import Model
import Synchronization
import Transport

/// Those who wait for the hub's word: requests for their reply, sessions for their admission.
final class PendingAnswers: Sendable {
    private struct State {
        var nextRequest: UInt64 = 1
        var requests: [RequestID: CheckedContinuation<Hub.Reply, Never>] = [:]
        var sessions: [SessionID: CheckedContinuation<Admission, Never>] = [:]
    }

    private let state = Mutex(State())

    func request(_ submit: (RequestID) -> Void) async -> Hub.Reply {
        await withCheckedContinuation { continuation in
            let id = state.withLock { state in
                let id = RequestID(number: state.nextRequest)
                state.nextRequest += 1
                state.requests[id] = continuation
                return id
            }
            submit(id)
        }
    }

    func answer(_ id: RequestID, _ reply: Hub.Reply) {
        state.withLock { $0.requests.removeValue(forKey: id) }?.resume(returning: reply)
    }

    func admission(of session: SessionID, _ submit: () -> Void) async -> Admission {
        await withCheckedContinuation { continuation in
            state.withLock { $0.sessions[session] = continuation }
            submit()
        }
    }

    func admit(_ session: SessionID, _ admission: Admission) {
        state.withLock { $0.sessions.removeValue(forKey: session) }?.resume(returning: admission)
    }
}
