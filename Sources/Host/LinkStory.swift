package import Model

/// What people should hear of the control link: each turn that it takes, and not each try.
///
/// A node may be cut off for days and tries all the time, so a trouble is told once until the hub
/// was in contact again.
package struct LinkStory: Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// Nobody answers, or the link broke.
        case unreachable = "Unreachable"
        /// Somebody answers, and one of the two sides does not want the other.
        case refused = "Refused"
    }

    /// Why there is no link.
    package struct Trouble: Hashable, Sendable {
        package var kind: Kind
        /// Equal for what is the same trouble, even where its words hold a time.
        package var topic: String
        package var reason: String

        package init(_ kind: Kind, topic: String, reason: String) {
            self.kind = kind
            self.topic = topic
            self.reason = reason
        }
    }

    private let hub: String
    private var isInContact = false
    /// Topics told since the last contact, each with the words that were used.
    private var told: [String: String] = [:]
    /// Why there is no link, and when that was last found to be so.
    package private(set) var current: (trouble: Trouble, at: WallTime)?

    package init(hub: String) { self.hub = hub }

    /// The line to write when the hub has welcomed this node.
    package mutating func noteContact() -> String {
        isInContact = true
        told = [:]
        current = nil
        return "in contact with the hub at \(hub)"
    }

    /// The line to write when a session or an attempt has ended; nil where it tells nothing new.
    package mutating func noteEnd(_ trouble: Trouble, at now: WallTime) -> String? {
        var trouble = trouble
        trouble.reason = told[trouble.topic] ?? trouble.reason
        current = (trouble, now)
        let wasInContact = isInContact
        isInContact = false
        guard told.updateValue(trouble.reason, forKey: trouble.topic) == nil else { return nil }
        return switch (trouble.kind, wasInContact) {
        case (.refused, _):
            "no link to the hub at \(hub): \(trouble.reason); workloads go on, and this node asks "
                + "again from time to time"
        case (.unreachable, true):
            "lost the hub at \(hub): \(trouble.reason); workloads go on, and this node tries again"
        case (.unreachable, false):
            "no link to the hub at \(hub): \(trouble.reason); workloads go on, and this node tries "
                + "again"
        }
    }
}
