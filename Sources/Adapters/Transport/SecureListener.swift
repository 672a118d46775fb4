import GRPCNIOTransportHTTP2Posix
import Model
import NIOCore
import NIOPosix
import NIOSSL

/// Accepts TLS 1.3 connections for gRPC, with a client certificate where a verifier asks for one.
struct SecureListener: HTTP2ServerTransport.ListenerFactory {
    let endpoint: Endpoint
    let identity: ShownIdentity
    /// Nil where the peer need not show who it is.
    let verifier: PeerVerifier?
    let gate: ConnectionGate
    let connections: Connections
    let limits: Limits
    let now: @Sendable () -> WallTime
    let eventLoopGroup: any EventLoopGroup

    func makeListeningChannel(
        listenerConfigurator: HTTP2ServerTransport.ListenerConfigurator,
        connectionConfigurator: HTTP2ServerTransport.ConnectionConfigurator
    ) async throws -> NIOAsyncChannel<
        HTTP2ServerTransport.ConnectionConfigurator.ConnectionChannel, Never
    > {
        let context: NIOSSLContext
        do {
            context = try NIOSSLContext(configuration: configuration())
        } catch {
            throw TransportError.identity(.certificate(reason: "\(error)"))
        }
        do {
            return try await ServerBootstrap(group: eventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelInitializer { listenerConfigurator.configure(channel: $0) }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: endpoint.host, port: endpoint.port) { channel in
                    channel.eventLoop.makeCompletedFuture { try secure(channel, context) }
                        .flatMap {
                            connectionConfigurator.configure(
                                channel: channel, tls: .configured(requireALPN: true))
                        }
                }
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw TransportError.portTaken(address: endpoint.description)
        } catch {
            throw TransportError.cannotListen(
                address: endpoint.description, reason: describe(error))
        }
    }

    private func secure(_ channel: any Channel, _ context: NIOSSLContext) throws {
        try gate.admit(channel)
        let shown = ShownChain()
        let handler =
            if let verifier {
                // Why it said no stays here: a stranger is told by an alert only.
                NIOSSLServerHandler(
                    context: context,
                    customVerificationCallback: verifier.callback(accepting: shown) { _ in })
            } else {
                NIOSSLServerHandler(context: context)
            }
        try channel.pipeline.syncOperations.addHandlers([
            handler,
            PeerConnection(
                timeout: limits.handshakeTimeout, now: now, connections: connections, shown: shown),
            // The delegate hears of the end; the reason is the link's.
            SilenceGuard(limit: limits.silence) {},
        ])
    }

    private func configuration() throws -> TLSConfiguration {
        let (chain, key) = try identity.current.read()
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: key)
        tls.sslContextCallback = { [identity] _, promise in identity.serve(promise) }
        tls.minimumTLSVersion = .tlsv13
        tls.applicationProtocols = ["h2"]
        if verifier != nil {
            // Demands a certificate; what makes it good is the verifier's to say.
            tls.certificateVerification = .noHostnameVerification
            tls.trustRoots = .certificates([])
        }
        return tls
    }
}
