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
        while self.entries.count > limit, shed() {}
    }

    package var count: Int { entries.count }
    package var lastSequence: UInt64 { nextSequence - 1 }

    /// Numbers `body` and keeps it. The answer must be made durable and then confirmed.
    package mutating func append(_ body: LogEntry.Body, at time: WallTime) -> LogEntry {
        let entry = LogEntry(sequence: nextSequence, at: time, body: body)
        entries.append(entry)
        nextSequence += 1
        if entries.count > limit { shed() }
        return entry
    }

    /// Everything up to `sequence` is durable here.
    package mutating func confirm(through sequence: UInt64) {
        durableThrough = max(durableThrough, sequence)
    }

    /// A session begins, and the reader holds everything up to `sequence`. Answers whether that is
    /// all that will not be sent again; if not, one of the two lost what it once held or had to
    /// shed it, and what matters must be told anew.
    package mutating func resume(after sequence: UInt64) -> Bool {
        let isWhole = sequence + 1 >= entries.first?.sequence ?? nextSequence
        if sequence >= nextSequence {
            // The reader knows numbers that were never given here: they mean something else to it.
            entries = []
            nextSequence = sequence + 1
            durableThrough = sequence
            sentThrough = sequence
            return false
        }
        acknowledge(through: sequence)
        sentThrough = sequence
        return isWhole
    }

    package func holds(_ sequence: UInt64) -> Bool {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].sequence == sequence
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

    /// Makes room: the oldest event goes first, then the oldest word on an instance that a newer one
    /// replaces, then the oldest decision. The last word on an instance stays, even above the limit: there is no more than
    /// one for each instance, and nothing would ever say it again. Answers whether anything went.
    @discardableResult
    private mutating func shed() -> Bool {
        let event = entries.firstIndex {
            if case .event = $0.body { true } else { false }
        }
        let decision = entries.firstIndex {
            if case .decision = $0.body { true } else { false }
        }
        guard let victim = event ?? firstSuperseded() ?? decision else { return false }
        entries.remove(at: victim)
        dropped += 1
        return true
    }

    private func firstSuperseded() -> Int? {
        var newer: Set<InstanceID> = []
        var oldest: Int?
        for index in entries.indices.reversed() {
            switch entries[index].body {
            case .instance(let status):
                if !newer.insert(status.id).inserted { oldest = index }
            case .instanceRemoved(let id):
                if !newer.insert(id).inserted { oldest = index }
            case .event, .decision, .localChange: continue
            }
        }
        return oldest
    }
}
