package import Model

/// A node's own log on its way to the hub: what is not yet acknowledged, and how far it was sent.
///
/// Invariants: sequences are never reused; an entry is offered only once it is durable, since a
/// number that the hub has seen must never come to mean something else after a crash; nothing is
/// dropped before its acknowledgement but by `shed`, which counts.
package struct Outbox: Equatable, Sendable {
    private var entries: [LogEntry]
    private var nextSequence: UInt64
    private var durableThrough: UInt64
    private var sentThrough: UInt64 = 0
    private let limit: Int
    package private(set) var dropped = 0

    /// `entries` are the durable ones that no one has acknowledged.
    package init(entries: [LogEntry], nextSequence: UInt64, limit: Int) {
        precondition(limit > 0, "an outbox that holds nothing loses everything")
        self.entries = entries
        self.nextSequence = max(nextSequence, (entries.last?.sequence ?? 0) + 1)
        self.durableThrough = self.nextSequence - 1
        self.limit = limit
    }

    package var count: Int { entries.count }
    package var lastSequence: UInt64 { nextSequence - 1 }

    /// Numbers `body` and keeps it. The answer must be made durable and then confirmed.
    package mutating func append(_ body: LogEntry.Body, at time: WallTime) -> LogEntry {
        if entries.count >= limit { shed() }
        let entry = LogEntry(sequence: nextSequence, at: time, body: body)
        entries.append(entry)
        nextSequence += 1
        return entry
    }

    /// Everything up to `sequence` is durable here.
    package mutating func confirm(through sequence: UInt64) {
        durableThrough = max(durableThrough, sequence)
    }

    /// A session begins: the reader holds everything up to `sequence`.
    package mutating func resume(after sequence: UInt64) {
        acknowledge(through: sequence)
        sentThrough = sequence
    }

    /// The next entries to send, at most `count`, with at most `window` sent but unanswered.
    package mutating func take(_ count: Int, window: Int) -> [LogEntry] {
        let unanswered = entries.prefix { $0.sequence <= sentThrough }.count
        let batch = entries.dropFirst(unanswered)
            .prefix(max(0, min(count, window - unanswered)))
            .prefix { $0.sequence <= durableThrough }
        if let last = batch.last { sentThrough = last.sequence }
        return Array(batch)
    }

    /// Lets go of what the reader holds. Answers whether anything went.
    @discardableResult
    package mutating func acknowledge(through sequence: UInt64) -> Bool {
        let settled = entries.prefix { $0.sequence <= sequence }.count
        entries.removeFirst(settled)
        return settled > 0
    }

    /// Makes room: the oldest event goes first, then the oldest report that a newer one of the same
    /// instance replaces, then the oldest entry.
    private mutating func shed() {
        dropped += 1
        let event = entries.firstIndex {
            if case .event = $0.body { true } else { false }
        }
        entries.remove(at: event ?? firstSuperseded() ?? 0)
    }

    private func firstSuperseded() -> Int? {
        var newer: Set<InstanceID> = []
        var oldest: Int?
        for index in entries.indices.reversed() {
            guard case .instance(let status) = entries[index].body else { continue }
            if !newer.insert(status.id).inserted { oldest = index }
        }
        return oldest
    }
}
