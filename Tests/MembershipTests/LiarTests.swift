import Membership
import MeshLab
import Model
import Testing

/// A member that was taken over: it speaks the protocol well, from `docs/protocol.md`, and lies.
private struct Liar {
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

    /// A frame of run 90 to a member: a vector, and an entry for one member.
    mutating func frame(
        to receiver: Int, counter: UInt32, vector: [UInt8], entry: (String, UInt32)? = nil
    ) -> [UInt8] {
        let sequence = (sequences[receiver] ?? 0) + 1
        sequences[receiver] = sequence
        let members = names.reduce(UInt32(0)) { $0 ^ Self.share(Self.key($1), 0) }
        var bytes: [UInt8] = [1, 0]
        bytes += Self.number(sequence) + Self.number(90) + [0, 7]
        bytes += Self.number(counter) + Self.number(UInt32(names.count))
        bytes += Self.word(members) + Self.word(1) + Self.word(1)
        bytes += [255, 0, 0, 10, 255]
        bytes += Self.section(1, vector)
        if let (name, incarnation) = entry {
            bytes += Self.section(
                3,
                Self.word(Self.key(name)) + Self.number(incarnation) + [0, 1]
                    + Self.number(5))
        }
        return bytes
    }
}

@Suite struct LiarTests {
    private static let liar = 6

    private func taken(seed: UInt64) -> (MeshLab, Liar) {
        var lab = MeshLab(8, seed: seed)
        lab.startAll()
        lab.run(for: .seconds(60))
        lab.kill(Self.liar)
        lab.forget()
        return (lab, Liar(lab.members))
    }

    /// Lies for a time, ten times a second, to everybody.
    private func lie(
        _ lab: inout MeshLab, _ liar: inout Liar, seconds: Int,
        vector: (UInt32) -> [UInt8], entry: (String, UInt32)? = nil
    ) {
        for step in 0..<UInt32(seconds * 10) {
            for receiver in 0..<8 where receiver != Self.liar {
                let bytes = liar.frame(
                    to: receiver, counter: step, vector: vector(step), entry: entry)
                lab.inject(bytes, from: Self.liar, to: receiver)
            }
            lab.run(for: .milliseconds(100))
        }
    }

    @Test func `whoever speaks the protocol as it is written is heard`() {
        var (lab, liar) = taken(seed: 41)
        lie(&lab, &liar, seconds: 30, vector: { _ in Array(repeating: 250, count: 8) })
        #expect(lab.falseFailures.isEmpty)
        for node in [0, 1, 2, 3, 4, 5, 7] {
            #expect(lab.liveness(of: Self.liar, at: node) == .alive)
            let view = lab.nodes[node]?.view(at: lab.now).first { $0.node.text == "n006" }
            #expect(view?.incarnation == 90)
        }
    }

    @Test func `one voice keeps a dead node alive for some minutes and not for ever`() {
        var (lab, liar) = taken(seed: 42)
        lab.kill(5)
        // The run of node 5 began with the lab, so its counter is the lab's time.
        lie(
            &lab, &liar, seconds: 260,
            vector: { step in
                var vector = [UInt8](repeating: 250, count: 8)
                vector[5] = UInt8((600 + step) % 250)
                return vector
            })
        for node in [0, 1, 2, 3, 4, 7] { #expect(lab.liveness(of: 5, at: node) == .failed) }
    }

    @Test func `one voice cannot make a living node fail`() {
        var (lab, liar) = taken(seed: 43)
        lie(
            &lab, &liar, seconds: 30,
            vector: { _ in Array(repeating: 252, count: 8) }, entry: ("n003", 4_000_000_000))
        #expect(lab.falseFailures.isEmpty)
        let honest = [0, 1, 2, 3, 4, 5, 7]
        lab.run(for: .seconds(20))
        #expect(lab.allSee(honest))
        #expect(lab.nodes[3]?.incarnation == 1, "a claim beyond reason is not followed")
    }
}
