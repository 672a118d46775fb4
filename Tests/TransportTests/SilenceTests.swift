import Model
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(1))) struct SilenceTests {
    @Test func `a link that goes silent ends on both sides`() async throws {
        // Not `.tight`: a busy machine is not to be taken for a cut link.
        try await withHarbour { harbour in
            let relay = try await Relay(to: harbour.ports.control)
            let client = try harbour.client(try harbour.identity("n1"), port: relay.port)
            let agent = Agent()
            async let ended = agent.run(client)
            agent.say.yield(hello("n1"))
            let session = try await harbour.session(of: "n1")

            relay.cut()

            guard case .silent? = await ended else {
                Issue.record("ended with \(String(describing: await ended))")
                return
            }
            #expect(await harbour.next(closed) == session)
            try await relay.close()
        }
    }

    @Test func `a listener that says nothing is given up`() async throws {
        try await withHarbour(limits: .tight) { harbour in
            let relay = try await Relay(to: harbour.ports.control)
            relay.cut()
            var limits = Limits.tight
            limits.handshakeTimeout = .milliseconds(200)
            let client = try harbour.client(
                try harbour.identity("n1"), port: relay.port, limits: limits)
            #expect(
                await Agent().run(client)
                    == .unreachable(address: "127.0.0.1:\(relay.port)", reason: "no answer in time")
            )
            try await relay.close()
        }
    }
}

/// Passes bytes on between a node and its hub until it is cut; then the sockets stay open and
/// nothing passes, as when a cable is pulled.
private final class Relay: Sendable {
    let port: Int
    private let listener: any Channel
    private let isCut: Cut

    final class Cut: Sendable {
        private let state = Mutex(false)
        var value: Bool { state.withLock { $0 } }
        func set() { state.withLock { $0 = true } }
    }

    init(to hub: Int) async throws {
        let isCut = Cut()
        self.isCut = isCut
        let group = MultiThreadedEventLoopGroup.singleton
        listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { near in
                ClientBootstrap(group: near.eventLoop)
                    .connect(host: "127.0.0.1", port: hub)
                    .flatMap { far in
                        near.eventLoop.makeCompletedFuture {
                            try near.pipeline.syncOperations.addHandler(
                                Passer(to: far, isCut: isCut))
                            try far.pipeline.syncOperations.addHandler(
                                Passer(to: near, isCut: isCut))
                        }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = try #require(listener.localAddress?.port)
    }

    func cut() { isCut.set() }

    func close() async throws { try await listener.close() }
}

private final class Passer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel
    private let isCut: Relay.Cut

    init(to other: any Channel, isCut: Relay.Cut) {
        self.other = other
        self.isCut = isCut
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isCut.value { other.writeAndFlush(unwrapInboundIn(data), promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isCut.value { other.close(promise: nil) }
    }
}
