import Model
import SessionNetwork
import Testing
import Trust

/// Two ends of one session, without the machines around them.
struct SessionPair {
    var near: PeerSession
    var far: PeerSession
    let at = LossyPair.start

    init(
        suites: Suites = .aes, carriage: Carriage = .datagrams,
        limits: PeerSession.Limits = .production
    ) throws {
        let (one, two) = (LossyPair.names[0], LossyPair.names[1])
        let day = KeyDay(of: at.wall)
        var random = Random(seed: 5)
        let attempt = Attempt(
            under: try #require(LossyPair.keys(of: one, day: day).first), from: one, for: day,
            id: DataSessionID(rawValue: 11), suites: suites, carriage: carriage, at: at.wall,
            entropy: &random)
        let answer = try FirstMessage(attempt.message).answer(
            under: try #require(LossyPair.keys(of: two, day: day).first), from: two,
            id: DataSessionID(rawValue: 22), preferring: suites, limits: limits,
            at: at.monotonic, entropy: &random)
        near = try attempt.finish(answer.message, limits: limits, at: at.monotonic)
        far = answer.session
    }
}

@Suite struct SessionFrameTests {
    private let now = LossyPair.start.monotonic
    private let body = [UInt8]("a reading of the thermometer at 4".utf8.prefix(32))

    @Test(arguments: [Suites.aes, .chacha], [Carriage.datagrams, .stream])
    func `what one end seals the other opens, in both directions`(
        suite: Suites, carriage: Carriage
    ) throws {
        var pair = try SessionPair(suites: suite, carriage: carriage)
        #expect(pair.near.suite == suite && pair.far.suite == suite)
        for _ in 0..<3 {
            let frame = try pair.near.seal(body, at: now)
            #expect(frame.count == body.count + 32)
            try expect(&pair.far, opens: frame)
            let back = try pair.far.seal([], at: now)
            try expect(&pair.near, opens: back, as: [])
        }
    }

