/// Why bytes are not a frame. Everything that arrives is hostile until it is read whole.
package enum FrameError: Error, Hashable, Sendable {
    case tooLong(bytes: Int)
    case cutShort
    case unknownVersion(UInt8)
    case outOfRange
}

/// Appends numbers and texts to a frame, most significant byte first.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    var count: Int { bytes.count }

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func raw(_ values: [UInt8]) { bytes += values }

    mutating func short(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    mutating func word(_ value: UInt32) {
        short(UInt16(truncatingIfNeeded: value >> 16))
        short(UInt16(truncatingIfNeeded: value))
    }

    mutating func long(_ value: UInt64) {
        word(UInt32(truncatingIfNeeded: value >> 32))
        word(UInt32(truncatingIfNeeded: value))
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    mutating func number(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// A text of at most 255 bytes behind its length.
    mutating func text(_ value: String) {
        let utf8 = Array(value.utf8.prefix(255))
        byte(UInt8(utf8.count))
        raw(utf8)
    }

    /// A part with its tag and its length, so that a reader may pass over what it does not know.
    mutating func section(_ tag: UInt8, _ body: WireWriter) {
        byte(tag)
        short(UInt16(body.count))
        raw(body.bytes)
    }
}

/// Reads a frame from its front. Never reads beyond its end.
struct WireReader {
    private let bytes: ArraySlice<UInt8>
    private var next: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        next = bytes.startIndex
    }

    var remaining: Int { bytes.endIndex - next }
    var isAtEnd: Bool { remaining == 0 }

    mutating func byte() throws(FrameError) -> UInt8 {
        guard next < bytes.endIndex else { throw .cutShort }
        defer { next += 1 }
        return bytes[next]
    }

    mutating func raw(_ count: Int) throws(FrameError) -> ArraySlice<UInt8> {
        guard count <= remaining else { throw .cutShort }
        defer { next += count }
        return bytes[next..<(next + count)]
    }

    mutating func short() throws(FrameError) -> UInt16 {
        UInt16(try byte()) << 8 | UInt16(try byte())
    }

    mutating func word() throws(FrameError) -> UInt32 {
        UInt32(try short()) << 16 | UInt32(try short())
    }

    mutating func long() throws(FrameError) -> UInt64 {
        UInt64(try word()) << 32 | UInt64(try word())
    }

    mutating func number() throws(FrameError) -> UInt32 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 35, by: 7) {
            let part = try byte()
            value |= UInt64(part & 0x7F) << shift
            guard part & 0x80 != 0 else {
                guard let narrow = UInt32(exactly: value) else { throw .outOfRange }
                return narrow
            }
        }
        throw .outOfRange
    }

    mutating func text() throws(FrameError) -> String {
        let utf8 = try raw(Int(try byte()))
        guard let text = String(validating: utf8, as: UTF8.self) else { throw .outOfRange }
        return text
    }

    /// The next part: its tag and what it holds.
    mutating func section() throws(FrameError) -> (tag: UInt8, body: WireReader) {
        let tag = try byte()
        return (tag, WireReader(try raw(Int(try short()))))
    }
}

/// FNV-1a over a name: which member is meant where four bytes have to do.
func key(of node: some StringProtocol) -> UInt32 {
    node.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
}

/// One member's share in a digest. Shares are combined by exclusive or, so the order is nobody's.
func share(_ key: UInt32, _ first: UInt32, _ second: UInt32 = 0) -> UInt32 {
    var mixed = UInt64(key) << 32 | UInt64(first)
    mixed &+= UInt64(second) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return UInt32(truncatingIfNeeded: mixed ^ (mixed >> 31))
}
