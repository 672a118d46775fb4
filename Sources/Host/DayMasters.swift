import Model
import Synchronization
import Trust

/// The hub's masters of the days for which it hands out keys, in a file that only its owner may
/// read.
///
/// Each is drawn by itself and forgotten a day after its own, so that no later theft gives the keys
/// of earlier days. One that is lost is drawn anew; nodes then hold two keys of that day for a
/// while.
final class DayMasters: Sendable {
    private let path: String
    private let vault: Vault
    private let masters: Mutex<[KeyDay: DayMaster]>

    init(_ path: String, in vault: Vault) throws(HostError) {
        self.path = path
        self.vault = vault
        var masters: [KeyDay: DayMaster] = [:]
        for (index, line) in (try vault.read(path) ?? "").split(separator: "\n").enumerated() {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 2, let number = UInt32(words[0]),
                let bytes = bytes(hexadecimal: words[1]),
                let master = DayMaster(day: KeyDay(number), entropy: bytes)
            else {
                throw .identity(
                    "cannot read the masters in \(path): line \(index + 1) is none; remove the file: "
                        + "new ones are made, and nodes get new keys")
            }
            masters[master.day] = master
        }
        self.masters = Mutex(masters)
    }

    /// The keys of `node` with each of `peers` for as many days as end with the hand's.
    func deal(
        to node: NodeID, peers: [NodeID], _ hand: KeyHand, days: UInt32
    ) throws(HostError) -> KeyDeal {
        let first = hand.day - min(hand.day, days)
        let used = try use((first...hand.day).map { KeyDay($0) })
        let keys = peers.map { peer in
            PeerKeys(
                peer: peer, firstDay: first,
                secrets: used.map { $0.secret(between: node, and: peer) })
        }
        return KeyDeal(hand: hand, peers: keys)
    }

    /// The masters of these days, made where they are missing and on disk before anything comes of
    /// them.
    private func use(_ days: [KeyDay]) throws(HostError) -> [DayMaster] {
        let known = masters.withLock { $0 }
        var kept = known.filter { $0.key.number + 1 >= days[0].number }
        for day in days where kept[day] == nil {
            kept[day] = DayMaster(day: day, entropy: Entropy.bytes(PairKey.byteCount))
        }
        if kept.keys != known.keys {
            let lines = kept.values.sorted { $0.day < $1.day }.map {
                "\($0.day.number) \(hexadecimal($0.bytes))\n"
            }
            try vault.write(lines.joined(), to: path)
            masters.withLock { $0 = kept }
        }
        return days.compactMap { kept[$0] }
    }
}
