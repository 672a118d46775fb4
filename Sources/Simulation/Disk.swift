import Model

/// The way to a process's store: batches become durable whole, in order, each after its delay, and
/// not at all while the disk fails.
///
/// A crash cuts between two batches, perhaps after some whose end was not told yet.
struct Disk<Ticket: Sendable, Write: Sendable> {
    struct Batch {
        let ticket: Ticket
        let writes: [Write]
        /// Not before this virtual time.
        let due: Int64
    }

    private(set) var pending: [Batch] = []
    private var lastDue: Int64 = 0
    var failsUntil: Int64 = 0
    var slowUntil: Int64 = 0

    /// Takes a batch and answers when to look for its end.
    mutating func accept(
        _ ticket: Ticket, _ writes: [Write], at time: Int64, delay: Int64
    ) -> Int64 {
        let delay = time < slowUntil ? max(delay, Disk.slowest) : delay
        lastDue = max(lastDue, time) + delay
        pending.append(Batch(ticket: ticket, writes: writes, due: lastDue))
        return lastDue
    }

    /// What a worn disk takes for one commit.
    private static var slowest: Int64 { 5_000_000_000 }

    /// The oldest batch, if it is durable by now.
    mutating func complete(at time: Int64) -> Batch? {
        guard time >= failsUntil, let first = pending.first, first.due <= time else { return nil }
        return pending.removeFirst()
    }

    /// The process is gone. The first `count` batches had reached the disk all the same.
    mutating func crash(keeping count: Int) -> [Batch] {
        let kept = pending.prefix(count)
        pending = []
        lastDue = 0
        return Array(kept)
    }
}
