package import Model

/// How far the hub has read one node's log. Entries that come again are passed over.
package struct Inbox: Equatable, Sendable {
    package private(set) var last: UInt64

    package init(last: UInt64 = 0) { self.last = last }

    /// The entries of `batch` that are new, in order. A gap is what the node had to shed.
    package mutating func take(_ batch: [LogEntry]) -> [LogEntry] {
        var fresh: [LogEntry] = []
        for entry in batch where entry.sequence > last {
            last = entry.sequence
            fresh.append(entry)
        }
        return fresh
    }
}
