import Model

/// Why bytes are not messages about claims.
package enum MessageError: Error, Hashable, Sendable {
    case cutShort
    case unknownVersion(UInt8)
    case outOfRange
}

extension Message {
    /// The first byte of a datagram about claims, by which it is told from gossip and content.
    package static let mark: UInt8 = 0x45
    private static let version: UInt8 = 1
    /// The seal and what lies below it take the rest of 1,200 bytes.
    private static let datagramBytesMax = 1100
    private static let perDatagramMax = 32

    /// The datagrams that hold them, as few as may be.
    package static func datagrams(of messages: [Message]) -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        var body: [UInt8] = []
        var count = 0
        func finish() {
            guard count > 0 else { return }
            datagrams.append([mark, version, UInt8(count)] + body)
            body = []
            count = 0
        }
        for message in messages {
            let bytes = message.bytes
            if count == perDatagramMax || body.count + bytes.count + 3 > datagramBytesMax {
                finish()
            }
            body += bytes
            count += 1
        }
        finish()
        return datagrams
    }

    /// Reads one datagram. Everything that arrives is hostile until it is read whole.
    package static func read(_ bytes: [UInt8]) throws(MessageError) -> [Message] {
        var reader = Reader(bytes: bytes[...])
        guard try reader.byte() == mark else { throw .outOfRange }
        let spoken = try reader.byte()
        guard spoken == version else { throw .unknownVersion(spoken) }
        let count = try reader.byte()
        guard count <= perDatagramMax else { throw .outOfRange }
        var messages: [Message] = []
        for _ in 0..<count { messages.append(try read(from: &reader)) }
        guard reader.bytes.isEmpty else { throw .outOfRange }
        return messages
    }

    // MARK: - One message

    private enum Word: UInt8 {
        case claim = 1
        case acknowledge, refuse
    }

    private var bytes: [UInt8] {
        switch self {
        case .claim(let tenure): [Word.claim.rawValue] + Message.bytes(of: tenure)
        case .refuse(let tenure): [Word.refuse.rawValue] + Message.bytes(of: tenure)
        case .acknowledge(let instance, let epoch, let isHeld):
            [Word.acknowledge.rawValue] + Message.bytes(of: instance)
                + Message.bytes(of: epoch) + [isHeld ? 1 : 0]
        }
    }

    private static func read(from reader: inout Reader) throws(MessageError) -> Message {
        switch Word(rawValue: try reader.byte()) {
        case .claim: return .claim(try tenure(from: &reader))
        case .refuse: return .refuse(try tenure(from: &reader))
        case .acknowledge:
            return .acknowledge(
                try instance(from: &reader), epoch: try reader.number(),
                isHeld: try reader.byte() == 1)
        case nil: throw .outOfRange
        }
    }

    // MARK: - Values

    private static func bytes(of tenure: Tenure) -> [UInt8] {
        let flags: UInt8 =
            (tenure.isHeld ? 1 : 0) | (tenure.isReady ? 2 : 0)
            | (tenure.predecessor == nil ? 0 : 4)
        var bytes = self.bytes(of: tenure.instance) + self.bytes(of: tenure.epoch) + [flags]
        bytes += self.bytes(of: tenure.holder.text)
        if let predecessor = tenure.predecessor { bytes += self.bytes(of: predecessor.text) }
        for number in [
            tenure.plan.epoch, tenure.plan.number, UInt64(clamping: tenure.since.milliseconds),
            UInt64(clamping: tenure.load),
        ] { bytes += self.bytes(of: number) }
        return bytes
    }

    private static func tenure(from reader: inout Reader) throws(MessageError) -> Tenure {
        let instance = try instance(from: &reader)
        let epoch = try reader.number()
        let flags = try reader.byte()
        let holder = NodeID(try reader.name())
        let predecessor = flags & 4 == 0 ? nil : NodeID(try reader.name())
        let plan = RosterVersion(epoch: try reader.number(), number: try reader.number())
        guard let since = Int64(exactly: try reader.number()),
            let load = UInt32(exactly: try reader.number())
        else { throw .outOfRange }
        return Tenure(
            instance: instance, epoch: epoch, holder: holder, isHeld: flags & 1 == 1,
            predecessor: predecessor, plan: plan, since: WallTime(milliseconds: since),
            isReady: flags & 2 == 2, load: Int(load))
    }

    private static func bytes(of instance: InstanceID) -> [UInt8] {
        bytes(of: instance.workload.text) + bytes(of: UInt64(clamping: instance.ordinal))
    }

    private static func instance(from reader: inout Reader) throws(MessageError) -> InstanceID {
        let workload = WorkloadID(try reader.name())
        guard let ordinal = UInt32(exactly: try reader.number()) else { throw .outOfRange }
        return InstanceID(workload: workload, ordinal: Int(ordinal))
    }

    private static func bytes(of text: String) -> [UInt8] {
        let utf8 = Array(text.utf8.prefix(63))
        return [UInt8(utf8.count)] + utf8
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    private static func bytes(of number: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
        return bytes
    }
}

/// Reads from the front, and never beyond the end.
private struct Reader {
    var bytes: ArraySlice<UInt8>

    mutating func byte() throws(MessageError) -> UInt8 {
        guard let first = bytes.popFirst() else { throw .cutShort }
        return first
    }

    mutating func number() throws(MessageError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let part = try byte()
            guard shift < 63 || part <= 1 else { throw .outOfRange }
            value |= UInt64(part & 0x7F) << shift
            if part & 0x80 == 0 { return value }
        }
        throw .outOfRange
    }

    mutating func name() throws(MessageError) -> String {
        let count = Int(try byte())
        guard count <= bytes.count else { throw .cutShort }
        let utf8 = bytes.prefix(count)
        bytes = bytes.dropFirst(count)
        guard let text = String(validating: utf8, as: UTF8.self), isDNSLabel(text) else {
            throw .outOfRange
        }
        return text
    }
}
