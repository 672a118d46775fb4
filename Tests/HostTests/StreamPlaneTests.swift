import Foundation
import Host
import Model
import Synchronization
import Testing
import Transport

/// Nodes that talk by mutual TLS where others have sessions: the same guards.
@Suite(.timeLimit(.minutes(2))) struct StreamPlaneTests {
    private let issuing: IssuingAuthority
    private let roots: String

    init() throws {
        let now = StreamPlaneTests.now()
        let root = try RootAuthority(name: "test", validity: .seconds(864_000), now: now)
        issuing = try root.issueIssuing(name: "test", validity: .seconds(432_000), now: now)
        roots = try root.trustRoots
    }

    private static func now() -> WallTime {
        WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    private final class Door: Sendable {
        let isOpen = Mutex(true)
    }

    private func open(_ node: NodeID) async throws -> PeerPort {
        let key = NodeKey()
        let now = StreamPlaneTests.now()
        let own = try NodeAuthority(
            certificateChain: issuing.issueNodeAuthority(
                node, site: "rural", publicKey: key.publicKey, validity: .seconds(345_600),
                now: now),
            key: key, node: node, site: "rural")
        let leaf = try own.issueLeaf(note: IssuanceNote(mode: .local, boot: 1), now: now).identity
        let roots = roots
        return try await PeerPort.open(
            at: "127.0.0.1:0",
            PeerPort.Parties(
                node: node, site: "rural",
                identity: { (leaf, WallTime(milliseconds: .max)) },
                verifier: {
                    try PeerVerifier(
                        .node, trustRoots: roots,
                        clock: FleetClock(certain: { StreamPlaneTests.now() }))
                },
                isRevoked: { _ in false }, admits: { _ in true }, now: { StreamPlaneTests.now() }),
            remark: { _ in })
    }

    /// Runs two nodes of which the first knows the second.
    private func withPair(
        _ body: (_ planes: [StreamPlane], _ ports: [PeerPort], _ door: Door) async throws -> Void
    ) async throws {
        let ports = [try await open("n1"), try await open("n2")]
        let door = Door()
        let planes = [
            StreamPlane(port: ports[0], places: ["n2": ports[1].place], admits: { _ in true }),
            StreamPlane(
                port: ports[1], places: [:], admits: { _ in door.isOpen.withLock { $0 } }),
        ]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for plane in planes { group.addTask { await plane.run() } }
            try await body(planes, ports, door)
            for port in ports { await port.close() }
            try await group.waitForAll()
        }
    }

    /// Says it again and again until the other has refused something, or something more.
    private func knock(_ bytes: [UInt8], _ planes: [StreamPlane]) async throws {
        let before = await planes[1].losses.refused
        while await planes[1].losses.refused == before {
            await planes[0].send([bytes], to: "n2")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The first that the one hears, while the other says something again and again: a connection that is being
    /// ended takes a message with it.
    private func first(
        of listener: StreamPlane, while speaker: StreamPlane, says bytes: [UInt8], to name: NodeID
    ) async throws -> [UInt8]? {
        try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask {
                for await message in listener.messages { return message.bytes }
                return nil
            }
            group.addTask {
                while true {
                    await speaker.send([bytes], to: name)
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    @Test func `who is in no roster is not heard, though its certificate is good`() async throws {
        try await withPair { planes, ports, _ in
            try await knock([1], planes)
            await planes[1].send([[2]], to: "n1")
            #expect(await planes[1].losses.placeless == 1)
            await planes[1].meet("n1", at: ports[0].place)
            #expect(try await first(of: planes[0], while: planes[1], says: [3], to: "n1") == [3])
            #expect(try await first(of: planes[1], while: planes[0], says: [4], to: "n2") == [4])
            await planes[1].forget("n1")
            try await knock([5], planes)
        }
    }

    @Test func `who policy does not let in is not heard, and told nothing`() async throws {
        try await withPair { planes, ports, door in
            await planes[1].meet("n1", at: ports[0].place)
            door.isOpen.withLock { $0 = false }
            try await knock([1], planes)
            await planes[1].send([[2]], to: "n1")
            door.isOpen.withLock { $0 = true }
            #expect(try await first(of: planes[0], while: planes[1], says: [3], to: "n1") == [3])
            #expect(try await first(of: planes[1], while: planes[0], says: [4], to: "n2") == [4])
        }
    }
}
