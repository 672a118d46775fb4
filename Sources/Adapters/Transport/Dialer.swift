import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Model
import NIOCore
import NIOPosix
import NIOSSL
import SwiftASN1
import X509

/// Makes one connection to a hub and lends it out; it never tries twice.
///
/// It uses the transport that wraps a channel made here, not the one that dials by itself: that one
/// has its own attempts and pauses, which would fight the reconnect policy of the agent, allows TLS
/// 1.2, and hides why a handshake failed.
struct Dialer: Sendable {
    typealias Transport = HTTP2ClientTransport.WrappedChannel

    let endpoint: Endpoint
    let serverName: String
    /// What this side shows; nil shows nothing.
    let identity: TLSIdentity?
    let verifier: PeerVerifier
    let limits: Limits
    let now: @Sendable () -> WallTime

    /// One thread for the whole process: an agent has one link, and each further thread costs memory.
    private static let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// Runs `body` on a secure connection and closes it afterwards.
    func withConnection<Result: Sendable>(
        _ body: @Sendable (GRPCClient<Transport>) async throws -> Result
    ) async throws(TransportError) -> Result {
        let notebook = ConnectionNotebook()
        let transport = try await dial(noting: notebook)
        let client = GRPCClient(transport: transport)
        do {
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.runConnections() }
                defer { group.cancelAll() }
                return try await body(client)
            }
        } catch let error as TransportError {
            throw error
        } catch {
            throw explain(error, notebook.current)
        }
    }

    private func dial(
        noting notebook: ConnectionNotebook
    ) async throws(TransportError) -> Transport {
        let context: NIOSSLContext
        do {
            context = try NIOSSLContext(configuration: configuration())
        } catch {
            throw .identity(.certificate(reason: "\(error)"))
        }
        do {
            return try await withTaskCancellationHandler {
                try await Transport.wrapping(config: transportConfig) { configure in
                    try await connect(context, noting: notebook, configure: configure)
                }
            } onCancel: {
                notebook.current.channel?.close(promise: nil)
            }
        } catch {
            throw explain(error, notebook.current)
        }
    }

    private func connect(
        _ context: NIOSSLContext, noting notebook: ConnectionNotebook,
        configure: @escaping @Sendable (any Channel) -> EventLoopFuture<Transport.ConfiguredChannel>
    ) async throws -> Transport.ConfiguredChannel {
        let callback = verifier.callback { objection in
            notebook.update { $0.objection = objection }
        }
        // The name that TLS tells the hub may not be an address.
        let indication = addressBytes(serverName) == nil ? serverName : nil
        let (timeout, silence) = (limits.handshakeTimeout, limits.silence)
        typealias Secured = EventLoopFuture<Transport.ConfiguredChannel>
        let secured = try await ClientBootstrap(group: Self.eventLoops)
            .connectTimeout(TimeAmount(limits.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: endpoint.host, port: endpoint.port) {
                channel -> EventLoopFuture<Secured> in
                let secured = channel.eventLoop.makePromise(of: Transport.ConfiguredChannel.self)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        try NIOSSLClientHandler(
                            context: context, serverHostname: indication,
                            customVerificationCallback: callback),
                        HandshakeWatch(
                            secured, noting: notebook, timeout: timeout, setUp: configure),
                        SilenceGuard(limit: silence) {
                            notebook.update { notes in
                                notes.silence = "nothing was heard from it for \(silence)"
                            }
                        },
                    ])
                    return secured.futureResult
                }.flatMapErrorThrowing { error in
                    secured.fail(error)
                    throw error
                }
            }
        return try await secured.get()
    }

    private func configuration() throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.applicationProtocols = ["h2"]
        tls.certificateVerification = .fullVerification
        // The verifier holds the roots; the system's must not come in beside them.
        tls.trustRoots = .certificates([])
        if let identity {
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(
                Array(identity.certificateChain.utf8)
            ).map { .certificate($0) }
            tls.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(identity.privateKey.utf8), format: .pem))
        }
        return tls
    }

    private var transportConfig: Transport.Config {
        .defaults { config in
            config.http2.authority = serverName
            // Bounds what a hub can make this side hold beyond one message.
            config.http2.targetWindowSize = 256 << 10
            config.connection.maxIdleTime = nil
            // Later than the guard, which says why: the library only says that it is over.
            config.connection.keepalive = .init(
                time: limits.keepaliveEvery, timeout: limits.keepaliveTimeout + .seconds(1),
                allowWithoutCalls: true)
        }
    }
}

extension Dialer {
    /// Puts the reason into the terms of this link.
    private func explain(_ error: any Error, _ notes: ConnectionNotebook.Notes) -> TransportError {
        if error is CancellationError || Task.isCancelled { return .cancelled }
        if let objection = notes.objection { return .untrusted(.hub, reason: objection) }
        if !notes.isSecure { return explainUnsecured(error, notes) }
        if let silence = notes.silence { return .silent(reason: silence) }
        guard let error = error as? RPCError else { return .closed(reason: "\(error)") }
        switch error.code {
        case .permissionDenied, .unauthenticated: return .denied(reason: error.message)
        case .unimplemented, .invalidArgument: return .garbled(reason: error.message)
        case .aborted, .resourceExhausted, .notFound: return .closed(reason: error.message)
        default: break
        }
        if let alert = notes.failure, alert.contains("certificate") || alert.contains("ca") {
            return .untrusted(.node, reason: ownExpiry ?? "it answered '\(alert)'; enrol again")
        }
        if let ownExpiry { return .untrusted(.node, reason: ownExpiry) }
        return .closed(reason: notes.failure ?? "the connection broke (\(error.message))")
    }

    private func explainUnsecured(
        _ error: any Error, _ notes: ConnectionNotebook.Notes
    ) -> TransportError {
        let address = endpoint.description
        switch error {
        case ChannelError.connectTimeout:
            return .unreachable(address: address, reason: "no answer in time")
        case ChannelError.eof:
            return .unreachable(
                address: address, reason: "it closed the connection instead of a TLS handshake")
        case let error as NIOConnectionError:
            let causes = error.connectionErrors.map { describe($0.error) }
            let reason = causes.last ?? "the name \(error.host) is not known"
            return .unreachable(address: address, reason: reason)
        default:
            return .unreachable(
                address: address, reason: notes.failure ?? notes.silence ?? describe(error))
        }
    }

    /// Said where the hub hung up without a reason and this side can see one.
    private var ownExpiry: String? {
        guard let identity else { return nil }
        do {
            let leaf = try Certificate(pemEncoded: identity.certificateChain.firstCertificate)
            let end = WallTime(leaf.notValidAfter)
            let time = now()
            guard end < time else { return nil }
            return "it expired at \(end), and the clock here reads \(time); enrol again"
        } catch {
            return "it cannot be read (\(error))"
        }
    }
}

/// The system's words for an error of the socket.
func describe(_ error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
    case ChannelError.connectTimeout: "no answer in time"
    default: String("\(error)".prefix(256))
    }
}

extension String {
    /// The first of several certificates in PEM.
    fileprivate var firstCertificate: String {
        get throws { try PEMDocument.parseMultiple(pemString: self).first?.pemString ?? self }
    }
}
