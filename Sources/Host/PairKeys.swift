package import Model
package import Trust

/// A node's keys with its peers: what the hub hands out goes to disk, and from there to the data
/// plane.
package actor PairKeys {
    package private(set) var ring: KeyRing
    private let file: PairKeyFile
    private var hand: KeyHand?
    /// Keys of the last deal that the data plane may not have yet.
    private var dealt: [PairKey] = []
    /// What the hub handed out last.
    package nonisolated let handAtStart: KeyHand?

    package init(of node: NodeID, at path: String, in vault: Vault) throws(HostError) {
        file = PairKeyFile(path, in: vault)
        (ring, handAtStart) = try file.read(for: node)
        hand = handAtStart
    }

    /// Puts a deal in the place of the one before, on disk first. Peers that are not in it are
    /// forgotten, and keys that the two made themselves are kept.
    package func take(_ deal: KeyDeal, at now: WallTime) throws(HostError) -> KeyHand {
        var next = ring
        var fresh: [PairKey] = []
        let peers = Set(deal.peers.map(\.peer))
        for peer in ring.peers where !peers.contains(peer) { next.forget(peer) }
        for pair in deal.peers {
            for (offset, secret) in pair.secrets.enumerated() {
                let day = KeyDay(pair.firstDay).advanced(by: UInt32(clamping: offset))
                guard let key = PairKey(secret, node: ring.node, peer: pair.peer, day: day) else {
                    continue
                }
                next.insert(key)
                fresh.append(key)
            }
        }
        next.expire(at: now)
        try file.write(next.keys, hand: deal.hand)
        ring = next
        hand = deal.hand
        dealt = fresh
        return deal.hand
    }

    /// The data plane has what was dealt: from here on what it says of its keys is whole.
    package func handOver() { dealt = [] }

    /// Keeps the keys as the data plane has them: it makes new ones with its peers, and drops those
    /// that are over.
    package func keep(_ keys: [PairKey]) throws(HostError) {
        var next = KeyRing(node: ring.node)
        // Within a day and a kind the newest is first, and what is put in last is taken for it.
        for key in keys.reversed() + dealt { next.insert(key) }
        try file.write(next.keys, hand: hand)
        ring = next
    }
}
