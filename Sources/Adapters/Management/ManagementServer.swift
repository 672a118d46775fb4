import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import Model
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The HTTP interface of a hub or of one node, on one listener.
package struct ManagementServer: Sendable {
    private let backend: any ManagementBackend
    private let listener: Listener
    private let limits: Limits
    private let surface: Surface

    /// What a listener answers.
    package enum Surface: Sendable {
        case management
        /// Questions of services about requests that they got, and nothing else.
        case services
        /// Who the one workload is that is shown the socket, and nothing else.
        case workload(IdentitySource)
    }

    package init(
        backend: any ManagementBackend, listener: Listener, limits: Limits = .production,
        surface: Surface = .management
    ) {
        self.backend = backend
        self.listener = listener
        self.limits = limits
        self.surface = surface
    }

    /// Serves until cancelled, and returns when every connection is closed.
    ///
    /// Throws `ListenerError` where it cannot listen. `onListening` is given the port in use, 0 for
    /// a Unix socket, before the first request is answered.
    package func run(
        onListening: @escaping @Sendable (_ port: Int) async -> Void
    ) async throws(ListenerError) {
        switch listener {
        case .tls(let tls): try await run(tls, onListening)
        case .unixSocket(let path, let mode): try await run(path, mode, onListening)
        }
    }

    private func run(
        _ tls: TLSListener, _ onListening: @escaping @Sendable (Int) async -> Void
    ) async throws(ListenerError) {
        let configuration = try tls.configuration()
        let child: TLSChannel<HTTP1Channel>
        do {
            child = try TLSChannel(
                http(identify: tls.identify),
                configuration: TLSChannelConfiguration(
                    tlsConfiguration: configuration,
                    customVerificationCallback: { tls.check($0, $1) }))
        } catch {
            throw .unusableIdentity("\(error)")
        }
        do {
            try await serve(child, at: .hostname(tls.host, port: tls.port)) { channel in
                await onListening(channel.localAddress?.port ?? 0)
            }
        } catch {
            throw bindError(error, address: "\(tls.host):\(tls.port)")
        }
    }

    private func run(
        _ path: String, _ mode: UInt32, _ onListening: @escaping @Sendable (Int) async -> Void
    ) async throws(ListenerError) {
        let socket = try UnixSocket(claiming: path, mode: mode)
        let published = Mutex<Result<UnixSocket.FileIdentity?, ListenerError>>(.success(nil))
        do {
            let address = BindAddress.unixDomainSocket(path: socket.stagingPath)
            try await serve(http(identify: nil), at: address) { channel in
                do throws(ListenerError) {
                    try socket.publish()
                    published.withLock { $0 = .success(socket.identity()) }
                    await onListening(0)
                } catch {
                    published.withLock { $0 = .failure(error) }
                    channel.close(promise: nil)
                }
            }
        } catch {
            socket.remove(nil)
            throw .socketUnusable(path, reason: "\(error)")
        }
        socket.remove(try published.withLock { $0 }.get())
    }

    private func serve(
        _ child: some ServerChildChannel, at address: BindAddress,
        _ onListening: @escaping @Sendable (any Channel) async -> Void
    ) async throws {
        var logger = Logger(label: "skerry.management")
        // What matters is told by return and by `ListenerError`; the library's remarks are noise.
        logger.logLevel = .critical
        let server = Server(
            childChannelSetup: child,
            configuration: ServerConfiguration(
                address: address,
                availableConnectionsDelegate: .maximum(limits.connectionsMax, logger: logger)),
            onServerRunning: onListening,
            // One loop: an agent has little memory, and each of these threads has its own pools.
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
        try await server.run()
    }

    private func http(identify: TLSListener.Identify?) -> HTTP1Channel {
        let routes =
            switch surface {
            case .management: Interface.routes
            case .services: Interface.services
            case .workload(let source): Interface.workload(source)
            }
        let interface = Interface(
            backend: backend, limits: limits, identify: identify, routes: routes)
        let idle = limits.idle
        return HTTP1Channel(
            responder: { request, writer, channel in
                let response = try await interface.respond(to: request, on: channel)
                try await writer.write(response: response.head, body: response.body)
            },
            configuration: .init(
                additionalChannelHandlers: [IdleGuard(limit: idle)],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headerBytesMax,
                    maxHeaderListSize: limits.headerBytesMax, maxHeaderFieldCount: 100)))
    }
}

private func bindError(_ error: any Error, address: String) -> ListenerError {
    switch error {
    case let error as IOError where error.errnoCode == EADDRINUSE: .addressTaken(address)
    case let error as IOError where error.errnoCode == EACCES: .addressNotPermitted(address)
    case let error as IOError:
        .addressUnusable(address, reason: String(cString: strerror(error.errnoCode)))
    default: .addressUnusable(address, reason: "\(error)")
    }
}
