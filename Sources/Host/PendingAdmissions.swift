import Model
import Synchronization
import Transport

/// Sessions that wait for the hub to admit them.
final class PendingAdmissions: Sendable {
    private let waiting = Mutex<[SessionID: CheckedContinuation<Admission, Never>]>([:])

    func admission(of session: SessionID, _ submit: () -> Void) async -> Admission {
        await withCheckedContinuation { continuation in
            waiting.withLock { $0[session] = continuation }
            submit()
        }
    }

    func admit(_ session: SessionID, _ admission: Admission) {
        waiting.withLock { $0.removeValue(forKey: session) }?.resume(returning: admission)
    }
}
