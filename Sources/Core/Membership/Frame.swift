import Model

/// One datagram between members, opened and read. Who sent it is known from its seal.
struct Frame: Hashable, Sendable {
    struct Flags: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
        /// The sender hears nearly everything and would like the same from the receiver.
        static let wantsAnswer = Flags(rawValue: 1)
        static let isAnswer = Flags(rawValue: 2)
        /// The sender was late itself; its view of others is no evidence.
        static let isSick = Flags(rawValue: 4)
    }

    /// What a byte of the vector says beside an age.
    enum Mark {
        /// Counters are sent modulo this.
        static let modulus: UInt32 = 250
        static let unknown: UInt8 = 250
        static let quiet: UInt8 = 251
        static let failed: UInt8 = 252
        static let sender: UInt8 = 253
    }

    /// A member's run and counter in full, for those who cannot read a byte yet.
    struct Entry: Hashable, Sendable {
        var key: UInt32
        var run: Run
        var counter: UInt32
    }

    static let version: UInt8 = 1

    var flags: Flags = []
    /// Counts the frames from this sender to this receiver; the gaps are the loss.
    var sequence: UInt32
    var run: Run
    /// Tenths of a second that the run has lasted.
    var counter: UInt32
    /// How many belong, this node included.
    var size: UInt32
    /// Digests of who belongs, of their runs, and of the logs.
    var members: UInt32
    var runs: UInt32
    var logs: UInt32
    var condition: Condition
    /// The loss that the sender reckons with, in 1/255.
    var loss: UInt8
    /// The time between two pulses of the sender, in 20 ms.
    var tick: UInt8
    /// The part of the receiver's frames that reach the sender, in 1/254; 255 is not known.
    var heard: UInt8

    /// A byte for each member, in the order of names. Empty where the receiver could not read it.
    var vector: [UInt8] = []
    /// Members whom the sender holds quiet or failed, where there is no vector to say so.
    var quiet: [UInt32] = []
    var failed: [UInt32] = []
    /// Members known to hold the same logs as the sender, a bit each in the order of names.
    var agreed: [UInt8] = []
    /// Members whom the sender heard itself not long ago, a bit each.
    var earshot: [UInt8] = []
    var entries: [Entry] = []
    var introductions: [Member] = []
    /// Which runs the sender knows: a bit for each, at a place that its digest gives. Two may share one.
    var known: [UInt8] = []
    /// The highest sequence of each log, in the order of names.
    var versions: [UInt32] = []
    var records: [Record] = []
}

extension Frame {
    private enum Tag {
        static let vector: UInt8 = 1
        static let quiet: UInt8 = 2
        static let entries: UInt8 = 3
        static let introductions: UInt8 = 4
        static let versions: UInt8 = 5
        static let records: UInt8 = 6
        static let failed: UInt8 = 7
        static let agreed: UInt8 = 8
        static let earshot: UInt8 = 9
        static let known: UInt8 = 10
    }

    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 96 + vector.count)
        writer.byte(Self.version)
        writer.byte(flags.rawValue)
        writer.number(sequence)
        writer.number(run.incarnation)
        writer.short(run.nonce)
        writer.number(counter)
        writer.number(size)
        writer.word(members)
        writer.word(runs)
        writer.word(logs)
        for byte in [condition.health, condition.load, loss, tick, heard] { writer.byte(byte) }
        writeSections(to: &writer)
        return writer.bytes
    }

    private func writeSections(to writer: inout WireWriter) {
        func add(_ tag: UInt8, when present: Bool, _ write: (inout WireWriter) -> Void) {
            guard present else { return }
            var body = WireWriter(capacity: 64)
            write(&body)
            writer.section(tag, body)
        }
        add(Tag.vector, when: !vector.isEmpty) { $0.raw(vector) }
        add(Tag.quiet, when: !quiet.isEmpty) { body in for key in quiet { body.word(key) } }
        add(Tag.failed, when: !failed.isEmpty) { body in for key in failed { body.word(key) } }
        add(Tag.earshot, when: !earshot.isEmpty) { $0.raw(earshot) }
        add(Tag.agreed, when: !agreed.isEmpty) { $0.raw(agreed) }
        add(Tag.known, when: !known.isEmpty) { $0.raw(known) }
        add(Tag.entries, when: !entries.isEmpty) { body in
            for entry in entries {
                body.word(entry.key)
                body.number(entry.run.incarnation)
                body.short(entry.run.nonce)
                body.number(entry.counter)
            }
        }
        add(Tag.introductions, when: !introductions.isEmpty) { body in
            for member in introductions {
                body.text(member.id.text)
                body.text(member.address)
            }
        }
        add(Tag.versions, when: !versions.isEmpty) { body in
            for version in versions { body.number(version) }
        }
        add(Tag.records, when: !records.isEmpty) { body in
            for record in records { record.write(to: &body) }
        }
    }

    /// Reads a frame whole or not at all. `origin` names the member of a key.
    init(
        _ bytes: [UInt8], bytesMax: Int, origin: (UInt32) -> NodeID?
    ) throws(FrameError) {
        guard bytes.count <= bytesMax else { throw .tooLong(bytes: bytes.count) }
        var reader = WireReader(bytes[...])
        let version = try reader.byte()
        guard version == Self.version else { throw .unknownVersion(version) }
        flags = Flags(rawValue: try reader.byte())
        sequence = try reader.number()
        run = Run(incarnation: try reader.number(), nonce: try reader.short())
        counter = try reader.number()
        size = try reader.number()
        members = try reader.word()
        runs = try reader.word()
        logs = try reader.word()
        condition = Condition(health: try reader.byte(), load: try reader.byte())
        loss = try reader.byte()
        tick = try reader.byte()
        heard = try reader.byte()
        while !reader.isAtEnd {
            var (tag, body) = try reader.section()
            try read(tag, from: &body, origin: origin)
        }
    }

    private mutating func read(
        _ tag: UInt8, from body: inout WireReader, origin: (UInt32) -> NodeID?
    ) throws(FrameError) {
        switch tag {
        case Tag.vector: vector = Array(try body.raw(body.remaining))
        case Tag.quiet: while !body.isAtEnd { quiet.append(try body.word()) }
        case Tag.failed: while !body.isAtEnd { failed.append(try body.word()) }
        case Tag.earshot: earshot = Array(try body.raw(body.remaining))
        case Tag.agreed: agreed = Array(try body.raw(body.remaining))
        case Tag.known: known = Array(try body.raw(body.remaining))
        case Tag.entries:
            while !body.isAtEnd {
                entries.append(
                    Entry(
                        key: try body.word(),
                        run: Run(incarnation: try body.number(), nonce: try body.short()),
                        counter: try body.number()))
            }
        case Tag.introductions:
            while !body.isAtEnd {
                let id = try body.text()
                guard isDNSLabel(id) else { throw .outOfRange }
                introductions.append(Member(id: NodeID(id), address: try body.text()))
            }
        case Tag.versions: while !body.isAtEnd { versions.append(try body.number()) }
        case Tag.records:
            while !body.isAtEnd {
                if let record = try Record.read(from: &body, origin: origin) {
                    records.append(record)
                }
            }
        default: break
        }
    }
}
