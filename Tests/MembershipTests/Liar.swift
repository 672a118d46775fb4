import Membership
import Model

/// A member that was taken over: it speaks the protocol well, from `docs/protocol.md`, and lies.
struct Liar {
    private let names: [String]
    private var sequences: [Int: UInt32] = [:]

    init(_ members: [Member]) { names = members.map(\.id.text) }

    static func key(_ name: String) -> UInt32 {
        name.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }

    private static func share(_ key: UInt32, _ first: UInt32) -> UInt32 {
        var mixed = UInt64(key) << 32 | UInt64(first)
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return UInt32(truncatingIfNeeded: mixed ^ (mixed >> 31))
    }

    private static func word(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
    }

    private static func number(_ value: UInt32) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value & 127) | 128] + number(value >> 7)
    }

    private static func section(_ tag: UInt8, _ body: [UInt8]) -> [UInt8] {
        [tag, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
    }

    /// A record as it is on the wire, with a signature that nobody made.
    static func record(
        of origin: String, sequence: UInt32, key: String, value: [UInt8] = [1]
    ) -> [UInt8] {
        let stamp: [UInt8] = [1, 139, 207, 229, 104, 0, 0, 0]
        return word(Self.key(origin)) + number(sequence) + stamp + [0, UInt8(key.utf8.count)]
            + Array(key.utf8) + [0, UInt8(value.count)] + value + [2, 9, 9]
    }

    /// A frame of run 90 to a member: a vector, an entry for one member, versions, and records; its
    /// number so far `ahead` of its turn.
    mutating func frame(
        to receiver: Int, counter: UInt32, vector: [UInt8] = [],
        entry: (String, UInt32)? = nil, versions: [UInt32] = [], records: [[UInt8]] = [],
        ahead: UInt32 = 0, incarnation: UInt32 = 90
    ) -> [UInt8] {
        let sequence = (sequences[receiver] ?? 0) + 1
        sequences[receiver] = sequence
        let members = names.reduce(UInt32(0)) { $0 ^ Self.share(Self.key($1), 0) }
        var bytes: [UInt8] = [1, 0]
        bytes += Self.number(sequence &+ ahead) + Self.number(incarnation) + [0, 7]
        bytes += Self.number(counter) + Self.number(UInt32(names.count))
        bytes += Self.word(members) + Self.word(1) + Self.word(1)
        bytes += [255, 0, 0, 10, 255]
        if !vector.isEmpty { bytes += Self.section(1, vector) }
        if let (name, incarnation) = entry {
            bytes += Self.section(
                3,
                Self.word(Self.key(name)) + Self.number(incarnation) + [0, 1]
                    + Self.number(5))
        }
        if !versions.isEmpty { bytes += Self.section(5, versions.flatMap(Self.number)) }
        if !records.isEmpty { bytes += Self.section(6, records.flatMap { $0 }) }
        return bytes
    }
}
