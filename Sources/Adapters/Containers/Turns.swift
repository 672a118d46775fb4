import Model
import Synchronization

/// Lets one change to a container go at a time, in the order they were asked for.
///
/// An actor alone does not: it takes the next call while the first one waits for a process to end.
final class Turns: Sendable {
    /// Who waits for each container that somebody is busy with.
    private let waiting = Mutex<[ContainerID: [CheckedContinuation<Void, Never>]]>([:])

    /// Returns when it is the caller's turn. Every turn taken must be given back.
    func take(_ id: ContainerID) async {
        await withCheckedContinuation { continuation in
            let isFree = waiting.withLock { waiting in
                guard waiting[id] != nil else {
                    waiting[id] = []
                    return true
                }
                waiting[id]?.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func give(_ id: ContainerID) {
        let next: CheckedContinuation<Void, Never>? = waiting.withLock { waiting in
            guard var queue = waiting[id], !queue.isEmpty else {
                waiting[id] = nil
                return nil
            }
            let next = queue.removeFirst()
            waiting[id] = queue
            return next
        }
        next?.resume()
    }
}
