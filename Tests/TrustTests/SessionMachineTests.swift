import Model
import SessionNetwork
import Testing
import Trust

@Suite struct SessionMachineTests {
    private let hello = [UInt8]("hello".utf8)

    private func talking(
        seed: UInt64 = 1, limits: PeerSessions.Limits = .production, days: UInt32 = 4
    ) -> LossyPair {
        var pair = LossyPair(seed: seed, limits: limits, days: days)
        pair.send([hello], from: 0)
        pair.settle()
        pair.send([hello], from: 1)
        pair.settle()
        pair.forgetDelivered()
        return pair
    }

    @Test func `A09: a thousand frames that are sent again deliver nothing`() {
        var pair = talking()
        let said = pair.captured.count
        for number in 0..<1000 {
            pair.send([[UInt8(number >> 8), UInt8(number & 255)]], from: 0)
        }
        pair.settle()
        #expect(pair.delivered[1].count == 1000)
        pair.forgetDelivered()
        let frames = pair.captured[said...]
        #expect(frames.count == 1000)
        for frame in frames { pair.inject(frame.bytes, to: 1) }
        #expect(pair.delivered[1].isEmpty)
        #expect(pair.ends[1].drops == [.replayed: 1000])
    }

    @Test func `small messages share datagrams, and one that fits in none is dropped`() {
        var pair = talking()
        let small = [UInt8](repeating: 1, count: 256)
        let large = [UInt8](repeating: 2, count: 1167)
        let sent = pair.bytesSent
        pair.send([small, small, large, small, small, small], from: 0)
        #expect(pair.flights.map(\.bytes.count) == [32 + 4 * 258, 32 + 258])
        #expect(pair.bytesSent - sent == 64 + 5 * 258)
        pair.settle()
        #expect(pair.delivered[1] == [small, small, small, small, small])
        #expect(pair.drops(.oversize, at: 0) == 1)
    }

    @Test func `what waits for a session is bounded, and the newest is kept`() {
        var pair = LossyPair(limits: .tight)
        pair.send([[1], [2], [3]], from: 0)
        pair.send([[4]], from: 0)
        #expect(pair.flights.count == 1)
        pair.settle()
        #expect(pair.delivered[1] == [[3], [4]])
        #expect(pair.drops(.crowded, at: 0) == 2)
    }

    @Test func `a peer that does not answer is given up after a while, and asked again on demand`()
    {
        var pair = LossyPair()
        pair.loss = 1
        pair.send([hello], from: 0)
        pair.pass(.seconds(60))
        #expect(pair.captured.count == 10)
        #expect(pair.effects[0] == [.unreachable("urban-2", discarded: 1)])
        #expect(pair.drops(.unanswered, at: 0) == 1)
        #expect(pair.ends[0].nextWake == nil)
        pair.loss = 0
        pair.send([hello], from: 0)
        pair.settle()
        #expect(pair.delivered[1] == [hello])
    }

    @Test func `a node without a key for a peer sends nothing to it`() {
        var pair = LossyPair(days: 0)
        pair.send([hello, hello], from: 0)
        #expect(pair.flights.isEmpty && pair.ends[0].nextWake == nil)
        #expect(pair.drops(.keyless, at: 0) == 2)
    }

    @Test(arguments: 1...8)
    func `sessions are renewed under loss, and messages go on getting through`(seed: UInt64) {
        var limits = PeerSessions.Limits.production
        limits.session = .tight
        var pair = talking(seed: seed, limits: limits)
        pair.loss = 0.45
        var ids: Set<UInt32> = []
        for number in 0..<600 {
            for end in 0...1 {
                pair.send([[UInt8(end), UInt8(number >> 8), UInt8(number & 255)]], from: end)
            }
            pair.pass(.seconds(1))
            if let session = pair.ends[0].session(with: "urban-2") {
                ids.insert(session.id.rawValue)
            }
        }
        for end in 0...1 {
            let came = pair.delivered[end]
            #expect(Set(came).count == came.count)
            // What the link lets through is 55 %; renewing costs some of what waits meanwhile.
            #expect(came.count > 270, "\(came.count)")
            #expect(pair.drops(.expired, at: end) == 0)
        }
        #expect((9...40).contains(ids.count))
    }

