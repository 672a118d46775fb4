/// Which keys with its peers a node holds: up to which day, and with which peers.
package struct KeyHand: Hashable, Codable, Sendable {
    /// The last day, in days since 1970.
    package var day: UInt32
    /// A number that is another where the peers are others.
    package var roster: UInt64

    package init(day: UInt32, roster: UInt64) {
        self.day = day
        self.roster = roster
    }
}

/// The keys of one pair of nodes, for days in a row.
package struct PeerKeys: Hashable, Codable, Sendable {
    package var peer: NodeID
    package var firstDay: UInt32
    /// 32 bytes for each day.
    package var secrets: [[UInt8]]

    package init(peer: NodeID, firstDay: UInt32, secrets: [[UInt8]]) {
        self.peer = peer
        self.firstDay = firstDay
        self.secrets = secrets
    }
}

/// What the hub hands a node: the keys of its own pairs, and of no others. Whoever is missing is a
/// peer no more.
package struct KeyDeal: Hashable, Codable, Sendable {
    package var hand: KeyHand
    package var peers: [PeerKeys]

    package init(hand: KeyHand, peers: [PeerKeys]) {
        self.hand = hand
        self.peers = peers
    }
}

extension PeerKeys: CustomStringConvertible {
    /// Says nothing of the keys: effects and messages are printed.
    package var description: String { "\(secrets.count) keys with \(peer)" }
}
