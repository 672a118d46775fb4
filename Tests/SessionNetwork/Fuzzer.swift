import Crypto
import Model
package import Trust

/// Two ends that talk, and somebody between them who changes, repeats and invents; also a peer that
/// holds the key and misuses it. Nothing may be delivered that was not sent, nor anything twice.
package struct Fuzzer {
    package private(set) var runs = 0
    package private(set) var delivered = 0
    package var drops: [Drop: Int] {
        pair.ends[0].drops.merging(pair.ends[1].drops, uniquingKeysWith: +)
    }

    private var pair: LossyPair
    private var random: Random
    private var nextMessage: UInt64 = 0
    /// What was sent and not yet delivered.
    private var outstanding: Set<[UInt8]> = []

    package init(seed: UInt64) {
        random = Random(seed: seed)
        var limits = PeerSessions.Limits.production
        limits.session = .tight
        pair = LossyPair(seed: random.next(), limits: limits)
        pair.loss = 0.1
        pair.reordering = 0.2
        pair.doubling = 0.05
    }

    /// Gives the ends `count` datagrams that are not what a true peer sent. Nil, or the message
    /// that should not have been delivered.
    package mutating func run(_ count: Int) -> [UInt8]? {
        for _ in 0..<count {
            runs += 1
            if random.chance(0.1), let wrong = talk() { return wrong }
            let end = Int.random(in: 0...1, using: &random)
            pair.inject(hostile(for: end), to: end)
            if let wrong = check() { return wrong }
        }
        return nil
    }

    /// True traffic, so that there is something to change.
    private mutating func talk() -> [UInt8]? {
        let messages = (0..<Int.random(in: 1...3, using: &random)).map { _ -> [UInt8] in
            nextMessage += 1
            let fill = [UInt8](repeating: 7, count: Int.random(in: 0...400, using: &random))
            return withUnsafeBytes(of: nextMessage.bigEndian) { Array($0) } + fill
        }
        outstanding.formUnion(messages)
        pair.send(messages, from: Int.random(in: 0...1, using: &random))
        for _ in 0..<4 { pair.arrive() }
        pair.advance(to: pair.now.monotonic + .milliseconds(random.chance(0.01) ? 20_000 : 40))
        for end in 0...1 { pair.wake(end) }
        return check()
    }

    private mutating func check() -> [UInt8]? {
        defer { pair.forgetDelivered() }
        for message in pair.delivered[0] + pair.delivered[1] where !message.starts(with: marker) {
            delivered += 1
            guard outstanding.remove(message) != nil else { return message }
        }
        return nil
    }

    /// What a peer that misuses its key writes before what it invents, in an otherwise good frame.
    private let marker = [UInt8](repeating: 0xEE, count: 8)

    private mutating func hostile(for end: Int) -> [UInt8] {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return noise(upTo: 1500)
        case 1: return insider(for: end)
        case 2: return forgedFirst(for: end)
        default:
            guard let flight = pair.captured.suffix(64).randomElement(using: &random) else {
                return noise(upTo: 100)
            }
            return changed(flight.bytes)
        }
    }

    private mutating func noise(upTo count: Int) -> [UInt8] {
        var bytes = (0..<Int.random(in: 0...count, using: &random)).map { _ in
            UInt8(truncatingIfNeeded: random.next())
        }
        if bytes.count > 1, random.chance(0.8) {
            bytes[0] = 1
            bytes[1] = UInt8.random(in: 0...4, using: &random)
        }
        return bytes
    }

    private mutating func changed(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 2: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
            case 3: bytes += noise(upTo: 40)
            case 4:
                // A field of the header, and often one that means something.
                bytes[min(place % 16, bytes.count - 1)] = [0, 1, 2, 3, 127, 128, 255][place % 7]
            default: break
            }
        }
        return bytes
    }

    /// A frame of the true session whose body is no batch, or one with the marker.
    private mutating func insider(for end: Int) -> [UInt8] {
        guard var session = pair.ends[1 - end].session(with: LossyPair.names[end]) else {
            return noise(upTo: 40)
        }
        var body = noise(upTo: 60)
        if random.chance(0.5) {
            let message = marker + body
            body = [0, UInt8(message.count)] + message
        } else {
            // Lengths that do not fit, and never the length of a marker's message.
            body = [0xFF, 0xFF] + body
        }
        do throws(Drop) {
            return try session.seal(body, at: pair.now.monotonic)
        } catch {
            return noise(upTo: 40)
        }
    }

    /// A first message with a right MAC and any content: only who holds the key can make it.
    private mutating func forgedFirst(for end: Int) -> [UInt8] {
        guard let key = pair.ends[1 - end].ring.keys.randomElement(using: &random) else {
            return []
        }
        var bytes: [UInt8] = [1, 1, UInt8.random(in: 0...4, using: &random), 0]
        bytes += (0..<4).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        bytes += withUnsafeBytes(of: key.name.bigEndian) { Array($0) }
        let day =
            random.chance(0.2)
            ? UInt32(truncatingIfNeeded: random.next())
            : key.day.number &+ UInt32.random(in: 0...1, using: &random)
        bytes += withUnsafeBytes(of: day.bigEndian) { Array($0) }
        let time =
            random.chance(0.2) ? random.next() : UInt64(clamping: pair.now.wall.milliseconds)
        bytes += withUnsafeBytes(of: time.bigEndian) { Array($0) }
        // At times a point of low order.
        let isNull = random.chance(0.2)
        bytes += (0..<32).map { _ in isNull ? 0 : UInt8(truncatingIfNeeded: random.next()) }
        let names = LossyPair.names.flatMap { [UInt8($0.text.utf8.count)] + Array($0.text.utf8) }
        let keys = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: key.bytes), salt: Array("skerry first v1".utf8),
            info: names, outputByteCount: 72)
        let half = keys.withUnsafeBytes { Array(end == 1 ? $0[8..<40] : $0[40..<72]) }
        let code = HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: half))
        return bytes + Array(code.prefix(16))
    }
}