    @Test func `a session is renewed after an hour, and none is used after ninety minutes`() throws
    {
        var pair = talking()
        let first = try #require(pair.ends[0].session(with: "urban-2")).id
        let early = try #require(pair.captured.last).bytes
        pair.pass(.seconds(3599))
        pair.send([hello], from: 0)
        pair.settle()
        #expect(pair.ends[0].session(with: "urban-2")?.id == first)
        pair.pass(.seconds(1))
        pair.send([hello], from: 0)
        pair.settle()
        #expect(pair.ends[0].session(with: "urban-2")?.id != first)
        // Frames of the one before still arrive for a while.
        pair.inject(early, to: 0)
        #expect(pair.drops(.replayed, at: 0) == 1)
        pair.pass(.seconds(1800))
        pair.inject(early, to: 0)
        #expect(pair.drops(.unknownSession, at: 0) == 1)
        pair.pass(.seconds(5400))
        #expect(pair.ends.allSatisfy { $0.nextWake == nil })
        #expect(pair.ends[0].session(with: "urban-2") == nil)
    }

    @Test func `a peer that started anew is found out by its silence`() {
        var pair = talking()
        pair.ends[1] = PeerSessions(ring: pair.ends[1].ring)
        pair.send([hello], from: 0)
        pair.settle()
        #expect(pair.drops(.unknownSession, at: 1) == 1)
        pair.pass(.seconds(15))
        pair.send([hello], from: 0)
        pair.settle()
        #expect(pair.delivered[1] == [hello])
    }

    @Test func `who is only listened to says so now and then, and nobody asks for a new session`() {
        var pair = talking()
        let said = pair.captured.count
        for _ in 0..<60 {
            pair.send([hello], from: 0)
            pair.pass(.seconds(1))
        }
        let answers = pair.captured[said...].filter { $0.to == 0 }
        #expect((4...6).contains(answers.count))
        #expect(answers.allSatisfy { $0.bytes.count == 32 })
        #expect(pair.captured.count == said + 60 + answers.count)
        // Two ends that have nothing to say are silent.
        pair.pass(.seconds(20))
        let quiet = pair.captured.count
        pair.pass(.seconds(1000))
        #expect(pair.captured.count == quiet)
    }

    @Test func `a peer that is no longer trusted is heard no more`() {
        var pair = talking()
        var effects: [PeerSessions.Effect] = []
        pair.ends[1].forget("urban-1", into: &effects)
        #expect(effects == [.keysChanged])
        pair.send([hello], from: 0)
        pair.settle()
        pair.pass(.seconds(60))
        #expect(pair.delivered == [[], []])
        #expect(pair.drops(.unknownKey, at: 1) > 0)
        pair.send([hello], from: 1)
        #expect(pair.drops(.keyless, at: 1) == 1)
    }

    // MARK: Days without a hub

