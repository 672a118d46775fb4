import Model
import SessionNetwork
import Testing
import Trust

@Suite struct SessionHandshakeTests {
    private let hello = [UInt8]("hello".utf8)

    /// A pair of which end 0 has just asked for a session; nothing has arrived yet.
    private func asking(_ change: (inout LossyPair) -> Void = { _ in }) -> LossyPair {
        var pair = LossyPair()
        change(&pair)
        pair.send([hello], from: 0)
        return pair
    }

    @Test func `a message opens a session in one round trip and under 250 bytes`() {
        var pair = asking()
        #expect(pair.flights.map(\.bytes.count) == [FirstMessage.byteCount])
        pair.arrive()
        #expect(pair.flights.map(\.bytes.count) == [SecondMessage.byteCount])
        #expect(FirstMessage.byteCount + SecondMessage.byteCount <= 250)
        pair.settle()
        #expect(pair.delivered == [[], [hello]])
        // The other end answers over the same session.
        pair.send([hello], from: 1)
        #expect(pair.flights.map(\.bytes.count) == [32 + 2 + 5])
        pair.settle()
        #expect(pair.delivered == [[hello], [hello]])
        #expect(pair.ends.allSatisfy { $0.drops.isEmpty })
    }

    @Test func `the end that answered says nothing until the other has used the session`() {
        var pair = asking()
        pair.arrive()
        #expect(pair.ends[1].session(with: "urban-1") == nil)
        pair.settle()
        #expect(pair.ends[1].session(with: "urban-1") != nil)
    }

    @Test func `a first message that is sent again is answered once`() throws {
        var pair = asking()
        let first = try #require(pair.captured.first).bytes
        pair.settle()
        let said = pair.captured.count
        for _ in 0..<1000 { pair.inject(first, to: 1) }
        #expect(pair.drops(.replayed, at: 1) == 1000)
        #expect(pair.captured.count == said)
        // Nor later, when its time is too far away to be remembered for.
        pair.pass(.seconds(3 * 3600))
        pair.inject(first, to: 1)
        #expect(pair.drops(.clock, at: 1) == 1)
    }

    @Test func `first messages are still told apart when many have come since`() throws {
        var pair = LossyPair()
        pair.loss = 1
        var firsts: [[UInt8]] = []
        for _ in 0..<20 {
            pair.send([hello], from: 0)
            pair.pass(.seconds(20))
        }
        firsts = pair.captured.map(\.bytes)
        #expect(firsts.count == 200)
        pair.loss = 0
        for first in firsts {
            pair.inject(first, to: 1)
            pair.dropFlights()
            pair.advance(to: pair.now.monotonic + .milliseconds(500))
        }
        #expect(pair.ends[1].drops.isEmpty)
        for first in firsts { pair.inject(first, to: 1) }
        #expect(pair.drops(.replayed, at: 1) == 200)
    }

    @Test func `a peer that asks without end is answered at the pace that it has reason for`() {
        var pair = LossyPair()
        pair.loss = 1
        for _ in 0..<20 {
            pair.send([hello], from: 0)
            pair.pass(.seconds(20))
        }
        let firsts = pair.captured.map(\.bytes)
        pair.loss = 0
        for first in firsts { pair.inject(first, to: 1) }
        #expect(pair.flights.count == 8)
        #expect(pair.drops(.flooded, at: 1) == firsts.count - 8)
    }

    @Test func `strangers' first messages are dropped before anything is kept or answered`() throws
    {
        var pair = asking()
        let first = try #require(pair.captured.first).bytes
        pair.dropFlights()
        for place in first.indices {
            var changed = first
            changed[place] ^= 1
            pair.inject(changed, to: 1)
        }
        #expect(pair.flights.isEmpty)
        #expect(pair.ends[1].nextWake == nil)
        #expect(pair.drops(.unknownKey, at: 1) == 8)
        #expect(pair.ends[1].drops.values.reduce(0, +) == first.count)
        // And one that is sent back to who made it.
        pair.inject(first, to: 0)
        #expect(pair.drops(.forged, at: 0) == 1)
    }

