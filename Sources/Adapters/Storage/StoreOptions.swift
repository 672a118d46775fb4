/// The bounds of a store, and how hard it holds on to what it was given.
package struct StoreOptions: Hashable, Sendable {
    /// When a commit may return.
    package enum Durability: Hashable, Sendable {
        /// After the disk has confirmed it: what was acknowledged survives a power cut.
        case full
        /// Before that. A power cut takes acknowledged commits with it, which the crash images must
        /// be able to show; nothing else chooses it.
        case normal
    }

    /// Entries in a node's log before it sheds.
    package var logEntries: Int
    /// Events that a hub keeps, and as many decisions.
    package var events: Int
    /// Bytes held back for the day the disk is full.
    package var ballastBytes: Int
    /// Pages of 4 KiB in the write-ahead log before they move into the store.
    package var walPages: Int
    package var durability: Durability

    package init(
        logEntries: Int, events: Int, ballastBytes: Int, walPages: Int,
        durability: Durability = .full
    ) {
        precondition(
            logEntries > 0 && events > 0 && walPages > 0, "a store without room is no store")
        precondition(
            ballastBytes >= 2 * walPages * frameBytes,
            "on a full disk a checkpoint needs about twice the write-ahead log")
        self.logEntries = logEntries
        self.events = events
        self.ballastBytes = ballastBytes
        self.walPages = walPages
        self.durability = durability
    }

    package static let production = StoreOptions(
        logEntries: 10_000, events: 10_000, ballastBytes: 1 << 20, walPages: 64)
    package static let tight = StoreOptions(
        logEntries: 32, events: 32, ballastBytes: 128 << 10, walPages: 8)

    /// The size that the write-ahead log is cut back to.
    var walBytesMax: Int { 32 + walPages * frameBytes }
}

/// A page and its header in the write-ahead log.
private let frameBytes = 4096 + 24
