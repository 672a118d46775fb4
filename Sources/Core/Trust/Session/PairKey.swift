import Crypto
package import Model

/// A day of UTC. Keys between two nodes are made for one.
package struct KeyDay: Hashable, Comparable, Sendable {
    /// Days since 1970.
    package let number: UInt32

    package init(_ number: UInt32) { self.number = number }
    package init(of time: WallTime) { number = UInt32(clamping: time.milliseconds / 86_400_000) }

    package var start: WallTime { WallTime(milliseconds: Int64(number) * 86_400_000) }
    package var end: WallTime { start + .seconds(86_400) }
    package func advanced(by days: UInt32) -> KeyDay { KeyDay(number &+ days) }

    /// Whether its keys open sessions at `now`: a little longer than the day, since clocks differ.
    func isUsable(at now: WallTime, overlap: Duration) -> Bool {
        start - now <= overlap && now - end <= overlap
    }

    package static func < (left: KeyDay, right: KeyDay) -> Bool { left.number < right.number }
}

/// The hub's secret of one day, from which the keys of all pairs come. It never leaves the hub.
///
/// Days do not follow from each other: a master that is forgotten cannot be made again.
package struct DayMaster: Sendable {
    package let day: KeyDay
    private let secret: SymmetricKey

    /// `entropy` are 32 fresh bytes; nil for any other number.
    package init?(day: KeyDay, entropy: [UInt8]) {
        guard entropy.count == PairKey.byteCount else { return nil }
        self.day = day
        secret = SymmetricKey(data: entropy)
    }

    /// What is handed to both nodes, whichever is named first, and to nobody else.
    package func secret(between one: NodeID, and other: NodeID) -> [UInt8] {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: secret, salt: "skerry pair v1".bytes,
            info: marked([min(one, other), max(one, other)]) + day.number.bytes,
            outputByteCount: PairKey.byteCount
        ).bytes(0..<PairKey.byteCount)
    }

    /// The master itself, to be kept sealed.
    package var bytes: [UInt8] { secret.bytes(0..<PairKey.byteCount) }
}

/// The key that one node shares with one other for one day: no third node has it.
///
/// What is dropped is zeroed by the library that holds it (`SymmetricKey`); arrays of bytes on
/// their way in and out are not, since Swift may have copied them.
package struct PairKey: Equatable, Sendable {
    package enum Origin: String, Codable, Sendable {
        case hub
        /// Made by the two nodes from the key before it while no hub could be reached.
        case ratchet
    }

    package static let byteCount = 32
    package let peer: NodeID
    package let day: KeyDay
    package let origin: Origin
    /// What a first message calls the key. It tells nothing to who does not have the key.
    package let name: UInt64
    let secret: SymmetricKey
    /// The keys of the MACs of first messages, one for each direction, so that none can be turned
    /// back.
    let outgoing: MACKey
    let incoming: MACKey

    /// Nil unless there are 32 bytes and two different names.
    package init?(
        _ bytes: [UInt8], node: NodeID, peer: NodeID, day: KeyDay, origin: Origin = .hub
    ) {
        guard bytes.count == PairKey.byteCount, node != peer, isDNSLabel(node.text),
            isDNSLabel(peer.text)
        else { return nil }
        self.init(SymmetricKey(data: bytes), node: node, peer: peer, day: day, origin: origin)
    }

    init(_ secret: SymmetricKey, node: NodeID, peer: NodeID, day: KeyDay, origin: Origin) {
        self.peer = peer
        self.day = day
        self.origin = origin
        self.secret = secret
        let derived = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: secret, salt: "skerry first v1".bytes,
            info: marked([min(node, peer), max(node, peer)]), outputByteCount: 72)
        name = UInt64(derived.bytes(0..<8)[...])
        let upwards = MACKey(derived.part(8..<40))
        let downwards = MACKey(derived.part(40..<72))
        outgoing = node < peer ? upwards : downwards
        incoming = node < peer ? downwards : upwards
    }

    /// The key itself, to be kept sealed.
    package var bytes: [UInt8] { secret.bytes(0..<PairKey.byteCount) }
}

/// A key of HMAC-SHA256, made ready: to take a key up costs more than a short message does.
struct MACKey: Equatable, Sendable {
    let key: SymmetricKey
    private let ready: HMAC<SHA256>

    init(_ key: SymmetricKey) {
        self.key = key
        ready = HMAC(key: key)
    }

    /// The beginning of the code.
    func code(of text: ArraySlice<UInt8>, bytes count: Int = 16) -> [UInt8] {
        var mac = ready
        mac.update(data: text)
        return Array(mac.finalize().prefix(count))
    }

    /// One step of HKDF-Expand (RFC 5869, section 2.3) under this key. The library's own takes the
    /// key up anew for each step, and so twice as long.
    func expansion(_ number: UInt8, after last: SymmetricKey?, info: [UInt8]) -> SymmetricKey {
        var mac = ready
        last?.withUnsafeBytes { mac.update(data: $0) }
        mac.update(data: info + [number])
        return SymmetricKey(data: mac.finalize())
    }

    static func == (left: MACKey, right: MACKey) -> Bool { left.key == right.key }
}

/// Names, each with its length before it, so that no two lists have the same bytes.
func marked(_ names: [NodeID]) -> [UInt8] {
    names.flatMap { [UInt8(truncatingIfNeeded: $0.text.utf8.count)] + Array($0.text.utf8) }
}

extension SymmetricKey {
    func part(_ range: Range<Int>) -> SymmetricKey {
        withUnsafeBytes { SymmetricKey(data: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
    func bytes(_ range: Range<Int>) -> [UInt8] { withUnsafeBytes { Array($0[range]) } }
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}

extension FixedWidthInteger {
    /// Most significant byte first, as everywhere on the wire.
    var bytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }

    init(_ bytes: ArraySlice<UInt8>) { self = bytes.reduce(0) { $0 << 8 | Self($1) } }
}