    @Test func `a second message with any bit changed opens nothing, and the true one still does`()
        throws
    {
        var pair = asking()
        pair.arrive()
        let second = try #require(pair.captured.last).bytes
        for bit in 0..<(second.count * 8) {
            var changed = second
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            pair.inject(changed, to: 0)
        }
        #expect(pair.ends[0].session(with: "urban-2") == nil)
        #expect(pair.ends[0].drops.values.reduce(0, +) == second.count * 8)
        pair.settle()
        #expect(pair.delivered[1] == [hello])
        pair.inject(second, to: 0)
        // The 32 of the session's number, and now the second message once more.
        #expect(pair.drops(.unasked, at: 0) == 33)
    }

    @Test func `a third node's key opens no session in the name of another`() throws {
        let day = KeyDay(of: LossyPair.start.wall)
        let secret = [UInt8](repeating: 7, count: 32)
        // What urban-3 shares with urban-2, used as if by urban-1.
        let stolen = try #require(PairKey(secret, node: "urban-1", peer: "urban-2", day: day))
        let known = try #require(PairKey(secret, node: "urban-2", peer: "urban-3", day: day))
        var ring = KeyRing(node: "urban-2")
        ring.insert(known)
        var honest = PeerSessions(ring: ring)
        var random = Random(seed: 1)
        let attempt = Attempt(
            under: stolen, from: "urban-1", for: day, id: DataSessionID(rawValue: 1),
            at: LossyPair.start.wall, entropy: &random)
        var effects: [PeerSessions.Effect] = []
        let peer = honest.receive(
            attempt.message, at: LossyPair.start, entropy: &random, into: &effects)
        #expect(peer == nil && effects.isEmpty)
        #expect(honest.drops == [.unknownKey: 1])
    }

    @Test func `keys of a pair are the same at both nodes and of no use to a third`() throws {
        let day = KeyDay(20_000)
        let master = try #require(DayMaster(day: day, entropy: [UInt8](0..<32)))
        let pair = master.secret(between: "a", and: "b")
        #expect(master.secret(between: "b", and: "a") == pair)
        let others = [
            master.secret(between: "a", and: "c"), master.secret(between: "ab", and: "b"),
            try #require(DayMaster(day: day.advanced(by: 1), entropy: [UInt8](0..<32)))
                .secret(between: "a", and: "b"),
        ]
        #expect(Set(others + [pair]).count == 4)
        #expect(PairKey(pair, node: "a", peer: "a", day: day) == nil)
        #expect(PairKey(pair.dropLast(), node: "a", peer: "b", day: day) == nil)
        #expect(PairKey(pair, node: "a", peer: "B!", day: day) == nil)
    }

    @Test(arguments: [(-7201, false), (-7199, true), (7199, true), (7201, false)])
    func `clocks may be two hours apart, and no more`(seconds: Int64, opens: Bool) {
        var pair = asking()
        pair.now.wall = pair.now.wall + .seconds(seconds)
        pair.arrive()
        #expect(pair.drops(.clock, at: 1) == (opens ? 0 : 1))
        #expect(pair.flights.isEmpty == !opens)
    }

