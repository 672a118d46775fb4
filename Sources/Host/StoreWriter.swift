import Dispatch
package import Machines
import Synchronization

/// Makes batches durable in order, many in one commit: what arrives while a commit runs shares the
/// next one.
///
/// A failing store is tried again with the same batches in the same order until it works, so a
/// machine never has to undo anything.
package final class StoreWriter<Write: Sendable>: Sendable {
    typealias Batch = (ticket: Ticket, writes: [Write])

    private let commit: @Sendable ([[Write]]) throws -> Void
    private let pending = Mutex<[Batch]>([])
    private let signal: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation
    private let queue = DispatchQueue(label: "skerry.store")
    private let failpoint: String

    /// `failpoint` prefixes the points at which tests may kill this process.
    package init(failpoint: String, commit: @escaping @Sendable ([[Write]]) throws -> Void) {
        self.failpoint = failpoint
        self.commit = commit
        (signal, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes a batch for the next commit. Empty ones are told of in their turn, without a commit.
    package func add(_ ticket: Ticket, _ writes: [Write]) {
        pending.withLock { $0.append((ticket, writes)) }
        bell.yield()
    }

    /// Runs until cancelled or finished; `persisted` hears of each ticket in order, `failing` of each
    /// new reason why the store does not work, and `working` of the end of that.
    package func run(
        persisted: @Sendable (Ticket) -> Void, failing: @Sendable (String) -> Void,
        working: @Sendable () -> Void
    ) async {
        var trouble: String?
        for await _ in signal {
            var batches = drain()
            while !batches.isEmpty, !Task.isCancelled {
                do {
                    try await write(batches.map(\.writes).filter { !$0.isEmpty })
                    if trouble != nil { working() }
                    trouble = nil
                    for batch in batches { persisted(batch.ticket) }
                    batches = drain()
                } catch {
                    if trouble != "\(error)" { failing("\(error)") }
                    trouble = "\(error)"
                    await pause()
                    batches += drain()
                }
            }
        }
    }

    package func finish() { bell.finish() }

    private func drain() -> [Batch] {
        pending.withLock { pending in
            defer { pending.removeAll() }
            return pending
        }
    }

    /// Off the shared threads: a slow disk must not hold up decisions.
    private func write(_ batches: [[Write]]) async throws {
        guard !batches.isEmpty else { return }
        let (commit, failpoint) = (commit, failpoint)
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            queue.async {
                continuation.resume(
                    with: Result {
                        Failpoint.reach(failpoint + ".commit.before")
                        try commit(batches)
                        Failpoint.reach(failpoint + ".commit.after")
                    })
            }
        }
    }

    private func pause() async {
        await withCheckedContinuation { continuation in
            queue.asyncAfter(deadline: .now() + 1) { continuation.resume() }
        }
    }
}
