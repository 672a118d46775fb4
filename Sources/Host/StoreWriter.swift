import Dispatch
package import Machines
import Synchronization

/// Makes batches durable in order, many in one commit: what arrives while a commit runs shares the
/// next one.
///
/// A failing store is tried again with the same batches in the same order until it works, so a
/// machine never has to undo anything.
package final class StoreWriter<Write: Sendable>: Sendable {
    /// Without a ticket nobody is told; whoever handed it in sees to that himself.
    typealias Batch = (ticket: Ticket?, writes: [Write])

    private struct Pending {
        var batches: [Batch] = []
        /// Whether the bell rings by itself before long.
        var isAwaited = false
        /// Batches with a ticket that nobody was told of yet, here or in the commit that runs.
        var tickets = 0
        var isFailing = false
    }

    private let commit: @Sendable ([[Write]]) throws -> Void
    private let pending = Mutex(Pending())
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
    ///
    /// - Returns: whether there is nothing to wait for, and nobody will be told: the batch is empty, and
    ///   everything with a ticket before it is durable. Writes without one do not hold it up: a request
    ///   that changed nothing does not wait for the disk on which its audit record is about to be.
    @discardableResult
    package func add(_ ticket: Ticket, _ writes: [Write]) -> Bool {
        let isSettled = pending.withLock { pending in
            if writes.isEmpty, pending.tickets == 0, !pending.isFailing { return true }
            pending.batches.append((ticket, writes))
            pending.tickets += 1
            return false
        }
        if !isSettled { bell.yield() }
        return isSettled
    }

    /// Takes writes that share the next commit of others, or have one of their own after `patience`.
    /// Whatever is added later is never durable before them.
    package func add(_ writes: [Write], within patience: Duration) {
        let isFirst = pending.withLock { pending in
            pending.batches.append((nil, writes))
            defer { pending.isAwaited = true }
            return !pending.isAwaited
        }
        guard patience > .zero else {
            bell.yield()
            return
        }
        guard isFirst else { return }
        let wait = DispatchTimeInterval.nanoseconds(
            Int(patience.components.attoseconds / 1_000_000_000)
                + Int(patience.components.seconds) * 1_000_000_000)
        queue.asyncAfter(deadline: .now() + wait) { [bell] in
            bell.yield()
        }
    }

    /// Makes durable what is left when nobody runs any more. Nobody is told.
    package func flush() throws {
        let batches = drain().map(\.writes).filter { !$0.isEmpty }
        if !batches.isEmpty { try commit(batches) }
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
                    let tickets = batches.compactMap(\.ticket)
                    tickets.forEach(persisted)
                    // Only now: who was told first is settled first.
                    pending.withLock {
                        $0.tickets -= tickets.count
                        $0.isFailing = false
                    }
                    batches = drain()
                } catch {
                    pending.withLock { $0.isFailing = true }
                    if trouble != "\(error)" { failing("\(error)") }
                    trouble = "\(error)"
                    await pause()
                    batches += drain()
                }
            }
            if !batches.isEmpty { putBack(batches) }
        }
    }

    package func finish() { bell.finish() }

    private func drain() -> [Batch] {
        pending.withLock { pending in
            defer { (pending.batches, pending.isAwaited) = ([], false) }
            return pending.batches
        }
    }

    private func putBack(_ batches: [Batch]) {
        pending.withLock { $0.batches = batches + $0.batches }
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