    @Test func `the two directions have different keys, and a frame turned back is refused`() throws
    {
        var pair = try SessionPair()
        let (forth, back) = (try pair.near.seal(body, at: now), try pair.far.seal(body, at: now))
        #expect(forth[16...] != back[16...])
        #expect(throws: Drop.unknownSession) { try pair.near.open(forth, at: now) }
        #expect(throws: Drop.forged) {
            try pair.near.open(Array(back[..<16]) + forth[16...], at: now)
        }
    }

    @Test func `A10: a frame of 64 bytes with any single bit changed is not accepted`() throws {
        for carriage in [Carriage.datagrams, .stream] {
            var pair = try SessionPair(carriage: carriage)
            let frame = try pair.near.seal(body, at: now)
            #expect(frame.count == 64)
            var accepted = 0
            var refused: [Drop: Int] = [:]
            for bit in 0..<(frame.count * 8) {
                var changed = frame
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                do throws(Drop) {
                    _ = try pair.far.open(changed, at: now)
                    accepted += 1
                } catch {
                    refused[error, default: 0] += 1
                }
            }
            #expect(accepted == 0 && refused.values.reduce(0, +) == 512)
            // Of the header, all but the counter is known before the tag is looked at.
            #expect(refused[.forged] ?? 0 >= 384)
            // None of them used the frame's counter up.
            try expect(&pair.far, opens: frame)
        }
    }

    @Test func `frames may overtake each other by 2,047, and no more`() throws {
        var pair = try SessionPair()
        let frames = try (0..<2049).map { _ in try pair.near.seal(body, at: now) }
        try expect(&pair.far, opens: frames[2048])
        #expect(throws: Drop.overtaken) { try pair.far.open(frames[0], at: now) }
        for frame in frames[1..<2048].reversed() {
            try expect(&pair.far, opens: frame)
        }
        for frame in frames[1...] {
            #expect(throws: Drop.replayed) { try pair.far.open(frame, at: now) }
        }
    }

    @Test func `the window agrees with a plain list of what came`() throws {
        var pair = try SessionPair()
        var random = Random(seed: 9)
        let frames = try (0..<9000).map { _ in try pair.near.seal([], at: now) }
        var came: Set<Int> = []
        var highest = -1
        for _ in 0..<20_000 {
            let ahead = random.chance(0.02) ? 3000 : 40
            let counter = Int.random(
                in: max(0, highest - 2300)...min(8999, max(0, highest) + ahead), using: &random)
            let expected = !came.contains(counter) && highest - counter < 2048
            do {
                _ = try pair.far.open(frames[counter], at: now)
                #expect(expected, "\(counter) after \(highest)")
            } catch {
                #expect(!expected, "\(counter) after \(highest): \(error)")
            }
            if expected {
                came.insert(counter)
                highest = max(highest, counter)
            }
        }
        #expect(highest == 8999)
    }

    @Test func `a forged frame far ahead does not move the window`() throws {
        var pair = try SessionPair()
        let frames = try (0..<2).map { _ in try pair.near.seal(body, at: now) }
        var forged = frames[1]
        forged[13] = 0xFF
        #expect(throws: Drop.forged) { try pair.far.open(forged, at: now) }
        try expect(&pair.far, opens: frames[0])
    }

    @Test func `on a stream the next counter is the only one`() throws {
        var pair = try SessionPair(carriage: .stream)
        let frames = try (0..<3).map { _ in try pair.near.seal(body, at: now) }
        #expect(throws: Drop.overtaken) { try pair.far.open(frames[1], at: now) }
        try expect(&pair.far, opens: frames[0])
        #expect(throws: Drop.replayed) { try pair.far.open(frames[0], at: now) }
        try expect(&pair.far, opens: frames[1])
    }

    @Test func `frames that are too short, too long or of another kind are refused`() throws {
        var pair = try SessionPair()
        let frame = try pair.near.seal(body, at: now)
        for count in 0..<32 {
            #expect(throws: Drop.size) { try pair.far.open(Array(frame[..<count]), at: now) }
        }
        #expect(throws: Drop.forged) { try pair.far.open(frame.dropLast(), at: now) }
        #expect(throws: Drop.forged) { try pair.far.open(frame + [0], at: now) }
        let long = frame + [UInt8](repeating: 0, count: 1200)
        #expect(throws: Drop.size) { try pair.far.open(long, at: now) }
        #expect(throws: Drop.version) { try pair.far.open([2] + frame[1...], at: now) }
        #expect(throws: Drop.kind) { try pair.far.open([1, 9] + frame[2...], at: now) }
        #expect(throws: Drop.epoch) { try pair.far.open([1, 3, 0, 0] + frame[4...], at: now) }
        #expect(throws: Drop.oversize) {
            try pair.near.seal([UInt8](repeating: 0, count: 1169), at: now)
        }
        let largest = try pair.near.seal([UInt8](repeating: 0, count: 1168), at: now)
        #expect(largest.count == 1200)
    }

    @Test func `a session asks for the next one, and then ends, by time and by frames`() throws {
        var pair = try SessionPair(limits: .tight)
        #expect(!pair.near.wantsNext(at: now + .seconds(59)))
        #expect(pair.near.wantsNext(at: now + .seconds(60)))
        #expect(!pair.far.wantsNext(at: now + .seconds(60)))
        let frames = try (0..<96).map { _ in try pair.near.seal([], at: now) }
        #expect(pair.near.wantsNext(at: now))
        #expect(throws: Drop.expired) { try pair.near.seal([], at: now) }
        #expect(throws: Drop.expired) { try pair.far.open(frames[0], at: now + .seconds(90)) }
        #expect(throws: Drop.expired) { try pair.far.seal([], at: now + .seconds(90)) }
        let last = try pair.far.open(frames[95], at: now + .seconds(89))
        #expect(last == [])
    }

    @Test func `messages share a frame, and come out as they went in`() throws {
        var batch = Batch(for: .datagrams)
        let messages = [[], [1], [UInt8](repeating: 2, count: 300)] as [[UInt8]]
        let fit = messages.map { batch.append($0) }
        #expect(fit == [true, true, true])
        #expect(batch.body.count == 6 + 301)
        #expect(Batch.messages(in: batch.body)?.map(Array.init) == messages)
        let full = [860, 859].map { batch.append([UInt8](repeating: 3, count: $0)) }
        #expect(full == [false, true])
        #expect(batch.body.count == 1168)
        var stream = Batch(for: .stream)
        let small = (0..<70).map { _ in stream.append([UInt8](repeating: 3, count: 256)) }
        #expect(small.filter { $0 }.count == 63 && stream.body.count == 63 * 258)
        stream = Batch(for: .stream)
        let largest = Batch.messageMax(on: .stream)
        let one = [largest + 1, largest, 0].map { stream.append([UInt8](repeating: 3, count: $0)) }
        #expect(one == [false, true, false])
    }

    @Test(arguments: [[0], [0, 1], [0, 0, 0], [255, 255, 1], [0, 1, 9, 0, 2, 1]] as [[UInt8]])
    func `a body that is no batch is told apart`(body: [UInt8]) {
        #expect(Batch.messages(in: body) == nil)
    }

    @Test func `a stream is cut into its frames wherever its bytes are parted`() throws {
        let frames = [[UInt8](repeating: 1, count: 40), [], [UInt8](repeating: 2, count: 65_535)]
        let bytes = frames.flatMap { StreamCutter.length($0.count) + $0 }
        var cutter = StreamCutter()
        var cut: [[UInt8]] = []
        var next = 0
        var random = Random(seed: 3)
        while next < bytes.count {
            let end = min(bytes.count, next + Int.random(in: 1...9000, using: &random))
            cut += cutter.take(Array(bytes[next..<end])).map(Array.init)
            next = end
        }
        #expect(cut == frames)
        // Any length that two bytes can say is one that a frame may have; what waits is bounded by it.
        let rest = cutter.take([0xFF, 0xFF, 1])
        #expect(rest.isEmpty)
    }

    private func expect(
        _ session: inout PeerSession, opens frame: [UInt8], as expected: [UInt8]? = nil,
        at place: SourceLocation = #_sourceLocation
    ) throws {
        let found = try session.open(frame, at: now)
        #expect(found == expected ?? body, sourceLocation: place)
    }
}
