package import Model
package import Trust

/// A node's keys with its peers: what the hub hands out goes to disk, and from there to the data
/// plane.
package actor PairKeys {
    package private(set) var ring: KeyRing
    private let file: PairKeyFile
    /// What the hub handed out last.
    package nonisolated let handAtStart: KeyHand?

    package init(of node: NodeID, at path: String, in vault: Vault) throws(HostError) {
        file = PairKeyFile(path, in: vault)
        (ring, handAtStart) = try file.read(for: node)
    }

    /// Puts a deal in the place of the one before, on disk first. Peers that are not in it are
    /// forgotten, and keys that the two made themselves are kept.
    package func take(_ deal: KeyDeal, at now: WallTime) throws(HostError) -> KeyHand {
        var next = ring
        let peers = Set(deal.peers.map(\.peer))
        for peer in ring.peers where !peers.contains(peer) { next.forget(peer) }
        for pair in deal.peers {
            for (offset, secret) in pair.secrets.enumerated() {
                let day = KeyDay(pair.firstDay).advanced(by: UInt32(clamping: offset))
                guard let key = PairKey(secret, node: ring.node, peer: pair.peer, day: day) else {
                    continue
                }
                next.insert(key)
            }
        }
        next.expire(at: now)
        try file.write(next.keys, hand: deal.hand)
        ring = next
        return deal.hand
    }
}
