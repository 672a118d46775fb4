import Model
import Synchronization
import Testing
import Transport

/// Streams that outlive the session on which they began.
@Suite(.timeLimit(.minutes(1))) struct HandoverTests {
    private static let request = StreamRequest(
        container: ContainerID(instance: InstanceID(workload: "w", ordinal: 0), name: "c"),
        purpose: .exec(ExecOptions(command: ["cat"], hasInput: true)))

    @Test func `a stream goes over from session to session, and nothing is lost or doubled`()
        async throws
    {
        try await withHarbour { harbour in
            let streams = AgentStreams()
            let reader = Reader()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await streams.run(HandoverTests.echo) }
                var current = try await begin(in: harbour, streams, &group)
                group.addTask {
                    try await harbour.server.run(
                        HandoverTests.request, on: "n1", input: reader.input
                    ) { reader.take($0) }
                    reader.finish()
                }
                // Talk goes on in both directions while the sessions change.
                for _ in 0..<4 {
                    await reader.hasEchoed(more: 40)
                    let next = try await begin(in: harbour, streams, &group)
                    current.agent.say.finish()
                    // It ends only when its connection carries nothing any more.
                    #expect(await current.end.next() == .some(nil))
                    current = next
                }
                await reader.hasEchoed(more: 40)
                reader.stop()
                await reader.hasEnded()
                current.agent.say.finish()
                group.cancelAll()
            }
            #expect(reader.echoed == Array(0..<reader.said))
            #expect(reader.exit == 7)
        }
    }

    @Test func `a stream that nobody takes over ends with its session`() async throws {
        try await withHarbour { harbour in
            let streams = AgentStreams()
            let reader = Reader()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await streams.run(HandoverTests.echo) }
                var only = try await begin(in: harbour, streams, &group)
                group.addTask {
                    do throws(TransportError) {
                        try await harbour.server.run(
                            HandoverTests.request, on: "n1", input: reader.input
                        ) { reader.take($0) }
                        Issue.record("the stream ended as if it were complete")
                    } catch {
                        guard case .stream = error else {
                            Issue.record("ended with \(error)")
                            return reader.finish()
                        }
                    }
                    reader.finish()
                }
                await reader.hasEchoed(more: 1)
                only.agent.say.finish()
                #expect(await only.end.next() == .some(nil))
                await reader.hasEnded()
                group.cancelAll()
            }
        }
    }

    private static let echo: AgentStreams.Answer = { _, input, output in
        for await frame in input {
            switch frame {
            case .input(let bytes): try await output(.output(bytes))
            default: return try await output(.exit(7))
            }
        }
    }

    private struct Running {
        let agent: Agent
        var end: AsyncStream<TransportError?>.Iterator
    }

    /// One more session of the node, welcomed as a hub does it.
    private func begin(
        in harbour: Harbour, _ streams: AgentStreams,
        _ group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> Running {
        let client = try harbour.client(try harbour.identity("n1"))
        let agent = Agent()
        let end = AsyncStream.makeStream(of: TransportError?.self)
        group.addTask {
            let error = await agent.run(client, carrying: streams)
            if let error, !Task.isCancelled { Issue.record("a session ended with \(error)") }
            end.continuation.yield(error)
        }
        agent.say.yield(hello("n1"))
        let session = try await harbour.session(of: "n1")
        harbour.server.promote(session)
        harbour.server.send(
            .welcome(
                Welcome(
                    epoch: 1, acknowledged: 0, heartbeatEvery: Interval(.seconds(15)),
                    reconnectWindow: Interval(.seconds(1)))), to: session)
        return Running(agent: agent, end: end.stream.makeAsyncIterator())
    }
}

/// Says numbers as fast as they are echoed, a few ahead, and keeps what came back.
private final class Reader: Sendable {
    private struct State {
        var said = 0
        var echoed: [Int] = []
        var exit: Int?
        var isStopping = false
    }

    let input: AsyncStream<StreamFrame>
    private let source: AsyncStream<StreamFrame>.Continuation
    private let state = Mutex(State())
    private let echoes = AsyncStream.makeStream(of: Void.self)
    private let ended = AsyncStream.makeStream(of: Void.self)

    init() {
        (input, source) = AsyncStream.makeStream()
        for _ in 0..<8 { say() }
    }

    var said: Int { state.withLock { $0.said } }
    var echoed: [Int] { state.withLock { $0.echoed } }
    var exit: Int? { state.withLock { $0.exit } }

    private func say() {
        state.withLock { state in
            guard !state.isStopping else { return }
            source.yield(.input(Array("\(state.said)".utf8)))
            state.said += 1
        }
    }

    func take(_ frame: StreamFrame) {
        switch frame {
        case .output(let bytes):
            state.withLock { $0.echoed.append(Int(String(decoding: bytes, as: UTF8.self)) ?? -1) }
            echoes.continuation.yield()
            say()
        case .exit(let code): state.withLock { $0.exit = code }
        default: Issue.record("unexpected \(frame)")
        }
    }

    func hasEchoed(more count: Int) async {
        var iterator = echoes.stream.makeAsyncIterator()
        for _ in 0..<count { await iterator.next() }
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        source.yield(.endOfInput)
        source.finish()
    }

    func finish() { ended.continuation.finish() }
    func hasEnded() async { for await _ in ended.stream {} }
}
