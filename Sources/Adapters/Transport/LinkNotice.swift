/// Something odd on a link that does not end it.
package enum LinkNotice: Hashable, Sendable {
    /// A record of a kind or schema that this version does not know, so the other side is newer. It
    /// was skipped, the `count`th in this session.
    case unknownRecord(kind: String, count: Int)
    /// A record that should be known and cannot be read. It was skipped.
    case damagedRecord(kind: String, reason: String)
    /// A record of ours that was not sent because the other side would refuse it.
    case unsendableRecord(kind: String, reason: String)
}
