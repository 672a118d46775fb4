import Foundation
import Host
import Model
import Synchronization
import Testing
import Transport
import Trust

/// Nodes of a mesh on real sockets, without a hub, and those who would disturb them.
@Suite(.timeLimit(.minutes(2))) struct NodeMeshTests {
    private static let names: [NodeID] = ["rural-1", "rural-2", "rural-3"]

    /// What goes between the first two nodes, as somebody on the way sees it.
    private final class Wiretap: Sendable {
        let port: DatagramPort
        private let seen = Mutex<[[UInt8]]>([])

        init() async throws { port = try await DatagramPort.open() }

        var frames: [[UInt8]] { seen.withLock { $0 } }

        /// Hands on what comes from one end to the other.
        func run(between first: DatagramPort.Place, and second: DatagramPort.Place) async {
            for await datagram in port.received {
                if datagram.source == first, datagram.bytes.dropFirst().first == 3 {
                    seen.withLock { $0.append(datagram.bytes) }
                }
                port.send(datagram.bytes, to: datagram.source == first ? second : first)
            }
        }
    }

    private struct Site {
        let nodes: [NodeMesh]
        let ports: [DatagramPort]
        let tap: Wiretap

        func waitUntil(
            _ what: String, _ isSo: ([MeshView]) -> Bool
        ) async throws {
            // The time limit of the suite ends it.
            while true {
                var views: [MeshView] = []
                for node in nodes { views.append(await node.view()) }
                if isSo(views) { return }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    private static func ring(of index: Int, among count: Int) throws -> KeyRing {
        let today = KeyDay(of: WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
        var ring = KeyRing(node: names[index])
        for offset in 0..<2 as Range<UInt32> {
            let day = today.advanced(by: offset)
            let master = try #require(
                DayMaster(day: day, entropy: [UInt8](repeating: 9, count: 32)))
            for peer in 0..<count where peer != index {
                let secret = master.secret(between: names[index], and: names[peer])
                ring.insert(
                    try #require(
                        PairKey(secret, node: names[index], peer: names[peer], day: day)))
            }
        }
        return ring
    }

    /// Runs `count` nodes that know each other while `body` does. The first two reach each other over
    /// the tap.
    private func withSite(
        _ count: Int, liar: Int? = nil, _ body: (Site) async throws -> Void
    ) async throws {
        var ports: [DatagramPort] = []
        for _ in 0..<count { ports.append(try await DatagramPort.open()) }
        let tap = try await Wiretap()
        let seals = try (0..<count).map {
            try #require(NodeSeal(seed: [UInt8](repeating: UInt8($0 + 1), count: 32)))
        }
        var nodes: [NodeMesh] = []
        for index in 0..<count {
            var roster = Roster(site: "rural", version: RosterVersion(epoch: 1, number: 1))
            roster.members = (0..<count).map { other in
                let isTapped = index < 2 && other < 2 && index != other
                return Roster.Member(
                    node: NodeMeshTests.names[other], key: seals[other].publicKey,
                    address: (isTapped ? tap.port : ports[other]).place.description)
            }
            nodes.append(
                NodeMesh(
                    NodeMesh.Place(
                        node: NodeMeshTests.names[index], site: "rural",
                        address: ports[index].place.description, incarnation: 1),
                    roster: roster,
                    seal: index == liar
                        ? try #require(NodeSeal(seed: [UInt8](repeating: 99, count: 32)))
                        : seals[index],
                    ring: try NodeMeshTests.ring(of: index, among: count),
                    port: .sessions(ports[index]),
                    random: Random(seed: UInt64(index) + 1)))
        }
        let site = Site(nodes: nodes, ports: ports, tap: tap)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes { group.addTask { await node.run() } }
            let places = ports.map(\.place)
            group.addTask { await tap.run(between: places[0], and: places[1]) }
            try await site.waitUntil("all to see all") { views in
                views.allSatisfy { view in view.peers.allSatisfy { $0.liveness == .alive } }
            }
            try await body(site)
            for port in ports + [tap.port] { await port.close() }
            try await group.waitForAll()
        }
    }

    private func drops(_ view: MeshView) -> UInt64 { view.traffic.droppedFrames }

    @Test func `three nodes with a roster and keys see each other with no hub`() async throws {
        try await withSite(3) { site in
            for node in site.nodes {
                let view = await node.view()
                #expect(view.peers.count == 2)
                #expect(!view.isIsolated)
                #expect(view.roster == RosterVersion(epoch: 1, number: 1))
            }
        }
    }

    @Test func `a node whose socket is gone is called failed by the others`() async throws {
        try await withSite(3) { site in
            await site.ports[2].close()
            try await site.waitUntil("two to call the third failed") { views in
                views.prefix(2).allSatisfy { view in
                    view.peers.contains { $0.node == "rural-3" && $0.liveness == .failed }
                }
            }
        }
    }

    @Test func `a thousand captured datagrams that are played again are dropped and counted`()
        async throws
    {
        try await withSite(2) { site in
            try await site.waitUntil("some frames to go by") { _ in site.tap.frames.count >= 10 }
            let frames = Array(site.tap.frames.prefix(10))
            let before = await site.nodes[1].view()
            for _ in 0..<100 {
                for frame in frames { site.tap.port.send(frame, to: site.ports[1].place) }
                // Less than the kernel holds for a socket at a time.
                try await Task.sleep(for: .milliseconds(5))
            }
            try await site.waitUntil("all to be counted") { views in
                drops(views[1]) - drops(before) >= 1_000
            }
            let after = await site.nodes[1].view()
            #expect(after.traffic.dropped["session.replayed", default: 0] >= 1_000)
            #expect(after.peers.map(\.liveness) == [.alive])
        }
    }

    @Test func `a datagram with any one bit changed is dropped and counted`() async throws {
        try await withSite(2) { site in
            try await site.waitUntil("a frame to go by") { _ in !site.tap.frames.isEmpty }
            let frame = try #require(site.tap.frames.last)
            let before = await site.nodes[1].view()
            for bit in 0..<frame.count * 8 {
                var changed = frame
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                site.tap.port.send(changed, to: site.ports[1].place)
                if bit % 64 == 0 { try await Task.sleep(for: .milliseconds(5)) }
            }
            try await site.waitUntil("all to be counted") { views in
                drops(views[1]) - drops(before) >= UInt64(frame.count * 8)
            }
            #expect(await site.nodes[1].view().peers.map(\.liveness) == [.alive])
        }
    }

    @Test func `strangers who flood with noise of any length change nothing`() async throws {
        try await withSite(2) { site in
            let stranger = try await DatagramPort.open()
            var random = Random(seed: 5)
            let before = await site.nodes[1].view()
            for round in 0..<2_000 {
                let count = Int(random.next() % 1_600)
                stranger.send(
                    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) },
                    to: site.ports[1].place)
                if round % 64 == 0 { try await Task.sleep(for: .milliseconds(5)) }
            }
            try await site.waitUntil("most to be counted") { views in
                drops(views[1]) - drops(before) >= 1_500
            }
            let after = await site.nodes[1].view()
            #expect(after.peers.map(\.node) == ["rural-1"])
            #expect(after.peers.map(\.liveness) == [.alive])
            await stranger.close()
        }
    }

    private func bundle(_ version: Int, lines: Int = 40) -> PolicyBundle {
        PolicyBundle(
            key: "k", signature: "s",
            payload: ["name freeze", "version \(version)"]
                + (0..<lines).map { "row \($0) " + String(repeating: "x", count: 100) })
    }

    @Test func `a policy that one announces is known to all, and comes whole to who asks`()
        async throws
    {
        try await withSite(3) { site in
            let bundle = bundle(7)
            await site.nodes[1].announce([bundle], siteGeneration: 4)
            for await notice in site.nodes[0].notices {
                if case .offered(let offer) = notice {
                    #expect(offer.policy == PolicyReference(name: "freeze", version: 7))
                    await site.nodes[0].fetch(offer)
                }
                if case .fetched(let got, _, let neighbour) = notice {
                    #expect(got == bundle)
                    #expect(neighbour == "rural-2")
                    break
                }
            }
            let expected = [
                MeshHolding(node: "rural-2", subject: "Site/rural", version: 4),
                MeshHolding(node: "rural-2", subject: "Policy/freeze", version: 7),
            ]
            #expect(Set(await site.nodes[0].holdings) == Set(expected))
            while await Set(site.nodes[2].holdings) != Set(expected) {
                try await Task.sleep(for: .milliseconds(20))
            }
            let trace = try #require(await site.nodes[0].traces(of: "freeze").first)
            #expect(trace.origin == "rural-2" && trace.via != nil)
        }
    }

    @Test func `a list of what is revoked comes whole to who has an older one, also past a liar`()
        async throws
    {
        try await withSite(3) { site in
            let time = WallTime(milliseconds: 1_760_000_000_000)
            func list(_ version: UInt64) -> RevocationList {
                RevocationList(
                    version: version, issuedAt: time, expiresAt: time + .seconds(3600), fleet: 3)
            }
            let content = (0..<30_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            await site.nodes[0].announce(list(3), coded: [1, 2, 3])
            await site.nodes[1].announce(list(5), coded: content)
            for await notice in site.nodes[0].notices {
                guard case .carriedList(let got, let neighbour) = notice else { continue }
                #expect(got == content && neighbour == NodeMeshTests.names[1])
                break
            }
            // Who has nothing yet has it too; one that is older is not asked for.
            for await notice in site.nodes[2].notices {
                guard case .carriedList(let got, _) = notice, got == content else { continue }
                break
            }
            #expect(
                await site.nodes[0].holdings.contains {
                    $0.subject == "Revocations/list" && $0.version == 5
                })
        }
    }

    @Test func `what a member did not sign by the key of the roster is dropped and counted`()
        async throws
    {
        try await withSite(2, liar: 1) { site in
            await site.nodes[1].announce([bundle(9)], siteGeneration: 4)
            try await site.waitUntil("the lie to be counted") { views in
                views[0].traffic.dropped["forged", default: 0] > 0
            }
            #expect(await site.nodes[0].holdings.isEmpty)
            #expect(await site.nodes[0].view().peers.map(\.liveness) == [.alive])
        }
    }

    private func isRefused(
        _ signed: SignedRoster, by node: NodeMesh, trusting roots: String
    ) async throws -> Bool {
        do {
            // None of these may reach the disk either.
            return try await node.adopt(signed, trusting: roots) { _ in
                Issue.record("it was kept")
            } == nil
        } catch is CredentialError {
            return true
        }
    }

    @Test
    func `a roster that is forged, altered, older or of another site leaves the one in force`()
        async throws
    {
        try await withSite(2) { site in
            let now = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            let root = try RootAuthority(name: "test", validity: .seconds(86_400), now: now)
            let stranger = try RootAuthority(name: "test", validity: .seconds(86_400), now: now)
            let hub = try root.issueIssuing(name: "test", validity: .seconds(3_600), now: now)
            let forger = try stranger.issueIssuing(
                name: "test", validity: .seconds(3_600), now: now)
            let node = site.nodes[0]
            let before = await node.view()
            func roster(_ name: SiteID, _ number: UInt64) -> Roster {
                Roster(site: name, version: RosterVersion(epoch: 1, number: number))
            }
            var altered = try hub.sign(roster("rural", 9))
            altered.lines[1] = try hub.sign(roster("rural", 10)).lines[1]
            altered.lines[2] = try hub.sign(roster("rural", 10)).lines[2]
            let cases = [
                try forger.sign(roster("rural", 9)), altered, try hub.sign(roster("urban", 9)),
                try hub.sign(roster("rural", 1)), try hub.sign(roster("rural", 0)),
            ]
            for signed in cases {
                #expect(try await isRefused(signed, by: node, trusting: try root.trustRoots))
                let view = await node.view()
                #expect(view.roster == before.roster)
                #expect(view.peers.map(\.node) == before.peers.map(\.node))
                #expect(view.peers.map(\.liveness) == [.alive])
            }
            // What is in order is taken, and kept first.
            let next = try hub.sign(roster("rural", 2))
            let kept = Mutex(0)
            let version = try await node.adopt(next, trusting: try root.trustRoots) { _ in
                kept.withLock { $0 += 1 }
            }
            #expect(version == RosterVersion(epoch: 1, number: 2))
            #expect(kept.withLock { $0 } == 1)
            #expect(await node.view().peers.isEmpty)
        }
    }

    @Test func `a member that the roster lets go is heard no more`() async throws {
        try await withSite(3) { site in
            var roster = Roster(site: "rural", version: RosterVersion(epoch: 1, number: 2))
            let seal = try #require(NodeSeal(seed: [UInt8](repeating: 2, count: 32)))
            roster.members = [
                Roster.Member(
                    node: "rural-2", key: seal.publicKey,
                    address: site.tap.port.place.description)
            ]
            await site.nodes[0].adopt(roster)
            #expect(await site.nodes[0].view().peers.map(\.node) == ["rural-2"])
            // One of before says nothing any more.
            roster.version = RosterVersion(epoch: 1, number: 1)
            roster.members = []
            await site.nodes[0].adopt(roster)
            #expect(await site.nodes[0].view().peers.map(\.node) == ["rural-2"])
        }
    }
}
