/// What was found when a store was opened.
package enum Opening: Hashable, Sendable {
    /// Everything that was ever acknowledged is there.
    case clean
    /// The store was damaged or gone, and its last snapshot took its place. `lost` says, in a
    /// sentence, what that means.
    case recoveredFromSnapshot(lost: String)
    /// An empty store: the first start where `lost` is nil, else nothing could be saved.
    case fresh(lost: String?)
}

/// A row that could not be read. It was left out of what was loaded and stays on the disk, since a
/// newer version may well understand it.
package struct DamagedRow: Hashable, Sendable, CustomStringConvertible {
    package var table: String
    package var key: String
    package var reason: String

    package var description: String { "\(table) \(key): \(reason)" }
}
