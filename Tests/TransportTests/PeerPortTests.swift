import Foundation
import Model
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing
import Transport

/// Nodes that talk by mutual TLS over loopback, and those who may not.
@Suite(.timeLimit(.minutes(2))) struct PeerPortTests {
    private let authorities: Authorities

    init() throws { authorities = try Authorities() }

    /// What one side holds of others, changeable while connections stand.
    private final class Rules: Sendable {
        let revoked = Mutex<Set<String>>([])
        let barred = Mutex<Set<NodeID>>([])
        let remarks = Mutex<[String]>([])
    }

    /// One side, with an inbox that can be looked into.
    private struct End: Sendable {
        let port: PeerPort
        let rules: Rules
        let place: DatagramPort.Place

        func first() async -> PeerPort.Message? {
            var messages = port.received.makeAsyncIterator()
            return await messages.next()
        }

        /// Who said what is there, once the port is closed.
        func rest() async -> [NodeID] {
            var names: [NodeID] = []
            for await message in port.received { names.append(message.peer) }
            return names
        }

        func send(_ messages: [[UInt8]], to other: End, _ name: NodeID) {
            port.send(messages, to: name, at: other.place)
        }
    }

    private func open(
        _ node: NodeID, at site: SiteID = "harbour", showing identity: TLSIdentity? = nil,
        of own: Authorities? = nil, limits: PeerPort.Limits = .production
    ) async throws -> End {
        let rules = Rules()
        let roots = try authorities.trustRoots
        let isRevoked: @Sendable (Bearer) -> Bool = { bearer in
            rules.revoked.withLock { $0.contains(bearer.subject) }
        }
        let shown = try identity ?? (own ?? authorities).identity(node, at: site)
        let port = try await PeerPort.open(
            at: "127.0.0.1:0",
            PeerPort.Parties(
                node: node, site: site, identity: { (shown, WallTime(milliseconds: .max)) },
                verifier: {
                    try PeerVerifier(
                        .node, trustRoots: roots,
                        clock: FleetClock(certain: { TransportTests.clock() }),
                        isRevoked: isRevoked)
                },
                isRevoked: isRevoked,
                admits: { node in rules.barred.withLock { !$0.contains(node) } },
                now: { TransportTests.clock() }),
            limits: limits, remark: { text in rules.remarks.withLock { $0.append(text) } })
        return End(port: port, rules: rules, place: port.place)
    }

    /// Makes a connection, says something on it, and waits until it is over.
    private func knockWithoutCertificate(at place: DatagramPort.Place) async throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        let context = try NIOSSLContext(configuration: tls)
        let port = try #require(place.description.split(separator: ":").last.flatMap { Int($0) })
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        channel.writeAndFlush(ByteBuffer(bytes: [0, 1, 9]), promise: nil)
        try await channel.closeFuture.get()
    }

    /// Says something again and again until `isSo`; the time limit of the suite ends it.
    private func saying(
        _ words: [UInt8], by end: End, to other: End, _ name: NodeID, until isSo: () -> Bool
    ) async throws {
        while !isSo() {
            end.send([words], to: other, name)
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// That what `end` says to `n2` does not reach it, while what a good node says to it does.
    private func expectNothing(from end: End, at second: End) async throws {
        try await saying([9], by: end, to: second, "n2") {
            !end.rules.remarks.withLock { $0.isEmpty } || second.port.losses.refused > 1
        }
        let good = try await open("n3")
        good.send([[3]], to: second, "n2")
        #expect(await second.first()?.says("n3", [3]) == true)
        for port in [end.port, second.port, good.port] { await port.close() }
    }

    @Test func `messages go both ways on one connection, whole and in order`() async throws {
        let (first, second) = (try await open("n1"), try await open("n2"))
        let long = [UInt8](repeating: 7, count: 2048)
        first.send([[1, 2, 3], [], long], to: second, "n2")
        var there = second.port.received.makeAsyncIterator()
        for bytes in [[1, 2, 3], [], long] {
            #expect(await there.next()?.says("n1", bytes) == true)
        }
        // Nobody listens at the place that it is given: the answer goes where the peer speaks.
        let nowhere = try DatagramPort.Place("127.0.0.1:1")
        second.port.send([[4]], to: "n1", at: nowhere)
        #expect(await first.first()?.says("n2", [4]) == true)
        // One too long for anybody is lost here, and ends nothing.
        first.send([long + [7], [5]], to: second, "n2")
        #expect(await there.next()?.bytes == [5])
        #expect(first.port.losses.sent == 1)
        #expect(first.port.losses.refused + second.port.losses.refused == 0)
        await first.port.close()
        await second.port.close()
    }

    @Test func `two that dial each other at once hear each other`() async throws {
        let (first, second) = (try await open("n1"), try await open("n2"))
        for _ in 0..<20 {
            first.send([[1]], to: second, "n2")
            second.send([[2]], to: first, "n1")
        }
        async let there = second.first()
        async let here = first.first()
        #expect(await [there?.peer, here?.peer] == ["n1", "n2"])
        // Also after the one that was too many is gone.
        for _ in 0..<100 {
            first.send([[1]], to: second, "n2")
            second.send([[2]], to: first, "n1")
            try await Task.sleep(for: .milliseconds(10))
        }
        await first.port.close()
        await second.port.close()
        let left = await [second.rest(), first.rest()]
        #expect(left[0].count > 10 && left[0].allSatisfy { $0 == "n1" })
        #expect(left[1].count > 10 && left[1].allSatisfy { $0 == "n2" })
    }

    @Test func `a node that comes back at another port is heard and answered`() async throws {
        let (first, second) = (try await open("n1"), try await open("n2"))
        first.send([[1]], to: second, "n2")
        #expect(await second.first()?.bytes == [1])
        await second.port.close()
        let again = try await open("n2")
        again.send([[2]], to: first, "n1")
        #expect(await first.first()?.bytes == [2])
        first.send([[3]], to: again, "n2")
        #expect(await again.first()?.bytes == [3])
        await first.port.close()
        await again.port.close()
    }

    @Test func `a peer of another fleet gets nothing, and hears why`() async throws {
        let stranger = try await open("n1", of: Authorities())
        try await expectNothing(from: stranger, at: try await open("n2"))
        #expect(stranger.rules.remarks.withLock { $0.count } <= 1)
    }

    @Test func `a certificate of a person, or one that is over, opens nothing`() async throws {
        let person = try await open("n1", showing: try authorities.user("ann"))
        try await expectNothing(from: person, at: try await open("n2"))
        let late = try authorities.identity(
            "n1", validity: .seconds(60),
            issued: WallTime(milliseconds: clock().milliseconds - 600_000))
        try await expectNothing(
            from: try await open("n1", showing: late), at: try await open("n2"))
    }

    @Test func `a node of another site, though its certificate is good, is none of the mesh`()
        async throws
    {
        try await expectNothing(
            from: try await open("n1", at: "airport"), at: try await open("n2"))
    }

    @Test func `who has a node's own certificate is not heard by that node`() async throws {
        let thief = try await open("n1", showing: try authorities.identity("n2", at: "harbour"))
        try await expectNothing(from: thief, at: try await open("n2"))
    }

    @Test func `who answers for another than was dialled is told nothing`() async throws {
        let (first, other) = (try await open("n1"), try await open("n3"))
        try await saying([1], by: first, to: other, "n2") {
            !first.rules.remarks.withLock { $0.isEmpty }
        }
        #expect(first.port.losses.refused > 0)
        first.send([[3]], to: other, "n3")
        #expect(await other.first()?.bytes == [3])
        await first.port.close()
        await other.port.close()
    }

    @Test func `who shows no certificate is not heard`() async throws {
        let second = try await open("n2")
        try await knockWithoutCertificate(at: second.place)
        let good = try await open("n3")
        good.send([[3]], to: second, "n2")
        #expect(await second.first()?.peer == "n3")
        await second.port.close()
        await good.port.close()
    }

    @Test func `who is revoked or barred while connected is cut off`() async throws {
        for isRevoked in [true, false] {
            let (first, second) = (try await open("n1"), try await open("n2"))
            first.send([[1]], to: second, "n2")
            #expect(await second.first()?.bytes == [1])
            if isRevoked {
                let name = SubjectName.node("n1", at: "harbour")
                second.rules.revoked.withLock { _ = $0.insert(name) }
            } else {
                second.rules.barred.withLock { _ = $0.insert("n1") }
            }
            second.port.review()
            // It dials again, and is not let in any more.
            try await saying([9], by: first, to: second, "n2") {
                !first.rules.remarks.withLock { $0.isEmpty }
            }
            let good = try await open("n3")
            good.send([[3]], to: second, "n2")
            var there = second.port.received.makeAsyncIterator()
            while let message = await there.next(), message.peer != "n3" {
                // On its way before the cut.
                #expect(message.bytes == [9])
            }
            for port in [first.port, second.port, good.port] { await port.close() }
        }
    }

    @Test func `a connection ends with the certificate that opened it`() async throws {
        let brief = try authorities.identity("n1", validity: .seconds(2))
        let (first, second) = (
            try await open("n1", showing: brief), try await open("n2")
        )
        first.send([[1]], to: second, "n2")
        #expect(await second.first()?.bytes == [1])
        try await saying([2], by: first, to: second, "n2") {
            !first.rules.remarks.withLock { $0.isEmpty }
        }
        await first.port.close()
        await second.port.close()
    }

    @Test func `what waits for a peer that is not there is bounded, the newest is lost`()
        async throws
    {
        var limits = PeerPort.Limits.production
        limits.waiting = 2
        // It takes the connection and says nothing, so the handshake never ends.
        let mute = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let place = try DatagramPort.Place("127.0.0.1:\(try #require(mute.localAddress?.port))")
        let first = try await open("n1", limits: limits)
        for number in 0..<10 as Range<UInt8> {
            first.port.send([[number]], to: "n2", at: place)
        }
        #expect(first.port.losses.sent == 8)
        await first.port.close()
        try await mute.close()
    }
}

extension PeerPort.Message {
    fileprivate func says(_ name: NodeID, _ bytes: [UInt8]) -> Bool {
        peer == name && self.bytes == bytes
    }
}
