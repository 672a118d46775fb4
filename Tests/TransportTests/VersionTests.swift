import Model
import Testing
import Transport

@Suite(.timeLimit(.minutes(1))) struct VersionTests {
    private let greeting = #"""
        {"hello":{"_0":{"node":"n1","site":"harbour","agentVersion":"9","capacity":{"cpu":"2",
        "memory":"1Gi"},"appliedRevision":0,"epoch":0,"later":{"a":[1]}}}}
        """#

    /// What the hub saw of these frames, sent behind a hello.
    private func seen(of frames: [[UInt8]]) async throws -> [Seen] {
        let kept = AsyncStream.makeStream(of: [Seen].self)
        let greeting = nodeFrame(kind: "NodeMessage.hello", json: greeting)
        try await withHarbour { harbour in
            let identity = try harbour.identity("n1")
            try await RawPeer(
                port: harbour.ports.control,
                identity: (identity.certificateChain, identity.privateKey)
            ).session([greeting] + frames)
            harbour.stop()
            var all: [Seen] = []
            for await event in harbour.hub.seen {
                all.append(event)
                if case .closed = event { break }
            }
            kept.continuation.yield(all)
        }
        return await first(of: kept.stream) ?? []
    }

    @Test func `a newer node's unknown records are counted and skipped`() async throws {
        let seen = try await seen(of: [
            nodeFrame(kind: "NodeMessage.dream", json: "{}"),
            nodeFrame(kind: "NodeMessage.applied", version: 2, json: "{}"),
            nodeFrame(kind: "NodeMessage.applied", json: #"{"applied":{"revision":4}}"#),
        ])
        #expect(seen.contains(.noticed(.unknownRecord(kind: "NodeMessage.dream", count: 1))))
        #expect(seen.contains(.noticed(.unknownRecord(kind: "NodeMessage.applied", count: 2))))
        #expect(seen.contains(.received(.applied(revision: 4))))
        #expect(seen.contains(.received(hello("n1"))) == false)
        #expect(seen.count == 6)
    }

    @Test func `damaged records are reported and the session goes on`() async throws {
        let nested = String(repeating: "[", count: 100_000)
        let seen = try await seen(of: [
            nodeFrame(kind: "NodeMessage.applied", json: "{"),
            nodeFrame(kind: "NodeMessage.applied", json: #"{"applied":{"revision":-1}}"#),
            nodeFrame(kind: "NodeMessage.applied", json: #"{"heartbeat":{}}"#),
            nodeFrame(kind: "NodeMessage.applied", json: nested),
            nodeFrame(kind: "NodeMessage.applied", json: #"{"applied":{"revision":5}}"#),
        ])
        let damaged = seen.filter {
            if case .noticed(.damagedRecord) = $0 { true } else { false }
        }
        #expect(damaged.count == 4)
        #expect(seen.contains(.received(.applied(revision: 5))))
    }

    @Test func `bytes that are no message end the session and not the hub`() async throws {
        try await withHarbour { harbour in
            let identity = try harbour.identity("n1")
            let peer = RawPeer(
                port: harbour.ports.control,
                identity: (identity.certificateChain, identity.privateKey))
            await #expect(throws: (any Error).self) {
                try await peer.session([[0xff, 0xff, 0xff, 0xff]])
            }
            try await withAgent("n1", in: harbour) { _, _ in }
        }
    }
}