    @Test func `cut off for thirty days, two nodes that meet daily go on with keys of their own`() {
        var pair = talking()
        for day in 1...30 {
            pair.pass(.seconds(86_400))
            pair.send([hello], from: day % 2)
            pair.settle()
            pair.send([hello], from: 1 - day % 2)
            pair.settle()
            #expect(pair.delivered == [[hello], [hello]], "day \(day)")
            pair.forgetDelivered()
            for end in pair.ends { #expect(end.ring.keys.count <= 4) }
        }
        let today = KeyDay(of: pair.now.wall)
        for end in pair.ends { #expect(end.ring.keys.contains { $0.day == today }) }
        #expect(Set(pair.ends.map { $0.ring.keys.first?.bytes }).count == 1)
        #expect(pair.ends[0].ring.keys.first?.origin == .ratchet)
    }

    @Test func `two nodes that meet after twenty-nine days make a key, and after more they do not`()
    {
        var pair = talking()
        pair.pass(.seconds(29 * 86_400))
        pair.send([hello], from: 1)
        pair.settle()
        #expect(pair.delivered[0] == [hello])
        pair = talking(days: 1)
        pair.pass(.seconds(32 * 86_400))
        pair.send([hello], from: 1)
        #expect(pair.drops(.keyless, at: 1) == 1)
    }

    @Test func `the key that two nodes made is not that of any day before, nor the same twice`()
        throws
    {
        var seen: Set<[UInt8]> = []
        for seed in 1...5 as ClosedRange<UInt64> {
            var pair = talking(seed: seed, days: 1)
            seen.insert(try #require(pair.ends[0].ring.keys.first).bytes)
            pair.pass(.seconds(2 * 86_400))
            pair.send([hello], from: 0)
            pair.settle()
            let made = try pair.ends.map { try #require($0.ring.keys.first) }
            #expect(made[0].origin == .ratchet && made[0].bytes == made[1].bytes)
            seen.insert(made[0].bytes)
        }
        #expect(seen.count == 6)
    }

    @Test(arguments: 1...40)
    func `a key is never lost in the making, however bad the link`(seed: UInt64) {
        var pair = talking(seed: seed, days: 1)
        for day in 1...6 {
            pair.pass(.seconds(86_400))
            pair.loss = 0.8
            pair.send([hello], from: day % 2)
            pair.pass(.seconds(8))
            // Cut in the middle of whatever it was.
            pair.loss = 1
            pair.pass(.seconds(8))
        }
        pair.loss = 0
        pair.forgetDelivered()
        for _ in 0..<4 {
            pair.send([hello], from: 0)
            pair.send([hello], from: 1)
            pair.pass(.seconds(30))
        }
        #expect(pair.delivered[0].last == hello && pair.delivered[1].last == hello)
    }

    @Test func `a node that has the hub's keys again is understood by one that has not`() {
        var pair = talking(days: 1)
        pair.pass(.seconds(3 * 86_400))
        let today = KeyDay(of: pair.now.wall)
        pair.insert(LossyPair.keys(of: "urban-1", day: today), at: 0)
        for asking in 0...1 {
            pair.send([hello], from: asking)
            pair.pass(.seconds(10))
        }
        #expect(pair.delivered == [[hello], [hello]])
        // Once both have the hub's, the key of their own is dropped.
        pair.insert(LossyPair.keys(of: "urban-2", day: today), at: 1)
        pair.pass(.seconds(7200))
        pair.send([hello], from: 0)
        pair.pass(.seconds(10))
        for end in pair.ends { #expect(end.ring.keys.map(\.origin) == [.hub]) }
    }

    @Test func `once a newer key was used, one of an earlier day opens nothing`() throws {
        var pair = talking()
        let old = try #require(pair.ends[0].ring.keys.last)
        pair.pass(.seconds(86_400))
        pair.send([hello], from: 0)
        pair.pass(.seconds(3 * 3600))
        #expect(pair.ends.allSatisfy { $0.ring.key(named: old.name) == nil })
        var random = Random(seed: 1)
        let attempt = Attempt(
            under: old, from: "urban-1", for: KeyDay(of: pair.now.wall),
            id: DataSessionID(rawValue: 1), at: pair.now.wall, entropy: &random)
        pair.inject(attempt.message, to: 1)
        #expect(pair.drops(.unknownKey, at: 1) == 1)
        #expect(pair.flights.isEmpty)
    }

    @Test func `a ring keeps as many keys and peers as it may, the newest`() throws {
        var ring = KeyRing(node: "n", limits: .tight)
        for peer in 0..<6 {
            for day in 0..<6 as Range<UInt32> {
                ring.insert(
                    try #require(
                        PairKey(
                            [UInt8](repeating: UInt8(peer) * 16 + UInt8(day), count: 32), node: "n",
                            peer: NodeID("p\(peer)"), day: KeyDay(20_000 + day))))
            }
        }
        #expect(ring.peers == ["p0", "p1", "p2", "p3"])
        #expect(ring.keys.count == 16)
        #expect(Set(ring.keys.map(\.day.number)) == [20_002, 20_003, 20_004, 20_005])
        #expect(ring.keys.allSatisfy { ring.key(named: $0.name) == $0 })
    }
}
