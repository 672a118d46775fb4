package import Model
package import Trust

/// A node's keys with its peers on its disk: a line each, in a file that only its owner may read.
///
/// Where nothing is sealed, who has the disk has the keys of these days; root has them always.
package struct PairKeyFile: Sendable {
    private static let firstLine = "skerry.dev/v1 pair-keys"

    package let path: String

    private let vault: Vault

    package init(_ path: String, in vault: Vault) {
        self.path = path
        self.vault = vault
    }

    package func write(_ keys: [PairKey], hand: KeyHand?) throws(HostError) {
        var lines = [PairKeyFile.firstLine]
        lines.append(hand.map { "hand \($0.day) \($0.roster)" } ?? "hand")
        for key in keys {
            lines.append(
                "\(key.peer) \(key.day.number) \(key.origin) \(hexadecimal(key.bytes))")
        }
        try vault.write(lines.joined(separator: "\n") + "\n", to: path)
    }

    /// The ring of a node as it was last written; without keys where there is no file.
    package func read(for node: NodeID) throws(HostError) -> (ring: KeyRing, hand: KeyHand?) {
        var ring = KeyRing(node: node)
        guard let text = try vault.read(path) else { return (ring, nil) }
        let lines = text.split(separator: "\n")
        guard lines.count >= 2, lines[0] == PairKeyFile.firstLine, lines[1].hasPrefix("hand") else {
            throw .identity(complaint("it holds no keys of this version"))
        }
        // Within a day and a kind the newest is first, and what is put in last is taken for it.
        for (index, line) in lines.enumerated().dropFirst(2).reversed() {
            guard let key = PairKeyFile.key(line, of: node) else {
                throw .identity(complaint("line \(index + 1) is no key"))
            }
            ring.insert(key)
        }
        return (ring, PairKeyFile.hand(lines[1]))
    }

    private static func hand(_ line: Substring) -> KeyHand? {
        let words = line.split(separator: " ")
        guard words.count == 3, let day = UInt32(words[1]), let roster = UInt64(words[2]) else {
            return nil
        }
        return KeyHand(day: day, roster: roster)
    }

    private static func key(_ line: Substring, of node: NodeID) -> PairKey? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 4, let day = UInt32(words[1]),
            let origin = PairKey.Origin(rawValue: String(words[2])),
            let bytes = bytes(hexadecimal: words[3])
        else { return nil }
        return PairKey(
            bytes, node: node, peer: NodeID(String(words[0])), day: KeyDay(day), origin: origin)
    }

    private func complaint(_ reason: String) -> String {
        "cannot read the keys in \(path): \(reason); remove the file: the hub hands out new ones"
    }
}
