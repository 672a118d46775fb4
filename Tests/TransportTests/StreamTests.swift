import Model
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(1))) struct StreamTests {
    private static let request = StreamRequest(
        container: ContainerID(instance: InstanceID(workload: "w", ordinal: 0), name: "c"),
        purpose: .exec(ExecOptions(command: ["cat"], hasInput: true)))

    /// Gives back what it is given, as `cat` does.
    private static let echo: Agent.Answer = { request, input, output in
        for await frame in input {
            switch frame {
            case .input(let bytes): try await output(.output(bytes))
            case .endOfInput:
                try await output(.exit(7))
                return
            default: throw TransportError.stream(reason: "a cat gets no \(frame)")
            }
        }
    }

    @Test func `a mebibyte goes to a command and back in order`() async throws {
        try await withHarbour { harbour in
            try await withAgent("n1", in: harbour, answer: Self.echo) { _, _ in
                let chunks = (0..<32).map { chunk in
                    (0..<StreamFrame.payloadMax).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ chunk) }
                }
                let back = Mutex<[UInt8]>([])
                let exit = Mutex<Int?>(nil)
                try await harbour.server.run(
                    Self.request, on: "n1", input: frames(chunks.map { .input($0) })
                ) { frame in
                    switch frame {
                    case .output(let bytes): back.withLock { $0 += bytes }
                    case .exit(let code): exit.withLock { $0 = code }
                    default: Issue.record("unexpected \(frame)")
                    }
                }
                #expect(back.withLock { $0 } == Array(chunks.joined()))
                #expect(exit.withLock { $0 } == 7)
            }
        }
    }

    @Test func `the node gets the request as it was made`() async throws {
        let asked = Mutex<StreamRequest?>(nil)
        try await withHarbour { harbour in
            try await withAgent(
                "n1", in: harbour,
                answer: { request, _, output in
                    asked.withLock { $0 = request }
                    try await output(.errorOutput([1, 2]))
                    try await output(.exit(0))
                }
            ) { _, _ in
                let heard = Mutex<[StreamFrame]>([])
                try await harbour.server.run(Self.request, on: "n1", input: frames([])) { frame in
                    heard.withLock { $0.append(frame) }
                }
                #expect(heard.withLock { $0 } == [.errorOutput([1, 2]), .exit(0)])
            }
        }
        #expect(asked.withLock { $0 } == Self.request)
    }

    @Test func `hanging up at the hub cancels what runs on the node`() async throws {
        let cancelled = AsyncStream.makeStream(of: Void.self)
        try await withHarbour { harbour in
            try await withAgent(
                "n1", in: harbour,
                answer: { _, input, output in
                    try await output(.output([1]))
                    for await _ in input {}
                    #expect(Task.isCancelled)
                    cancelled.continuation.finish()
                }
            ) { _, _ in
                let started = AsyncStream.makeStream(of: Void.self)
                await withTaskGroup(of: TransportError?.self) { group in
                    group.addTask {
                        await failure {
                            try await harbour.server.run(
                                Self.request, on: "n1", input: AsyncStream { _ in }
                            ) { _ in started.continuation.finish() }
                        }
                    }
                    for await _ in started.stream {}
                    group.cancelAll()
                    #expect(await group.next() == .cancelled)
                }
                for await _ in cancelled.stream {}
            }
        }
    }

    @Test func `a node that gives up says why`() async throws {
        try await withHarbour { harbour in
            try await withAgent(
                "n1", in: harbour,
                answer: { _, _, _ in throw TransportError.stream(reason: "no such container") }
            ) { _, _ in
                let heard = Mutex<[StreamFrame]>([])
                try await harbour.server.run(Self.request, on: "n1", input: frames([])) { frame in
                    heard.withLock { $0.append(frame) }
                }
                let message = TransportError.stream(reason: "no such container").description
                #expect(heard.withLock { $0 } == [.failed(message)])
            }
        }
    }

    @Test func `a reader that fails stops the node's answer`() async throws {
        struct Full: Error {}
        let stopped = AsyncStream.makeStream(of: Void.self)
        try await withHarbour { harbour in
            try await withAgent(
                "n1", in: harbour,
                answer: { _, _, output in
                    defer { stopped.continuation.finish() }
                    let bytes = [UInt8](repeating: 0, count: StreamFrame.payloadMax)
                    while true { try await output(.output(bytes)) }
                }
            ) { _, _ in
                let error = await failure {
                    try await harbour.server.run(Self.request, on: "n1", input: frames([])) { _ in
                        throw Full()
                    }
                }
                guard case .stream? = error else {
                    Issue.record("ended with \(String(describing: error))")
                    return
                }
                for await _ in stopped.stream {}
            }
        }
    }

    @Test func `an answer that ends without a last frame is a broken stream`() async throws {
        try await withHarbour { harbour in
            try await withAgent("n1", in: harbour, answer: { _, _, _ in }) { _, _ in
                let error = await failure {
                    try await harbour.server.run(Self.request, on: "n1", input: frames([])) { _ in }
                }
                guard case .stream? = error else {
                    Issue.record("ended with \(String(describing: error))")
                    return
                }
            }
        }
    }

    @Test func `a link that ends takes its streams with it`() async throws {
        try await withHarbour { harbour in
            try await withAgent(
                "n1", in: harbour,
                answer: { _, input, output in
                    try await output(.output([1]))
                    for await _ in input {}
                }
            ) { agent, _ in
                let error = await failure {
                    try await harbour.server.run(
                        Self.request, on: "n1", input: AsyncStream { _ in }
                    ) { _ in agent.say.finish() }
                }
                guard case .stream? = error else {
                    Issue.record("ended with \(String(describing: error))")
                    return
                }
            }
        }
    }

    @Test func `a node that is not connected is said to be so`() async throws {
        try await withHarbour { harbour in
            #expect(
                await failure {
                    try await harbour.server.run(Self.request, on: "n9", input: frames([])) { _ in }
                } == .notConnected("n9"))
        }
    }

    @Test func `a session has a limited number of streams, and ended ones do not count`()
        async throws
    {
        try await withHarbour(limits: .tight) { harbour in
            try await withAgent("n1", in: harbour, limits: .tight, answer: Self.echo) { _, _ in
                for _ in 0..<5 {
                    try await harbour.server.run(Self.request, on: "n1", input: frames([])) { _ in }
                }
                await withTaskGroup(of: Void.self) { group in
                    let running = AsyncStream.makeStream(of: Void.self)
                    for _ in 0..<Limits.tight.streamsPerSession {
                        group.addTask {
                            let open = AsyncStream<StreamFrame> { $0.yield(.input([1])) }
                            let ended = await failure {
                                try await harbour.server.run(Self.request, on: "n1", input: open) {
                                    _ in running.continuation.yield()
                                }
                            }
                            #expect(ended == .cancelled)
                        }
                    }
                    var count = 0
                    for await _ in running.stream {
                        count += 1
                        if count == Limits.tight.streamsPerSession { break }
                    }
                    #expect(
                        await failure {
                            try await harbour.server.run(
                                Self.request, on: "n1", input: frames([])
                            ) { _ in }
                        } == .streamLimit("n1", limit: Limits.tight.streamsPerSession))
                    group.cancelAll()
                }
            }
        }
    }
}

private func frames(_ frames: [StreamFrame]) -> AsyncStream<StreamFrame> {
    AsyncStream { continuation in
        for frame in frames { continuation.yield(frame) }
        continuation.finish()
    }
}

/// How `body` failed; nil when it did not.
private func failure(_ body: () async throws -> Void) async -> TransportError? {
    do {
        try await body()
        return nil
    } catch {
        guard let error = error as? TransportError else {
            Issue.record("not an error of the link: \(error)")
            return nil
        }
        return error
    }
}
