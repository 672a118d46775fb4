import Model
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(1))) struct SessionTests {
    private let document = Document(
        key: .node("n1"), revision: 7,
        content: .node(Node(metadata: Metadata(name: "n1"), spec: NodeSpec(site: "harbour"))))

    @Test func `documents go down and entries go up unchanged`() async throws {
        let document = document
        try await withHarbour { harbour in
            try await withAgent("n1", in: harbour) { agent, session in
                let entries = NodeMessage.entries(
                    (1...100).map { sequence in
                        LogEntry(
                            sequence: sequence, at: WallTime(milliseconds: 5),
                            body: .event(
                                Event(
                                    at: WallTime(milliseconds: 5), node: "n1", reason: "Started",
                                    kind: .node, name: "n1", message: "ünïcode \u{0}\n")))
                    })
                agent.say.yield(entries)
                agent.say.yield(.heartbeat(nil))
                harbour.server.send(.documents([document], through: 7), to: session)
                harbour.server.send(.acknowledged(sequence: 100), to: session)

                var heard = agent.heard.makeAsyncIterator()
                #expect(await heard.next() == .documents([document], through: 7))
                #expect(await heard.next() == .acknowledged(sequence: 100))
                #expect(await harbour.next(received) == entries)
                #expect(await harbour.next(received) == .heartbeat(nil))
            }
        }
    }

    @Test func `a session that the node ends is closed once at the hub`() async throws {
        try await withHarbour { harbour in
            let agent = Agent()
            agent.say.yield(hello("n1"))
            agent.say.finish()
            let client = try harbour.client(try harbour.identity("n1"))
            #expect(await agent.run(client) == nil)
            let session = try await harbour.session(of: "n1")
            #expect(await harbour.next(closed) == session)
        }
    }

    @Test func `a hub with no room says when to come back, and reads nothing`() async throws {
        let refusal = Admission.refuse(retryAfter: .seconds(42), reason: "200 nodes are returning")
        try await withHarbour(admission: refusal) { harbour in
            let agent = Agent()
            agent.say.yield(hello("n1"))
            let client = try harbour.client(try harbour.identity("n1"))
            #expect(
                await agent.run(client)
                    == .refused(retryAfter: .seconds(42), reason: "200 nodes are returning"))
            harbour.stop()
            guard case .opened? = await harbour.next({ $0 }) else {
                Issue.record("the hub was not asked")
                return
            }
        }
    }

    @Test func `a retry in the middle of a session ends it`() async throws {
        try await withHarbour { harbour in
            let agent = Agent()
            let client = try harbour.client(try harbour.identity("n1"))
            async let ended = agent.run(client)
            agent.say.yield(hello("n1"))
            let session = try await harbour.session(of: "n1")
            harbour.server.send(.retry(after: .seconds(1), reason: "restarting"), to: session)
            #expect(await ended == .refused(retryAfter: .seconds(1), reason: "restarting"))
            #expect(await harbour.next(closed) == session)
        }
    }

    @Test func `a session that the hub closes ends after what was queued for it`() async throws {
        try await withHarbour { harbour in
            let agent = Agent()
            let client = try harbour.client(try harbour.identity("n1"))
            async let ended = agent.run(client)
            agent.say.yield(hello("n1"))
            let session = try await harbour.session(of: "n1")
            harbour.server.send(.acknowledged(sequence: 1), to: session)
            harbour.server.close(session)
            #expect(await ended == .closed(reason: "the hub ended the session"))
            #expect(await first(of: agent.heard) == .acknowledged(sequence: 1))
        }
    }

    @Test func `a newer session of a node replaces the older, whose end does not touch it`()
        async throws
    {
        try await withHarbour { harbour in
            let client = try harbour.client(try harbour.identity("n1"))
            let (old, new) = (Agent(), Agent())
            async let oldEnd = old.run(client)
            old.say.yield(hello("n1"))
            let first = try await harbour.session(of: "n1")
            harbour.server.promote(first)

            async let newEnd = new.run(client)
            new.say.yield(hello("n1"))
            let second = try #require(await harbour.next(openedOrHello))
            harbour.server.promote(second)
            guard case .closed(let reason)? = await oldEnd else {
                Issue.record("the older session went on")
                return
            }
            #expect(reason.contains("newer session"))
            #expect(second > first)

            harbour.server.close(first)
            harbour.server.send(.acknowledged(sequence: 3), to: second)
            var heard = new.heard.makeAsyncIterator()
            #expect(await heard.next() == .acknowledged(sequence: 3))
            new.say.finish()
            #expect(await newEnd == nil)
        }
    }

    @Test func `a hub that dies ends the session with an error`() async throws {
        try await withHarbour { harbour in
            let agent = Agent()
            let client = try harbour.client(try harbour.identity("n1"))
            async let ended = agent.run(client)
            agent.say.yield(hello("n1"))
            let session = try await harbour.session(of: "n1")
            harbour.stop()
            guard case .closed? = await ended else {
                Issue.record("ended with \(String(describing: await ended))")
                return
            }
            #expect(await harbour.next(closed) == session)
        }
    }

    @Test func `where no hub listens the session is unreachable`() async throws {
        try await withHarbour { harbour in
            let agent = Agent()
            let client = try harbour.client(try harbour.identity("n1"), port: 1)
            guard case .unreachable(let address, let reason)? = await agent.run(client) else {
                Issue.record("it was reached")
                return
            }
            #expect(address == "127.0.0.1:1")
            #expect(reason == "connection refused")
        }
    }

    @Test func `a cancelled session ends as cancelled and the hub sees it go`() async throws {
        try await withHarbour { harbour in
            let client = try harbour.client(try harbour.identity("n1"))
            let agent = Agent()
            let error = try await withThrowingTaskGroup(of: TransportError?.self) { group in
                group.addTask { await agent.run(client) }
                agent.say.yield(hello("n1"))
                _ = try await harbour.session(of: "n1")
                group.cancelAll()
                return try await group.next() ?? nil
            }
            #expect(error == .cancelled)
            #expect(await harbour.next(closed) != nil)
        }
    }

    @Test func `a message above the limit is not sent, and the session goes on`() async throws {
        try await withHarbour(limits: .tight) { harbour in
            let notices = AsyncStream.makeStream(of: LinkNotice.self)
            let client = try harbour.client(
                try harbour.identity("n1"), limits: .tight,
                notice: { notices.continuation.yield($0) })
            let agent = Agent()
            async let ended = agent.run(client)
            agent.say.yield(hello("n1"))
            let session = try await harbour.session(of: "n1")
            agent.say.yield(large(bytes: 70_000))
            agent.say.yield(.applied(revision: 1))

            #expect(await harbour.next(received) == .applied(revision: 1))
            guard
                case .unsendableRecord("NodeMessage.entries", _)? = await first(of: notices.stream)
            else {
                Issue.record("nothing was noticed")
                return
            }
            let document = Document(
                key: DocumentKey(kind: "Node", name: String(repeating: "x", count: 70_000)),
                revision: 1, content: .deleted)
            let notice = harbour.server.send(.documents([document], through: 1), to: session)
            guard case .unsendableRecord("HubMessage.documents", _)? = notice else {
                Issue.record("the hub sent it")
                return
            }
            agent.say.finish()
            #expect(await ended == nil)
        }
    }

    @Test func `a node that sends a message above the hub's limit loses its session`() async throws
    {
        try await withHarbour(limits: .tight) { harbour in
            let client = try harbour.client(try harbour.identity("n1"), limits: .production)
            let agent = Agent()
            async let ended = agent.run(client)
            agent.say.yield(hello("n1"))
            let session = try await harbour.session(of: "n1")
            agent.say.yield(large(bytes: 200_000))
            #expect(await ended != nil)
            #expect(await harbour.next(closed) == session)
        }
    }

    @Test func `a node that does not keep up loses its session`() async throws {
        try await withHarbour(limits: .tight) { harbour in
            let client = try harbour.client(try harbour.identity("n1"), limits: .tight)
            let outgoing = AsyncStream.makeStream(of: NodeMessage.self)
            let hold = AsyncStream.makeStream(of: Void.self)
            async let ended: TransportError? = session(client, outgoing.stream) { _ in
                for await _ in hold.stream {}
            }
            outgoing.continuation.yield(hello("n1"))
            let id = try await harbour.session(of: "n1")
            let document = Document(
                key: DocumentKey(kind: "Node", name: String(repeating: "x", count: 50_000)),
                revision: 1, content: .deleted)
            for _ in 0..<200 {
                harbour.server.send(.documents([document], through: 1), to: id)
            }
            #expect(await harbour.next(closed) == id)
            hold.continuation.finish()
            guard case .closed? = await ended else {
                Issue.record("ended with \(String(describing: await ended))")
                return
            }
        }
    }

    @Test func `fifty nodes at once each get their own messages`() async throws {
        try await withHarbour { harbour in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let names = (0..<50).map { NodeID("n\($0)") }
                for name in names {
                    let client = try harbour.client(try harbour.identity(name))
                    group.addTask {
                        let agent = Agent()
                        async let ended = agent.run(client)
                        agent.say.yield(hello(name))
                        for await message in agent.heard {
                            guard case .acknowledged(let sequence) = message else { continue }
                            agent.say.yield(.applied(revision: sequence))
                            agent.say.finish()
                        }
                        #expect(await ended == nil)
                    }
                }
                var sessions: [SessionID: NodeID] = [:]
                var applied: Set<UInt64> = []
                var ended = 0
                for await event in harbour.hub.seen {
                    switch event {
                    case .opened(let id, let node, _):
                        sessions[id] = node
                        harbour.server.send(.acknowledged(sequence: id.rawValue), to: id)
                    case .received(.applied(let revision, _)): applied.insert(revision)
                    case .closed: ended += 1
                    default: break
                    }
                    if ended == 50 { break }
                }
                #expect(Set(sessions.values) == Set(names))
                #expect(applied == Set(sessions.keys.map(\.rawValue)))
                try await group.waitForAll()
            }
        }
    }

    @Test func `a taken port is named`() async throws {
        try await withHarbour { harbour in
            let second = try ControlServer(
                .init(
                    control: "127.0.0.1:\(harbour.ports.control)",
                    identity: try harbour.authority.hub(),
                    anchors: try TrustAnchors(harbour.authority.trustRoots)),
                delegate: harbour.hub, now: clock)
            await #expect(
                throws: TransportError.portTaken(address: "127.0.0.1:\(harbour.ports.control)")
            ) { try await second.run { _ in } }
        }
    }
}

func received(_ event: Seen) -> NodeMessage? {
    guard case .received(let message) = event else { return nil }
    return message
}

func closed(_ event: Seen) -> SessionID? {
    guard case .closed(let session) = event else { return nil }
    return session
}

private func openedOrHello(_ event: Seen) -> SessionID? {
    guard case .opened(let session, _, _) = event else { return nil }
    return session
}

func first<Element>(of stream: AsyncStream<Element>) async -> Element? {
    for await element in stream { return element }
    return nil
}

private func large(bytes: Int) -> NodeMessage {
    .entries([
        LogEntry(
            sequence: 1, at: WallTime(milliseconds: 0),
            body: .event(
                Event(
                    at: WallTime(milliseconds: 0), node: nil, reason: "Large", kind: .node,
                    name: "n1", message: String(repeating: "x", count: bytes))))
    ])
}

private func session(
    _ client: ControlClient, _ outgoing: AsyncStream<NodeMessage>,
    _ incoming: @escaping @Sendable (HubMessage) async -> Void
) async -> TransportError? {
    do throws(TransportError) {
        try await client.session(outgoing: outgoing, incoming: incoming, streams: AgentStreams())
        return nil
    } catch {
        return error
    }
}
