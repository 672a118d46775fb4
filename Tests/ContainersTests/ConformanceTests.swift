import Containers
import FoundationEssentials
import Model
import NIOCore
import NIOPosix
import Testing

/// What every engine promises, checked against each of them.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ConformanceTests {
    @Test(
        .enabled(
            if: EngineKind.available.contains(.socket),
            "needs a container engine: eval \"$(bin/podman-test-host start)\""))
    func `a container engine is there to be tested`() async throws {
        let engine = try Bench(.socket).engine()
        let status = await engine.status()
        #expect(status.name == "engine")
        #expect(status.version != "unknown", "\(status.limitations)")
    }

    // MARK: - Life

    @Test(arguments: EngineKind.available)
    func `a started container is listed, and a stopped one is gone`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            let started = try await engine.start(bench.request("exec sleep 1000", generation: 7))
            #expect(started.state == .running)
            #expect(started.edition.generation == 7)
            #expect(try await engine.list() == [started])

            try await engine.stop(bench.id(), grace: .zero)
            #expect(try await engine.list().isEmpty)
        }
    }

    @Test(arguments: EngineKind.available)
    func `starting twice starts once`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            let request = bench.request("exec sleep 1000")
            async let first = engine.start(request)
            async let second = engine.start(request)
            let started = try await [first, second]
            let listed = try await engine.list()
            #expect(started == listed + listed)
        }
    }

    @Test(arguments: EngineKind.available)
    func `a new generation takes the place of the old one`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            let old = try await engine.start(bench.request("exec sleep 1000"))
            let new = try await engine.start(
                bench.request("trap 'exit 0' TERM; exec sleep 1000", generation: 2))
            #expect(new.handle != old.handle)
            #expect(try await engine.list() == [new])
        }
    }

    @Test(arguments: EngineKind.available)
    func `another make of the same generation takes the place of the old one`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            var request = bench.request("trap 'exit 0' TERM; exec sleep 1000")
            request.edition.digest = "a"
            let old = try await engine.start(request)
            #expect(old.edition == request.edition)
            #expect(try await engine.start(request) == old)
            request.edition.digest = "b"
            let new = try await engine.start(request)
            #expect(new.handle != old.handle)
            #expect(try await engine.list() == [new])
        }
    }

    @Test(arguments: EngineKind.available)
    func `an exited container makes room for a start of the same generation`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            let first = try await engine.start(bench.request("exit 0"))
            try await eventually("it ends") {
                try await engine.state(of: bench.id()) == .exited(Exit(code: 0))
            }
            let second = try await engine.start(bench.request("exec sleep 1000"))
            #expect(second.handle != first.handle)
            #expect(try await engine.list() == [second])
        }
    }

    @Test(arguments: EngineKind.available)
    func `a new agent adopts what the last one started`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, _ in
            let started = try await bench.engine().start(bench.request("exec sleep 1000"))

            let next = try bench.engine()
            #expect(try await next.list() == [started])
            #expect(try await next.start(bench.request("exec sleep 1000")) == started)
        }
    }

    @Test(arguments: EngineKind.available)
    func `engines of two nodes do not see each other's containers`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(bench.request("exec sleep 1000"))
            try await Bench.with(kind) { _, other in
                let seen = try await other.list()
                #expect(seen.isEmpty)
            }
            let own = try await engine.list()
            #expect(own.count == 1)
        }
    }

    @Test(arguments: EngineKind.available)
    func `stopping what is not there is no error`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            try await engine.stop(bench.id("nobody"), grace: .seconds(1))
        }
    }

    // MARK: - Ends

    @Test(arguments: EngineKind.available)
    func `the exit code is kept until the container is stopped`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(bench.request("exit 7"))
            try await eventually("it ends with 7") {
                try await engine.state(of: bench.id()) == .exited(Exit(code: 7))
            }
            #expect(try await bench.engine().state(of: bench.id()) == .exited(Exit(code: 7)))
        }
    }

    @Test(arguments: EngineKind.available)
    func `a watcher hears of an exit with its code`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            try await watching(engine) { told in
                let started = try await engine.start(bench.request("sleep 0.2; exit 3"))
                try await eventually("the exit is told") {
                    await told.exit(of: started.handle) == Exit(code: 3)
                }
            }
        }
    }

    @Test(arguments: EngineKind.available)
    func `a watcher hears of the exit of an adopted container`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, _ in
            let script = "while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 4"
            let started = try await bench.engine().start(
                bench.request(command: [
                    "sh", "-c", script.replacing("/tmp/end", with: "/tmp/end-\(bench.node)"),
                ]))
            let next = try bench.engine()
            try await watching(next) { told in
                #expect(await told.exit(of: started.handle) == nil)
                _ = try await next.exec(["touch", "/tmp/end-\(bench.node)"], in: bench.id())
                try await eventually("the exit is told") {
                    await told.exit(of: started.handle)?.code == 4
                }
            }
            if kind == .process {
                try FileManager.default.removeItem(atPath: "/tmp/end-\(bench.node)")
            }
        }
    }

    @Test(arguments: EngineKind.available)
    func `an exit before the watch began is told too`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            let started = try await engine.start(bench.request("exit 5"))
            try await eventually("it ends") {
                try await engine.state(of: bench.id()) == .exited(Exit(code: 5))
            }
            let next = try bench.engine()
            try await watching(next) { told in
                try await eventually("the exit is told") {
                    await told.exit(of: started.handle) == Exit(code: 5)
                }
            }
        }
    }

    @Test(arguments: EngineKind.available)
    func `stop asks first and leaves time to end in order`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            try await watching(engine) { told in
                let started = try await engine.start(
                    bench.request("trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"))
                try await engine.printed("ready", by: bench.id())
                try await engine.stop(bench.id(), grace: .seconds(30))
                try await eventually("its own code is told") {
                    await told.exit(of: started.handle) == Exit(code: 9)
                }
            }
        }
    }

    @Test(arguments: EngineKind.available)
    func `stop kills what does not end in time`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            try await watching(engine) { told in
                let started = try await engine.start(
                    bench.request("trap '' TERM; echo ready; while :; do sleep 0.1; done"))
                try await engine.printed("ready", by: bench.id())
                try await engine.stop(bench.id(), grace: .seconds(1))
                try await eventually("the kill is told") {
                    await told.exit(of: started.handle) == Exit(code: 137)
                }
            }
        }
    }

    @Test(arguments: EngineKind.available)
    func `want of memory is told apart from a kill`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            let limitations = await engine.status().limitations
            guard !limitations.contains(where: { $0.hasPrefix("memory") }) else {
                try #require(!EngineKind.isBuildMachine, "the build machine must limit memory")
                return
            }
            _ = try await engine.start(
                bench.request("exec tail /dev/zero", memory: ByteCount(32 * 1024 * 1024)))
            try await eventually("it ends") {
                try await engine.state(of: bench.id()) != .running
            }
            #expect(
                try await engine.state(of: bench.id())
                    == .exited(Exit(code: 137, outOfMemory: true)))
        }
    }

    // MARK: - Place

    @Test(arguments: EngineKind.available)
    func `a container gets its environment and its working directory`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(
                bench.request(
                    "echo \"$GREETING on $PORT in $(pwd)\"",
                    env: ["GREETING": "a = b 'c'", "PORT": "20001"], directory: "/tmp"))
            try await engine.printed("a = b 'c' on 20001 in /tmp", by: bench.id())
        }
    }

    @Test(arguments: EngineKind.available)
    func `the environment of the agent stays with the agent`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(bench.request("echo \"[$SKERRY_TEST_ENGINE$CI]\""))
            try await engine.printed("[]", by: bench.id())
        }
    }

    @Test(arguments: EngineKind.available)
    func `usage is known for what runs`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(bench.request("exec sleep 1000"))
            let usage = try #require(try await engine.usage()[bench.id()])
            #expect(usage.memory.bytes > 0)
            #expect(usage.memory.bytes < 64 * 1024 * 1024)

            _ = try await engine.start(
                bench.request("while :; do :; done", workload: "busy"))
            try await eventually("the busy one uses more") {
                let usage = try await engine.usage()
                guard let idle = usage[bench.id()], let busy = usage[bench.id("busy")] else {
                    return false
                }
                return busy.cpu.millicores > 100 && idle.cpu.millicores < 10
            }
        }
    }

    @Test(arguments: EngineKind.available)
    func `a missing command is told apart`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            let failure = await #expect(throws: EngineFailure.self) {
                try await engine.start(bench.request(command: ["no-such-command"]))
            }
            #expect(failure?.reason == .commandMissing)
            #expect(failure?.message.contains("no-such-command") == true)
            let left = try await engine.list()
            #expect(left.isEmpty)
        }
    }

    @Test(arguments: EngineKind.available)
    func `names that would leave their directory are refused`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            var request = bench.request("exit 0")
            request.id = ContainerID(instance: request.id.instance, name: "../evil")
            let hostile = request
            let failure = await #expect(throws: EngineFailure.self) {
                try await engine.start(hostile)
            }
            #expect(failure?.reason == .refused)
        }
    }

    // MARK: - Logs

    @Test(arguments: EngineKind.available)
    func `the log holds both outputs, and a tail of it holds the last lines`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(
                bench.request("echo one; echo two; echo three; echo four; exit 0"))
            _ = try await engine.start(bench.request("echo loud >&2; exit 0", workload: "loud"))
            for id in [bench.id(), bench.id("loud")] {
                try await eventually("it ends") {
                    try await engine.state(of: id) == .exited(Exit(code: 0))
                }
            }
            let all = try await engine.logs(of: bench.id())
            #expect(await all.lines == ["one", "two", "three", "four"])
            #expect(await all.exit == 0)
            #expect(try await engine.logs(of: bench.id(), tail: 2).lines == ["three", "four"])
            #expect(try await engine.logs(of: bench.id(), tail: 9).lines.count == 4)
            let loud = try await engine.logs(of: bench.id("loud"))
            #expect(await loud.output + loud.errorOutput == "loud\n")
        }
    }

    @Test(arguments: EngineKind.available)
    func `a followed log grows with the container and ends with it`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(
                bench.request(
                    """
                    echo first; trap 'echo last; exit 0' TERM
                    while :; do sleep 0.1; done
                    """))
            try await engine.printed("first", by: bench.id())
            let transcript = Transcript()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await engine.run(
                        StreamRequest(
                            container: bench.id(), purpose: .logs(LogOptions(follow: true))),
                        input: AsyncStream { $0.finish() }
                    ) { await transcript.add($0) }
                }
                try await eventually("the first line comes") {
                    await transcript.lines == ["first"]
                }
                try await engine.terminate(bench.id(), kind)
                try await group.waitForAll()
            }
            #expect(await transcript.lines == ["first", "last"])
            #expect(await transcript.exit == 0)
        }
    }

    // MARK: - Commands

    @Test(arguments: EngineKind.available)
    func `a command tells its outputs apart and ends with its code`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(
                bench.request("exec sleep 1000", env: ["COLOUR": "grey"], directory: "/tmp"))
            let result = try await engine.exec(
                ["sh", "-c", "echo $COLOUR; pwd; echo loud >&2; exit 42"], in: bench.id())
            #expect(await result.lines == ["grey", "/tmp"])
            #expect(await result.errorOutput == "loud\n")
            #expect(await result.exit == 42)
        }
    }

    @Test(arguments: EngineKind.available)
    func `a command reads what it is sent until the end of input`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(bench.request("exec sleep 1000"))
            let block = [UInt8](repeating: 120, count: StreamFrame.payloadMax)
            let frames = [StreamFrame](repeating: .input(block), count: 20) + [.endOfInput]
            let result = try await engine.exec(["wc", "-c"], in: bench.id(), input: frames)
            #expect(
                await result.output.filter(\.isNumber) == "\(20 * StreamFrame.payloadMax)")
            #expect(await result.exit == 0)
        }
    }

    @Test(arguments: EngineKind.available)
    func `a terminal has the size of the person's, also after it changes`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(bench.request("exec sleep 1000"))
            let size = TerminalSize(columns: 101, rows: 31)
            // An engine passes a size on in its own time, so each command waits for its own.
            let first = try await engine.exec(
                ["sh", "-c", "until stty size | grep '31 101'; do sleep 0.1; done; exit 5"],
                in: bench.id(), terminal: size)
            #expect(await first.exit == 5)
            let second = try await engine.exec(
                ["sh", "-c", "read x; until stty size | grep '22 77'; do sleep 0.1; done; exit 6"],
                in: bench.id(), terminal: size,
                input: [.resize(TerminalSize(columns: 77, rows: 22)), .input(Array("\n".utf8))])
            #expect(await second.exit == 6)
        }
    }

    @Test(arguments: EngineKind.available)
    func `a command in a container that does not exist is refused`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            let failure = await #expect(throws: EngineFailure.self) {
                try await engine.exec(["true"], in: bench.id("nobody"))
            }
            #expect(failure?.reason == .containerMissing)
        }
    }

    // MARK: - Probes

    @Test(arguments: EngineKind.available)
    func `an http probe passes on 200 and 302 and fails on 503 and silence`(
        kind: EngineKind
    ) async throws {
        try await Bench.with(kind) { bench, engine in
            for (status, passes) in [(200, true), (302, true), (503, false)] {
                let server = try await StatusServer(status)
                let outcome = await engine.probe(
                    bench.id(), .http(port: server.port, path: "/healthz?a=b"),
                    timeout: .seconds(10))
                #expect((outcome == .passed) == passes, "\(status): \(outcome)")
                try await server.close()
            }
            let silent = try await StatusServer(nil)
            let outcome = await engine.probe(
                bench.id(), .http(port: silent.port, path: "/"), timeout: .milliseconds(200))
            #expect(outcome != .passed)
            try await silent.close()
        }
    }

    @Test(arguments: EngineKind.available)
    func `a tcp probe passes while somebody listens`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            let server = try await StatusServer(nil)
            let target = ProbeTarget.tcp(port: server.port)
            #expect(await engine.probe(bench.id(), target, timeout: .seconds(10)) == .passed)
            try await server.close()
            // A port that this test keeps without listening: one that was let go may be another's.
            let deaf = try #require(DeafPort())
            let silence = ProbeTarget.tcp(port: deaf.number)
            #expect(await engine.probe(bench.id(), silence, timeout: .seconds(10)) != .passed)
        }
    }

    @Test(arguments: EngineKind.available)
    func `an exec probe passes on code 0 only, and in time only`(kind: EngineKind) async throws {
        try await Bench.with(kind) { bench, engine in
            _ = try await engine.start(bench.request("exec sleep 1000"))
            func probe(_ script: String, within limit: Duration) async -> ProbeOutcome {
                await engine.probe(bench.id(), .exec(["sh", "-c", script]), timeout: limit)
            }
            #expect(await probe("exit 0", within: .seconds(30)) == .passed)
            #expect(
                await probe("echo broken; exit 3", within: .seconds(30))
                    == .failed("'sh -c echo broken; exit 3' ended with 3: broken\n"))
            #expect(await probe("sleep 1000", within: .seconds(1)) != .passed)
        }
    }
}

extension Engine {
    /// Asks the main process of a container to end. In a container it has a number of its own.
    fileprivate func terminate(_ id: ContainerID, _ kind: EngineKind) async throws {
        let handle = try #require(try await list().first { $0.id == id }?.handle)
        let pid = kind == .socket ? "1" : handle.prefix { $0 != "@" }
        #expect(try await exec(["kill", "-TERM", String(pid)], in: id).exit == 0)
    }
}

/// Answers every request with one status, or never.
private struct StatusServer {
    private let channel: any Channel
    var port: Int { channel.localAddress!.port! }  // Bound to an address, so it has a port.

    init(_ status: Int?) async throws {
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(Answer(status: status))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func close() async throws { try await channel.close() }

    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let status: Int?

        init(status: Int?) { self.status = status }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let status else { return }
            let text = "HTTP/1.1 \(status) Whatever\r\nContent-Length: 0\r\n\r\n"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }
    }
}
