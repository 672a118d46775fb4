package import Model
package import Trust

/// A node's keys with its peers on its disk: a line each, in a file that only its owner may read.
///
/// The keys are not sealed: who has the disk, or root on it, has the keys of these days.
package struct PairKeyFile: Sendable {
    private static let firstLine = "skerry.dev/v1 pair-keys"
    /// As many as a ring holds at most.
    private static let linesMax = 8192

    package let path: String

    package init(_ path: String) { self.path = path }

    package func write(_ keys: [PairKey]) throws(HostError) {
        var lines = [PairKeyFile.firstLine]
        for key in keys.prefix(PairKeyFile.linesMax) {
            let digits = key.bytes.map { byte in
                let text = String(byte, radix: 16)
                return byte < 16 ? "0" + text : text
            }
            lines.append("\(key.peer) \(key.day.number) \(key.origin) \(digits.joined())")
        }
        try PrivateFile.write(lines.joined(separator: "\n") + "\n", to: path)
    }

    /// The ring of a node as it was last written; without keys where there is no file.
    package func read(for node: NodeID) throws(HostError) -> KeyRing {
        var ring = KeyRing(node: node)
        guard let text = try PrivateFile.read(path) else { return ring }
        let lines = text.split(separator: "\n")
        guard lines.first.map(String.init) == PairKeyFile.firstLine else {
            throw .identity(complaint("it holds no keys of this version"))
        }
        // Within a day and a kind the newest is first, and what is put in last is taken for the
        // newest.
        for (index, line) in lines.dropFirst().enumerated().reversed() {
            guard let key = PairKeyFile.key(line, of: node) else {
                throw .identity(complaint("line \(index + 2) is no key"))
            }
            ring.insert(key)
        }
        return ring
    }

    private static func key(_ line: Substring, of node: NodeID) -> PairKey? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 4, let day = UInt32(words[1]),
            let origin = PairKey.Origin(rawValue: String(words[2])), words[3].utf8.count == 64
        else { return nil }
        let digits = words[3].compactMap(\.hexDigitValue)
        guard digits.count == 64 else { return nil }
        let bytes = stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        return PairKey(
            bytes, node: node, peer: NodeID(String(words[0])), day: KeyDay(day), origin: origin)
    }

    private func complaint(_ reason: String) -> String {
        "cannot read the keys in \(path): \(reason); remove the file: the hub hands out new ones"
    }
}
