import Membership
import Model

/// A mesh in which one member's datagrams are invented: noise, honest ones that were cut, changed,
/// mixed or sent again, and well-formed ones with numbers beyond reason.
///
/// Each must be counted under one reason, none may change who belongs or write in another's name, and
/// what a node sends because of them stays within its budget.
package struct MeshFuzzer {
    package private(set) var runs = 0
    private var lab: MeshLab
    private var random: Random
    private var samples: [[UInt8]] = []

    /// The node that is tried, and the one in whose name it is.
    private static let subject = 0
    private static let liar = 5
    private static let size = 6

    package init(seed: UInt64) {
        random = Random(seed: seed)
        lab = MeshLab(MeshFuzzer.size, seed: random.next())
        lab.startAll()
        lab.run(for: .seconds(40))
        lab.tap = []
        do {
            for node in 0..<MeshFuzzer.size { try lab.publish("k\(node)", at: node) }
        } catch {
            preconditionFailure("a node of a quiet mesh may write: \(error)")
        }
        lab.run(for: .seconds(20))
        samples = (lab.tap ?? []).map(\.bytes)
        lab.tap = nil
        lab.kill(MeshFuzzer.liar)
    }

    /// What the tried node took and dropped, by its own count.
    package var counts: (received: Int, dropped: Int) {
        guard let tally = lab.nodes[MeshFuzzer.subject]?.tally else { return (0, 0) }
        return (
            tally.receivedFrames,
            tally.strangers + tally.flooded + tally.oversized + tally.malformed + tally.replayed
                + tally.formerRuns
        )
    }

    /// Gives the node `count` datagrams. Nil, or what should not have come of one.
    package mutating func run(_ count: Int) -> String? {
        for _ in 0..<count {
            runs += 1
            let before = counts
            // Right into the node: nothing honest arrives in the same moment.
            lab.give(
                .datagram(
                    from: lab.members[MeshFuzzer.liar].id, address: "5", bytes: hostile()),
                to: MeshFuzzer.subject)
            let after = counts
            guard after.received + after.dropped == before.received + before.dropped + 1 else {
                return "a datagram was not counted once"
            }
            if runs % 16 == 0 { lab.run(for: .milliseconds(400)) }
            if runs % 512 == 0, let wrong = check() { return wrong }
        }
        return check()
    }

    private mutating func check() -> String? {
        guard let node = lab.nodes[MeshFuzzer.subject] else { return "the node is gone" }
        if node.roster.map(\.id) != lab.members.map(\.id) { return "the roster changed" }
        // Tenths of a second of virtual time, and the burst.
        let seconds = lab.now.nanoseconds / 1_000_000_000
        if node.tally.sentBytes > 1_000 * Int(seconds) + 12_000 { return "the budget is broken" }
        for (key, register) in node.logs.registers
        where key != register.record.key
            || register.record.origin != lab.members[MeshFuzzer.liar].id
                && key != "k\(lab.members.firstIndex { $0.id == register.record.origin } ?? -1)"
        {
            return "\(register.record.origin) holds \(key)"
        }
        return nil
    }

    private mutating func hostile() -> [UInt8] {
        let sample = samples[Int(random.next() % UInt64(samples.count))]
        switch random.next() % 6 {
        case 0: return (0..<Int(random.next() % 1_300)).map { _ in byte() }
        case 1: return Array(sample.prefix(Int(random.next() % UInt64(sample.count))))
        case 2: return changed(sample)
        case 3:
            let other = samples[Int(random.next() % UInt64(samples.count))]
            let cut = Int(random.next() % UInt64(sample.count))
            return Array(sample.prefix(cut)) + other.suffix(Int(random.next() % 80))
        case 4: return sample
        default: return extreme()
        }
    }

    private mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: random.next()) }

    private mutating func changed(_ sample: [UInt8]) -> [UInt8] {
        var bytes = sample
        for _ in 0...Int(random.next() % 4) {
            bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
        }
        return bytes
    }

    /// A head that can be read, with numbers at their ends, and sections of chance. Its records have a
    /// signature that nobody made, or the lab would take them for true.
    private mutating func extreme() -> [UInt8] {
        var bytes: [UInt8] = [1, byte() & 7]
        for _ in 0..<2 { bytes += number() }
        bytes += [byte(), byte()]
        for _ in 0..<2 { bytes += number() }
        bytes += (0..<17).map { _ in byte() }
        for _ in 0..<Int(random.next() % 4) {
            // Not 6: records are tried by cutting and changing honest ones.
            let tag = UInt8(random.next() % 12)
            guard tag != 6 else { continue }
            let body = (0..<Int(random.next() % 120)).map { _ in byte() }
            bytes += [tag, 0, UInt8(body.count)] + body
        }
        return bytes
    }

    private mutating func number() -> [UInt8] {
        switch random.next() % 4 {
        case 0: [0]
        case 1: [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
        case 2: [0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
        default: [byte() & 127]
        }
    }
}