    @Test func `the key of a day is good for two hours before and after it`() throws {
        let day = KeyDay(of: LossyPair.start.wall)
        let key = try #require(LossyPair.keys(of: "urban-1", day: day).first)
        func answered(at now: WallTime, says: KeyDay) -> Bool {
            var pair = LossyPair(days: 1)
            pair.now.wall = now
            var random = Random(seed: 4)
            let attempt = Attempt(
                under: key, from: "urban-1", for: says, id: DataSessionID(rawValue: 1), at: now,
                entropy: &random)
            pair.inject(attempt.message, to: 1)
            #expect(pair.flights.isEmpty == (pair.drops(.day, at: 1) == 1))
            return !pair.flights.isEmpty
        }
        let (hour, minute) = (Duration.seconds(3600), Duration.seconds(60))
        #expect(!answered(at: day.start + (.zero - hour * 2 - minute), says: day))
        #expect(answered(at: day.start + (.zero - hour * 2), says: day))
        #expect(answered(at: day.end + hour * 2, says: day))
        #expect(!answered(at: day.end + hour * 2 + minute, says: day))
        // It may make a key of a later day, and not of one to come.
        #expect(answered(at: day.end + hour * 3, says: day.advanced(by: 1)))
        #expect(!answered(at: day.end + hour * 3, says: day.advanced(by: 2)))
        #expect(answered(at: day.end + hour * 24 * 30, says: day.advanced(by: 31)))
        #expect(!answered(at: day.end + hour * 24 * 31, says: day.advanced(by: 32)))
    }

    @Test func `where both ask at once, both go on with the session of the lower name`() throws {
        var pair = LossyPair()
        pair.send([hello], from: 0)
        pair.send([hello], from: 1)
        pair.settle()
        #expect(pair.delivered == [[hello], [hello]])
        let sessions = try LossyPair.names.indices.map {
            try #require(pair.ends[$0].session(with: LossyPair.names[1 - $0]))
        }
        #expect(sessions[0].isInitiator && !sessions[1].isInitiator)
        pair.send([hello], from: 0)
        pair.send([hello], from: 1)
        pair.settle()
        #expect(pair.delivered == [[hello, hello], [hello, hello]])
    }

    @Test(arguments: 1...60)
    func `where both ask at once over a bad link, both end with one session`(seed: UInt64) throws {
        var pair = LossyPair(seed: seed)
        pair.loss = 0.45
        pair.reordering = 0.3
        pair.doubling = 0.1
        pair.send([hello], from: 0)
        pair.send([hello], from: 1)
        pair.pass(.seconds(20))
        pair.loss = 0
        for _ in 0..<3 {
            pair.send([hello], from: 0)
            pair.send([hello], from: 1)
            pair.pass(.seconds(20))
        }
        let sessions = try LossyPair.names.indices.map {
            try #require(pair.ends[$0].session(with: LossyPair.names[1 - $0]))
        }
        #expect(sessions[0].isInitiator != sessions[1].isInitiator)
        pair.forgetDelivered()
        pair.send([hello], from: 0)
        pair.send([hello], from: 1)
        pair.settle()
        #expect(pair.delivered == [[hello], [hello]])
    }

    @Test func `the end that answers chooses among the suites that it was offered`() throws {
        let day = KeyDay(of: LossyPair.start.wall)
        let keys = try LossyPair.names.map { try #require(LossyPair.keys(of: $0, day: day).first) }
        func chosen(_ offered: Suites, preferring: Suites) throws -> Suites {
            var random = Random(seed: 2)
            let attempt = Attempt(
                under: keys[0], from: "urban-1", for: day, id: DataSessionID(rawValue: 1),
                suites: offered, at: LossyPair.start.wall, entropy: &random)
            let answer = try FirstMessage(attempt.message).answer(
                under: keys[1], from: "urban-2", id: DataSessionID(rawValue: 2),
                preferring: preferring, at: .seconds(0), entropy: &random)
            return try attempt.finish(answer.message, at: .seconds(0)).suite
        }
        #expect(try chosen(.all, preferring: .aes) == .aes)
        #expect(try chosen(.all, preferring: .chacha) == .chacha)
        #expect(try chosen(.chacha, preferring: .aes) == .chacha)
        #expect(try chosen(.aes, preferring: .chacha) == .aes)
        #expect(throws: Drop.mismatch) { try chosen([], preferring: .aes) }
        #expect(throws: Drop.mismatch) { try chosen(Suites(rawValue: 4), preferring: .aes) }
    }
}
