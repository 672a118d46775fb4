package import Model
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization
import X509

/// A port in front of one port of a workload: TLS 1.3 with the workload's identity outside, its loopback
/// port inside, and in between a question whether whoever calls may.
///
/// A caller without a good certificate gets no further than the handshake. One that may not call is hung
/// up on before a byte reaches the workload. A connection ends with the certificate that opened it.
package final class FrontPort: Sendable {
    /// What is in front of what.
    package struct Place: Hashable, Sendable {
        package var host: String
        /// 0 takes any free port.
        package var port: Int
        /// On loopback.
        package var target: Int

        package init(host: String, port: Int, target: Int) {
            self.host = host
            self.port = port
            self.target = target
        }
    }

    /// The bounds of one port.
    package struct Limits: Sendable {
        package var connections = 256
        package var handshake = Duration.seconds(5)
        package var connect = Duration.seconds(5)
        /// How often it is asked again about a connection that stands.
        package var review = Duration.seconds(5)

        package init() {}
    }

    private typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private struct Call: Sendable {
        let channel: Bytes
        /// Who calls, once the handshake is done; nil for who shows no name of ours.
        let caller: EventLoopFuture<CallerIdentity?>
    }

    /// The port in use.
    package let port: Int
    private let place: Place
    private let limits: Limits
    private let admits: @Sendable (CallerIdentity) async -> Bool
    private let server: NIOAsyncChannel<Call, Never>
    private let broken = Mutex(0)

    /// Connections that ended before their time, of whatever side.
    package var brokenCount: Int { broken.withLock { $0 } }

    private init(
        _ place: Place, _ limits: Limits, _ server: NIOAsyncChannel<Call, Never>,
        admits: @escaping @Sendable (CallerIdentity) async -> Bool
    ) {
        self.place = place
        self.limits = limits
        self.server = server
        self.admits = admits
        port = server.channel.localAddress?.port ?? place.port
    }

    /// - Parameters:
    ///   - identity: what the workload shows of itself.
    ///   - verifier: expects a `caller`.
    ///   - admits: asked before the first byte, and again as long as the connection stands.
    package static func open(
        _ place: Place, identity: ShownIdentity, verifier: PeerVerifier,
        now: @escaping @Sendable () -> WallTime, limits: Limits = Limits(),
        admits: @escaping @Sendable (CallerIdentity) async -> Bool
    ) async throws(TransportError) -> FrontPort {
        let address = "\(place.host):\(place.port)"
        do {
            let context = try NIOSSLContext(configuration: .demanding(identity))
            let gate = ConnectionGate(limit: limits.connections)
            let connections = Connections(nodesMax: 0)
            let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: place.host, port: place.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try gate.admit(channel)
                        let shown = ShownChain()
                        let arrival = Arrival(channel.eventLoop, shown)
                        try channel.pipeline.syncOperations.addHandlers([
                            NIOSSLServerHandler(
                                context: context,
                                customVerificationCallback: verifier.callback(accepting: shown) {
                                    _ in
                                }),
                            PeerConnection(
                                timeout: limits.handshake, now: now, connections: connections,
                                shown: shown),
                            arrival,
                        ])
                        return Call(
                            channel: try Bytes(wrappingChannelSynchronously: channel),
                            caller: arrival.caller)
                    }
                }
            return FrontPort(place, limits, server, admits: admits)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw .portTaken(address: address)
        } catch {
            throw .cannotListen(address: address, reason: describe(error))
        }
    }

    /// Serves until it is closed or the task is cancelled.
    package func run() async {
        do {
            try await server.executeThenClose { calls in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await call in calls {
                        group.addTask { [self] in await carry(call) }
                    }
                    group.cancelAll()
                }
            }
        } catch {
            broken.withLock { $0 += 1 }
        }
    }

    /// Ends `run`, and all connections with it.
    package func close() { server.channel.close(promise: nil) }

    // MARK: - One connection

    /// What breaks ends this connection alone.
    private func carry(_ call: Call) async {
        do {
            try await call.channel.executeThenClose { inbound, outbound in
                guard let caller = try await call.caller.get(), await admits(caller) else { return }
                try await target().executeThenClose { answers, requests in
                    try await join(caller, inbound, outbound, answers, requests)
                }
            }
        } catch {
            broken.withLock { $0 += 1 }
        }
    }

    private func target() async throws -> Bytes {
        try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connectTimeout(TimeAmount(limits.connect))
            .connect(host: "127.0.0.1", port: place.target) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Bytes(wrappingChannelSynchronously: channel)
                }
            }
    }

    /// The first of the three to end ends the others: one side hung up, or the caller may no longer.
    private func join(
        _ caller: CallerIdentity,
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        _ answers: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ requests: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for try await piece in inbound { try await requests.write(piece) } }
            group.addTask { for try await piece in answers { try await outbound.write(piece) } }
            group.addTask { [self] in
                repeat {
                    try await Task.sleep(for: limits.review)
                } while await admits(caller)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

extension TLSConfiguration {
    /// Of a listener that demands a certificate; what makes it good is a verifier's to say.
    static func demanding(_ identity: ShownIdentity) throws -> TLSConfiguration {
        let (chain, key) = try identity.current.read()
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: key)
        tls.sslContextCallback = { _, promise in identity.serve(promise) }
        tls.minimumTLSVersion = .tlsv13
        tls.certificateVerification = .noHostnameVerification
        tls.trustRoots = .certificates([])
        return tls
    }
}

/// Says who calls, once the handshake is done.
private final class Arrival: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var caller: EventLoopFuture<CallerIdentity?> { promise.futureResult }
    private let promise: EventLoopPromise<CallerIdentity?>
    private let shown: ShownChain

    init(_ loop: any EventLoop, _ shown: ShownChain) {
        promise = loop.makePromise()
        self.shown = shown
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            promise.completeWith(
                Result { try shown.chain.first?.onlyURI.flatMap(CallerIdentity.init(uri:)) })
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Nothing happens where it was answered before.
        promise.fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
