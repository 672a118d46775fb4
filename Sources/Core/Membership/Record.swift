package import Model

/// One write of one node: it sets a key, or takes it away, and is spread to every member.
///
/// Only its origin may make it. The room carries the signature and never looks into it.
package struct Record: Hashable, Sendable {
    package let origin: NodeID
    /// From 1, without a gap.
    package let sequence: UInt32
    package let stamp: HybridStamp
    package let key: String
    package let value: [UInt8]
    package let isTombstone: Bool
    package var signature: [UInt8]

    package init(
        origin: NodeID, sequence: UInt32, stamp: HybridStamp, key: String, value: [UInt8],
        isTombstone: Bool = false, signature: [UInt8] = []
    ) {
        self.origin = origin
        self.sequence = sequence
        self.stamp = stamp
        self.key = key
        self.value = value
        self.isTombstone = isTombstone
        self.signature = signature
    }

    /// The key by which an origin sets a floor; the value is its sequence, in four bytes.
    package static let floorKey = "~floor"
    /// Half of all numbers: none is so high that the next would not fit.
    static let sequenceMax = UInt32.max / 2

    /// The sequence below which nothing of its origin counts; nil where it sets none.
    package var floor: UInt32? {
        guard key == Record.floorKey, value.count == 4, !isTombstone else { return nil }
        let floor = value.reduce(0) { $0 << 8 | UInt32($1) }
        return (1...sequence).contains(floor) ? floor : nil
    }

    package static let keyBytesMax = 128
    package static let valueBytesMax = 640
    static let signatureBytesMax = 96

    /// Whether it fits into a frame, whatever else that holds.
    var isSmallEnough: Bool {
        (1...Self.keyBytesMax).contains(key.utf8.count) && value.count <= Self.valueBytesMax
            && signature.count <= Self.signatureBytesMax
    }

    /// The bytes that a signature covers: all but itself.
    package var signedBytes: [UInt8] {
        var writer = WireWriter(capacity: 96 + value.count)
        writer.text(origin.text)
        writeBody(to: &writer)
        return writer.bytes
    }

    /// On the wire, the origin is four bytes: a member is known by them.
    func write(to writer: inout WireWriter) {
        writer.word(Membership.key(of: origin.text))
        writeBody(to: &writer)
        writer.byte(UInt8(signature.count))
        writer.raw(signature)
    }

    private func writeBody(to writer: inout WireWriter) {
        writer.number(sequence)
        writer.long(stamp.bits)
        writer.byte(isTombstone ? 1 : 0)
        writer.text(key)
        writer.short(UInt16(value.count))
        writer.raw(value)
    }

    /// What `write` takes, at most.
    var wireBytes: Int {
        4 + 5 + 8 + 1 + 1 + key.utf8.count + 2 + value.count + 1 + signature.count
    }

    /// Reads one record; nil where its origin is nobody whom `origin` knows.
    static func read(
        from reader: inout WireReader, origin: (UInt32) -> NodeID?
    ) throws(FrameError) -> Record? {
        let author = origin(try reader.word())
        let sequence = try reader.number()
        let stamp = HybridStamp(bits: try reader.long())
        let isTombstone = try reader.byte() & 1 == 1
        let key = try reader.text()
        let value = Array(try reader.raw(Int(try reader.short())))
        let signature = Array(try reader.raw(Int(try reader.byte())))
        guard let author else { return nil }
        let record = Record(
            origin: author, sequence: sequence, stamp: stamp, key: key, value: value,
            isTombstone: isTombstone, signature: signature)
        guard (1...sequenceMax).contains(sequence), record.isSmallEnough else { throw .outOfRange }
        return record
    }
}

/// What a key holds: the write with the highest stamp, of two such the one of the later name, and of
/// one node's the later: it says its own again with the stamp of the first time.
package struct Register: Hashable, Sendable {
    package let record: Record

    func yields(to other: Record) -> Bool {
        guard record.stamp == other.stamp else { return record.stamp < other.stamp }
        return record.origin == other.origin
            ? record.sequence < other.sequence : record.origin < other.origin
    }
}
