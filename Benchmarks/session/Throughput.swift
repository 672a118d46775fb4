import Model
import NIOCore
import NIOSSL
import SessionNetwork
import Trust

/// Bytes from one end to the other, sealed and opened, beside a stream of TLS 1.3.
struct Throughput {
    let rounds: Int

    private static let smallBytes = 256
    private static let smallCount = 480
    private static let now = LossyPair.start

    func run() throws -> Bool {
        let settings = try SecureSettings(Identities(.leafUnderRoot), curves: [.x25519])
        let secure = try SecurePair(settings)
        defer { secure.close() }
        return [try large(beside: secure), try small(beside: secure)].allSatisfy { $0 }
    }

    private func large(beside secure: SecurePair) throws -> Bool {
        let full = [UInt8](repeating: 7, count: 16_384)
        let buffer = ByteBuffer(bytes: full)
        var contenders = [
            Contender("TLS 1.3 (AES-128), 16 KiB a record") {
                try Throughput.expect(
                    try secure.send(CollectionOfOne(buffer), flushingEach: true), full.count)
            }
        ]
        for (name, suite, size) in [
            ("AES-256), 16 KiB", Suites.aes, 16_384), ("ChaCha20), 16 KiB", .chacha, 16_384),
            ("AES-256), 64 KiB", .aes, Batch.messageMax(on: .stream)),
        ] {
            var stream = try SessionStream(suite)
            let message = [UInt8](repeating: 7, count: size)
            contenders.append(
                Contender("session (\(name) a frame") {
                    try Throughput.expect(try stream.send([message]), size)
                })
        }
        try takeTurns(&contenders, rounds: rounds, times: 1000)
        print("throughput, seal to open:")
        let sizes = [16_384, 16_384, 16_384, Batch.messageMax(on: .stream)]
        for (contender, size) in zip(contenders, sizes) { show(contender, bytes: size) }
        let speeds = zip(contenders, sizes).map { Double($1) / $0.median }
        return [
            verdict("AES-256 to TLS, 16 KiB frames", speeds[1] / speeds[0], atLeast: 0.9),
            verdict("AES-256 to TLS, 64 KiB frames", speeds[3] / speeds[0], atLeast: 0.9),
        ].allSatisfy { $0 }
    }

    private func small(beside secure: SecurePair) throws -> Bool {
        let (count, size) = (Throughput.smallCount, Throughput.smallBytes)
        let message = [UInt8](repeating: 7, count: size)
        let messages = [[UInt8]](repeating: message, count: count)
        let buffer = ByteBuffer(bytes: message)
        let buffers = [ByteBuffer](repeating: buffer, count: count)
        // That each message is a record of its own is seen by its size: 22 bytes more.
        let secureBytes = try [true, false].map { flushingEach in
            let before = secure.bytes
            _ = try secure.send(buffers, flushingEach: flushingEach)
            return (secure.bytes - before) / count
        }
        var stream = try SessionStream(.aes)
        var pair = LossyPair()
        pair.send([[]], from: 0)
        pair.settle()
        pair.forgetDelivered()
        var contenders = [
            Contender("TLS 1.3, each message written and flushed") {
                try Throughput.expect(try secure.send(buffers, flushingEach: true), count * size)
            },
            Contender("TLS 1.3, written each, flushed together") {
                try Throughput.expect(try secure.send(buffers, flushingEach: false), count * size)
            },
            Contender("session on a stream, batched to 16 KiB") {
                try Throughput.expect(try stream.send(messages), count * size)
            },
            Contender("session in datagrams, batched to 1,200 bytes") {
                pair.send(messages, from: 0)
                pair.settle()
                try Throughput.expect(pair.delivered[1].count * size, count * size)
                pair.forgetDelivered()
            },
        ]
        try takeTurns(&contenders, rounds: rounds, times: 20)
        print("throughput, \(count) messages of \(size) bytes:")
        for contender in contenders { show(contender, bytes: count * size, each: count) }
        let best = min(contenders[0].median, contenders[1].median)
        print("  bytes on the wire a message: \(secureBytes[0]) and \(secureBytes[1]) in TLS")
        return verdict(
            "batched on a stream to one TLS record each, the better of the two",
            best / contenders[2].median, atLeast: 3)
    }

    private func show(_ contender: Contender, bytes: Int, each: Int = 1) {
        print(
            "  \(padded(contender.name, 46)) \(text(contender.median / Double(each), 2)) us, "
                + "\(text(Double(bytes) / contender.median, 0)) MB/s")
    }

    private static func expect(_ came: Int, _ expected: Int) throws {
        guard came == expected else { throw Failure("\(came) bytes came of \(expected)") }
    }
}

/// Both ends of one session over a stream of bytes.
struct SessionStream {
    private var near: PeerSession
    private var far: PeerSession
    private var cutter = StreamCutter()

    init(_ suite: Suites) throws {
        let (one, two) = (LossyPair.names[0], LossyPair.names[1])
        let now = LossyPair.start
        let day = KeyDay(of: now.wall)
        var entropy = SystemRandomNumberGenerator()
        guard let key = LossyPair.keys(of: one, day: day).first,
            let other = LossyPair.keys(of: two, day: day).first
        else { throw Failure("the two share no key") }
        let attempt = Attempt(
            under: key, from: one, for: day, id: DataSessionID(rawValue: 1), suites: suite,
            carriage: .stream, at: now.wall, entropy: &entropy)
        let answer = try FirstMessage(attempt.message).answer(
            under: other, from: two, id: DataSessionID(rawValue: 2), preferring: suite,
            at: now.monotonic, entropy: &entropy)
        near = try attempt.finish(answer.message, at: now.monotonic)
        far = answer.session
    }

    /// The number of bytes of messages that came out at the other end.
    mutating func send(_ messages: [[UInt8]]) throws -> Int {
        var came = 0
        var batch = Batch(for: .stream)
        for message in messages where !batch.append(message) {
            came += try pass(batch)
            batch = Batch(for: .stream)
            _ = batch.append(message)
        }
        return came + (try pass(batch))
    }

    private mutating func pass(_ batch: Batch) throws -> Int {
        let now = LossyPair.start.monotonic
        var bytes = StreamCutter.length(batch.body.count + PeerSession.overhead)
        bytes.reserveCapacity(bytes.count + batch.body.count + PeerSession.overhead)
        try near.seal(batch.body, at: now, into: &bytes)
        var came = 0
        for frame in cutter.take(bytes) {
            guard let messages = Batch.messages(in: try far.open(frame, at: now)) else {
                throw Failure("a frame held no messages")
            }
            for message in messages { came += message.count }
        }
        return came
    }
}
