import Foundation
import Host
import Model
import Synchronization
import Testing
import Transport
import Trust

/// Sits between two nodes on real sockets: each believes that the other is here.
private struct Relay {
    /// The places that stand for the first and for the second node.
    let ports: [DatagramPort]

    struct Behaviour: Sendable {
        var loss = 0.0
        var delaysOneIn = 0
        var random = Random(seed: 7)
        var held: [[DatagramPort.Datagram]] = [[], []]
        var passed: [[UInt8]] = []
        /// How many of them were for the first node and for the second.
        var counts = [0, 0]

        /// What goes on now, after what has arrived for one side.
        mutating func pass(_ datagram: DatagramPort.Datagram, side: Int) -> [[UInt8]] {
            passed.append(datagram.bytes)
            counts[side] += 1
            if random.chance(loss) { return [] }
            if delaysOneIn > 0, Int.random(in: 0..<delaysOneIn, using: &random) == 0 {
                held[side].append(datagram)
                return []
            }
            defer { held[side] = [] }
            return [datagram.bytes] + held[side].map(\.bytes)
        }
    }

    let behaviour = Shared(Behaviour())

    init() async throws { ports = [try await DatagramPort.open(), try await DatagramPort.open()] }

    /// `places`: where the two nodes really are. What comes to the port that stands for one goes to
    /// it, from the port that stands for the other.
    func run(between places: [DatagramPort.Place]) async {
        await withTaskGroup { group in
            for side in 0...1 {
                group.addTask {
                    for await datagram in ports[side].received {
                        for bytes in behaviour.with({ $0.pass(datagram, side: side) }) {
                            ports[1 - side].send(bytes, to: places[side])
                        }
                    }
                }
            }
        }
    }
}

