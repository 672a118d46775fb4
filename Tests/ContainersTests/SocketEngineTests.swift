import Containers
import Foundation
import Model
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// What is particular to a container engine behind a socket.
@Suite struct SocketEngineTests {
    @Test func `an absent engine is one clear failure, also for a watcher`() async throws {
        let engine = SocketEngine(socketPath: "/nonexistent/engine.sock", node: "n")
        let failure = await #expect(throws: EngineFailure.self) { try await engine.list() }
        #expect(failure?.reason == .engineUnavailable)
        #expect(failure?.message.contains("/nonexistent/engine.sock") == true)

        let told = Told()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await engine.watch { await told.add($0) } }
            defer { group.cancelAll() }
            try await eventually("the outage is told") {
                guard case .unavailable(let failure)? = await told.events.first else {
                    return false
                }
                return failure.reason == .engineUnavailable
            }
        }
    }

    @Test func `the choice of engine is read from text`() {
        #expect(EngineChoice("auto") == .auto)
        #expect(EngineChoice("process") == .process)
        #expect(EngineChoice("/run/x.sock") == .engine(socketPath: "/run/x.sock"))
        #expect(EngineChoice("unix:///run/x.sock") == .engine(socketPath: "/run/x.sock"))
        #expect(EngineChoice("tcp://host:2375") == nil)
        #expect(EngineChoice("docker") == nil)
    }

    @Test(.enabled(if: EngineKind.available.contains(.socket), "needs a container engine"))
    func `an image that is not there is told apart, at start and at pull`() async throws {
        try await Bench.with(.socket) { bench, engine in
            var request = bench.request("exit 0")
            request.spec.image = "localhost/no-such-image:1"
            let absent = request
            let atStart = await #expect(throws: EngineFailure.self) {
                try await engine.start(absent)
            }
            #expect(atStart?.reason == .imageMissing)
            let atPull = await #expect(throws: EngineFailure.self) {
                try await engine.pull("localhost/no-such-image:1")
            }
            #expect(atPull?.reason == .imagePull)
            try await engine.pull(EngineKind.image)
        }
    }

    @Test(.enabled(if: EngineKind.available.contains(.socket), "needs a container engine"))
    func `a container without an image is refused with advice`() async throws {
        try await Bench.with(.socket) { bench, engine in
            var request = bench.request("exit 0")
            request.spec.image = nil
            let bare = request
            let failure = await #expect(throws: EngineFailure.self) {
                try await engine.start(bare)
            }
            #expect(failure?.reason == .refused)
            #expect(failure?.message.contains("names no image") == true)
        }
    }

    @Test(.enabled(if: EngineKind.available.contains(.socket), "needs a container engine"))
    func `a mounted file is seen in the container and stays read only`() async throws {
        try await Bench.with(.socket) { bench, engine in
            var request = bench.request("cat /seen/hostname && ! touch /seen/x && echo sealed")
            request.spec.mounts = [Mount(source: "/etc", target: "/seen", readOnly: true)]
            _ = try await engine.start(request)
            try await engine.printed("sealed", by: bench.id())
        }
    }

    @Test(.enabled(if: EngineKind.available.contains(.socket), "needs a container engine"))
    func `a watcher hears of an outage and of what ended during it`() async throws {
        try await Bench.with(.socket) { bench, direct in
            let path = "/tmp/skerry-relay-\(bench.node).sock"
            let relay = Relay(to: try #require(EngineKind.socketPath), at: path)
            try await relay.open()
            try await watching(SocketEngine(socketPath: path, node: bench.node)) { told in
                let started = try await direct.start(
                    bench.request("trap 'exit 8' TERM; echo ready; while :; do sleep 0.1; done"))
                try await direct.printed("ready", by: bench.id())
                try await relay.close()
                try await eventually("the outage is told") {
                    if case .unavailable? = await told.events.last { return true }
                    return false
                }
                #expect(
                    try await direct.exec(["kill", "-TERM", "1"], in: bench.id()).exit == 0)
                try await eventually("it ends") {
                    try await direct.state(of: bench.id()) == .exited(Exit(code: 8))
                }
                #expect(await told.exit(of: started.handle) == nil)

                try await relay.open()
                try await eventually("the exit is told") {
                    await told.exit(of: started.handle) == Exit(code: 8)
                }
                #expect(await told.events.filter { $0 == .available }.count == 2)
            }
            try await relay.close()
        }
    }
}

/// Stands between an engine and its clients, so that it can seem to be gone.
private actor Relay {
    private let target: String
    private let path: String
    private var server: (any Channel)?
    private let connections = Connections()

    init(to target: String, at path: String) {
        self.target = target
        self.path = path
    }

    func open() async throws {
        let (target, connections) = (target, connections)
        server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { near in
                ClientBootstrap(group: near.eventLoop)
                    .connect(unixDomainSocketPath: target)
                    .flatMapThrowing { far in
                        connections.keep(near)
                        try near.pipeline.syncOperations.addHandler(Forward(to: far))
                        try far.pipeline.syncOperations.addHandler(Forward(to: near))
                    }
            }
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
    }

    func close() async throws {
        try await server?.close()
        server = nil
        connections.closeAll()
        if FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
    }

    private final class Connections: Sendable {
        private let open = Mutex<[any Channel]>([])
        func keep(_ channel: any Channel) { open.withLock { $0.append(channel) } }
        func closeAll() {
            for channel in open.withLock({ $0 }) { channel.close(promise: nil) }
        }
    }

    private final class Forward: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel

        init(to other: any Channel) { self.other = other }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }
        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }
}
