package import Model

/// The keys that a node shares with each of its peers.
///
/// For each peer: the keys of yesterday, today and three more days as the hub handed them out, and
/// what the two made themselves (`ratchet`). A key that is over opens no session, yet for a while
/// it may make the next one, so that two nodes without a hub go on. Once a peer has proved a newer
/// key, the older are dropped.
package struct KeyRing: Sendable {
    package struct Limits: Sendable {
        package var peersMax = 1024
        package var keysMax = 12
        /// Keys of one day and one origin: two, since a step of the ratchet may be known to one end
        /// alone, and a hub that lost its masters makes new ones.
        package var alikeMax = 2
        /// How much longer than its day a key is good, before and after.
        package var overlap: Duration = .seconds(2 * 3600)
        /// How long after its day a key may still make the next.
        package var reach: Duration = .seconds(30 * 86_400)

        package static let production = Limits()
        package static let tight = Limits(peersMax: 4, keysMax: 4)
    }

    private struct Shelf {
        /// Newest day first; within a day the hub's first, then the newest.
        var keys: [PairKey] = []
        /// The newest day of which the peer proved a key.
        var proved: KeyDay?
    }

    package let node: NodeID
    let limits: Limits
    private var shelves: Table<NodeID, Shelf> = Table()
    private var names: Table<UInt64, NodeID> = Table()

    package init(node: NodeID, limits: Limits = .production) {
        self.node = node
        self.limits = limits
    }

    package var peers: [NodeID] { shelves.keys }
    package var keys: [PairKey] { shelves.rows.flatMap(\.keys) }

    package func key(named name: UInt64) -> PairKey? {
        names[name].flatMap { shelves[$0]?.keys.first { $0.name == name } }
    }

    /// Takes a key in; false where it is known or there is no room for its peer.
    @discardableResult
    package mutating func insert(_ key: PairKey) -> Bool {
        guard names[key.name] == nil,
            shelves[key.peer] != nil || shelves.count < limits.peersMax
        else { return false }
        var shelf = shelves[key.peer] ?? Shelf()
        let place = shelf.keys.firstIndex {
            ($0.day, $0.origin == .hub ? 1 : 0) < (key.day, key.origin == .hub ? 1 : 0)
                || ($0.day == key.day && $0.origin == key.origin)
        }
        shelf.keys.insert(key, at: place ?? shelf.keys.endIndex)
        var alike = 0
        shelf.keys.removeAll {
            guard $0.origin == key.origin, $0.day == key.day else { return false }
            alike += 1
            return alike > limits.alikeMax
        }
        shelf.keys.removeLast(max(0, shelf.keys.count - limits.keysMax))
        put(shelf, for: key.peer)
        return names[key.name] != nil
    }

    /// The keys to open a session with, in the order in which to try them, each with the day to
    /// name: its own while that lasts, else today, for which it then makes a key.
    package func candidates(for peer: NodeID, at now: WallTime) -> [(key: PairKey, day: KeyDay)] {
        let today = KeyDay(of: now)
        let keys = shelves[peer]?.keys ?? []
        return keys.filter { $0.day <= today && now - $0.day.end <= limits.reach }.prefix(3).map {
            ($0, $0.day.isUsable(at: now, overlap: limits.overlap) ? $0.day : today)
        }
    }

    /// Whether a peer may open a session for `day` with `key`.
    func admits(_ key: PairKey, for day: KeyDay, at now: WallTime) -> Bool {
        guard day.isUsable(at: now, overlap: limits.overlap) else { return false }
        return key.day == day || (key.day < day && now - key.day.end <= limits.reach)
    }

    /// The peer has proved that it holds `key`: what is older is dropped as soon as its day is
    /// over.
    package mutating func prove(_ key: PairKey, at now: WallTime) {
        guard var shelf = shelves[key.peer] else { return }
        shelf.proved = max(shelf.proved ?? key.day, key.day)
        if key.origin == .hub {
            shelf.keys.removeAll { $0.origin == .ratchet && $0.day <= key.day }
        }
        put(shelf, for: key.peer)
        expire(at: now)
    }

    /// Drops what is of no more use; whether there was any.
    @discardableResult
    package mutating func expire(at now: WallTime) -> Bool {
        var changed = false
        for peer in shelves.keys {
            guard var shelf = shelves[peer] else { continue }
            let count = shelf.keys.count
            shelf.keys.removeAll { key in
                let isOver = now - key.day.end > limits.overlap
                return now - key.day.end > limits.reach
                    || (isOver && key.day < shelf.proved ?? key.day)
            }
            guard shelf.keys.count != count else { continue }
            put(shelf, for: peer)
            changed = true
        }
        return changed
    }

    /// The peer belongs here no more, or must not.
    package mutating func forget(_ peer: NodeID) { put(Shelf(), for: peer) }

    private mutating func put(_ shelf: Shelf, for peer: NodeID) {
        for key in shelves[peer]?.keys ?? [] { names.remove(key.name) }
        for key in shelf.keys { names.insert(peer, for: key.name) }
        if shelf.keys.isEmpty { shelves.remove(peer) } else { shelves.insert(shelf, for: peer) }
    }
}