private final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func with<Answer: Sendable>(_ body: (inout Value) -> Answer) -> Answer {
        value.withLock { value in
            var copy = value
            defer { value = copy }
            return body(&copy)
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct DataPlaneTests {
    private static let names: [NodeID] = ["urban-1", "urban-2"]

    private static func ring(of index: Int) throws -> KeyRing {
        let now = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let today = KeyDay(of: now)
        var ring = KeyRing(node: names[index])
        for offset in 0..<2 as Range<UInt32> {
            let day = today.advanced(by: offset)
            let master = try #require(
                DayMaster(day: day, entropy: [UInt8](repeating: 9, count: 32)))
            let secret = master.secret(between: names[0], and: names[1])
            ring.insert(
                try #require(
                    PairKey(secret, node: names[index], peer: names[1 - index], day: day)))
        }
        return ring
    }

    /// Two nodes with a relay between them, all running while `body` does.
    private func withPair(
        limits: DataPlane.Limits = .production,
        secondAdmits: @escaping @Sendable (NodeID) -> Bool = { _ in true },
        _ body: ([DataPlane], Relay) async throws -> Void
    ) async throws {
        let ports = [try await DatagramPort.open(), try await DatagramPort.open()]
        let relay = try await Relay()
        let admitting: [@Sendable (NodeID) -> Bool] = [{ _ in true }, secondAdmits]
        let planes = try (0...1).map { index in
            // The place of the peer, as this node knows it, is the relay's port that stands for it.
            DataPlane(
                ring: try DataPlaneTests.ring(of: index), port: ports[index],
                places: [DataPlaneTests.names[1 - index]: relay.ports[1 - index].place],
                limits: limits, admits: admitting[index])
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for plane in planes { group.addTask { await plane.run() } }
            group.addTask { await relay.run(between: ports.map(\.place)) }
            try await body(planes, relay)
            for port in ports + relay.ports { await port.close() }
            try await group.waitForAll()
        }
    }

    @Test func `messages reach the named peer and come back, over real datagrams`() async throws {
        try await withPair { planes, relay in
            await planes[0].send([[1, 2, 3], []], to: "urban-2")
            var there = planes[1].messages.makeAsyncIterator()
            let came = [await there.next(), await there.next()]
            #expect(came.map { $0?.peer } == ["urban-1", "urban-1"])
            #expect(came.map { $0?.bytes } == [[1, 2, 3], []])
            await planes[1].send([[4]], to: "urban-1")
            var back = planes[0].messages.makeAsyncIterator()
            #expect(await back.next()?.bytes == [4])
            // Nothing of it was to be read on the way.
            let passed = relay.behaviour.with { $0.passed }
            #expect(passed.map(\.count).prefix(2) == [76, 68])
            #expect(passed.dropFirst(2).allSatisfy { !$0.contains([1, 2, 3]) })
            let losses = await [planes[0].losses.byReason, planes[1].losses.byReason]
            #expect(losses == [[:], [:]])
        }
    }

    @Test func `a peer that policy does not let in gets not one byte, and nothing from it counts`()
        async throws
    {
        let isAdmitted = Shared(false)
        let admits: @Sendable (NodeID) -> Bool = { _ in isAdmitted.with { $0 } }
        try await withPair(secondAdmits: admits) { planes, relay in
            await planes[0].send([[1]], to: "urban-2")
            await planes[1].send([[2], [3]], to: "urban-1")
            // The time limit of the test ends it.
            while await planes[1].losses.refused < 3 {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(relay.behaviour.with { $0.counts[0] } == 0)

            // Nothing else stood between them.
            isAdmitted.with { $0 = true }
            await planes[1].send([[4]], to: "urban-1")
            var back = planes[0].messages.makeAsyncIterator()
            #expect(await back.next()?.bytes == [4])
        }
    }

    @Test func `over a link that loses and delays, what comes comes once and unchanged`()
        async throws
    {
        try await withPair { planes, relay in
            relay.behaviour.with {
                $0.loss = 0.45
                $0.delaysOneIn = 3
            }
            // What is lost of a handshake is tried again; where all was, the node is told.
            async let saying: Void = {
                await planes[0].send([[0, 0]], to: "urban-2")
                for await notice in planes[0].notices {
                    if notice == .unreachable("urban-2") {
                        await planes[0].send([[0, 0]], to: "urban-2")
                    }
                    guard notice == .opened("urban-2") else { continue }
                    for number in 1...400 {
                        await planes[0].send(
                            [[UInt8(number >> 8), UInt8(number & 255)]], to: "urban-2")
                    }
                    break
                }
            }()
            var came: Set<[UInt8]> = []
            for await message in planes[1].messages {
                #expect(message.peer == "urban-1" && message.bytes.count == 2)
                #expect(came.insert(message.bytes).inserted)
                if came.count == 100 { break }
            }
            await saying
            #expect(came.count == 100)
            let drops = await planes[1].losses.byReason
            #expect(drops[.forged] == nil && drops[.replayed] == nil)
        }
    }

    @Test func `what strangers send is counted by kind and goes nowhere`() async throws {
        try await withPair { planes, relay in
            await planes[0].send([[7]], to: "urban-2")
            var there = planes[1].messages.makeAsyncIterator()
            _ = await there.next()
            let stranger = try await DatagramPort.open()
            let target = planes[1].place
            let frame = try #require(relay.behaviour.with { $0.passed.last })
            for bytes in [[1], [1, 9] + [UInt8](repeating: 0, count: 30), frame, frame] as [[UInt8]]
            {
                stranger.send(bytes, to: target)
            }
            // Each message that comes through gives the stranger's more time to arrive.
            var drops = await planes[1].losses.byReason
            for _ in 0..<1000 where drops.values.reduce(0, +) < 4 {
                await planes[0].send([[8]], to: "urban-2")
                #expect(await there.next()?.bytes == [8])
                drops = await planes[1].losses.byReason
            }
            await stranger.close()
            #expect(drops == [.size: 1, .kind: 1, .replayed: 2])
            // Nor did the peer move to where the stranger is.
            await planes[1].send([[9]], to: "urban-1")
            var back = planes[0].messages.makeAsyncIterator()
            #expect(await back.next()?.bytes == [9])
        }
    }

    @Test func `a peer without a place or a key is no reason to fail, and is counted`() async throws
    {
        try await withPair { planes, _ in
            await planes[0].send([[1]], to: "urban-3")
            await planes[0].forget("urban-2")
            await planes[0].send([[1]], to: "urban-2")
            let losses = await planes[0].losses
            #expect(losses.byReason == [.keyless: 2] && losses.placeless == 0)
        }
    }

    @Test func `keys are kept for their owner alone, and read as they were`() throws {
        let scratch = try Scratch()
        let file = PairKeyFile(
            scratch.path + "/pair.keys", in: Vault(plain: scratch.path))
        let ring = try DataPlaneTests.ring(of: 0)
        #expect(try file.read(for: "urban-1").ring.keys.isEmpty)
        let hand = KeyHand(day: 20_000, roster: .max)
        try file.write(ring.keys, hand: hand)
        #expect(try file.read(for: "urban-1").ring.keys == ring.keys)
        #expect(try file.read(for: "urban-1").hand == hand)
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        try PrivateFile.write(
            "skerry.dev/v1 pair-keys\nhand\nurban-2 20000 hub 00\n", to: file.path)
        #expect(throws: HostError.self) { try file.read(for: "urban-1") }
    }
}

@Suite struct PairKeysTests {
    private let scratch: Scratch
    private let now = WallTime(milliseconds: Int64(20_780) * 86_400_000 + 1)

    init() throws { scratch = try Scratch() }

    private func deal(_ peers: [NodeID], last: UInt32 = 20_783, fill: UInt8 = 1) -> KeyDeal {
        KeyDeal(
            hand: KeyHand(day: last, roster: UInt64(peers.count)),
            peers: peers.map { peer in
                let secrets = (0..<4 as Range<UInt8>).map { offset in
                    [UInt8](repeating: fill &+ offset &+ peer.text.utf8.reduce(0, &+), count: 32)
                }
                return PeerKeys(peer: peer, firstDay: last - 3, secrets: secrets)
            })
    }

    @Test func `what the hub dealt is there after a restart, and who left is forgotten`()
        async throws
    {
        let path = scratch.path + "/pair.keys"
        let keys = try PairKeys(of: "n1", at: path, in: Vault(plain: scratch.path))
        #expect(keys.handAtStart == nil)
        let hand = try await keys.take(deal(["n2", "n3"]), at: now)
        #expect(hand.day == 20_783)
        let again = try PairKeys(of: "n1", at: path, in: Vault(plain: scratch.path))
        #expect(again.handAtStart == hand)
        let before = await again.ring.keys
        #expect(before == (await keys.ring.keys))
        #expect(before.count == 8)
        _ = try await again.take(deal(["n3"]), at: now)
        #expect(await again.ring.peers == ["n3"])
        #expect(await again.ring.keys.count == 4)
    }

    @Test func `a deal with what is no key leaves that out`() async throws {
        let keys = try PairKeys(
            of: "n1", at: scratch.path + "/pair.keys", in: Vault(plain: scratch.path))
        var strange = deal(["n2", "n1", "Not a name"])
        strange.peers[0].secrets[0] = [1, 2, 3]
        _ = try await keys.take(strange, at: now)
        #expect(await keys.ring.peers == ["n2"])
        #expect(await keys.ring.keys.count == 3)
    }
}
