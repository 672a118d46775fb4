import Foundation
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// One connection for one exchange: a Unix socket to a node, TCP with mutual TLS to a hub.
struct Line: Sendable {
    typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    let channel: Channel
    let witness: Witness
    /// Says who asks, where no certificate does.
    var token: String?

    /// One thread is enough for one person, and it is not started before the first request.
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// A wait that ends on its own. Edge links take seconds to wake, never minutes.
    struct Patience: Sendable {
        var connecting: Duration = .seconds(10)
        /// How long the other side may say nothing; nil for ever.
        var silence: Duration? = .seconds(10)

        /// Events come with a heartbeat every 15 s: three missed ones are silence.
        static let heartbeats = Patience(silence: .seconds(45))
        static let endless = Patience(silence: nil)
    }

    static func open(_ endpoint: Endpoint, _ patience: Patience = Patience()) async throws -> Line {
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(patience.connecting))
        switch endpoint {
        case .node(let socket):
            try check(socket)
            return try await bootstrap.connect(unixDomainSocketPath: socket) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Line.make(on: channel, tls: nil, patience)
                }
            }
        case .hub(let address):
            let credentials = try Credentials(address)
            let tls = credentials.clientHandler()
            var line =
                try await bootstrap
                .channelOption(ChannelOptions.socketOption(.tcp_nodelay), value: 1)
                .channelOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Line.make(on: channel, tls: tls, patience)
                    }
                }
            line.token = credentials.token
            return line
        }
    }

    /// What NIO takes as the path of a Unix socket, since every Unix has room for it.
    private static let socketPathBytesMax = 103

    private static func check(_ socket: String) throws(Failure) {
        let bytes = socket.utf8.count
        guard bytes > socketPathBytesMax else { return }
        throw Failure(
            .usage,
            "the path of the socket has \(bytes) bytes, and a Unix socket's has at most "
                + "\(socketPathBytesMax): \(socket); let the agent open a shorter one with --socket, "
                + "and name that one in SKERRY_SOCKET or in the context")
    }

    private static func make(
        on channel: any NIOCore.Channel, tls: Credentials.ClientTLS?, _ patience: Patience
    ) throws -> Line {
        let witness = Witness()
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(tls.make { witness.record($0) }) }
        if let silence = patience.silence {
            try pipeline.addHandler(IdleStateHandler(readTimeout: TimeAmount(silence)))
        }
        try pipeline.addHTTPClientHandlers()
        try pipeline.addHandler(WitnessPost(witness))
        return Line(channel: try Channel(wrappingChannelSynchronously: channel), witness: witness)
    }
}

/// What was seen on a connection first. Later errors are only its echoes: a write that fails
/// because the other side closed, where the reason is in the alert that it sent before.
final class Witness: Sendable {
    private let first = Mutex<(any Error)?>(nil)

    func record(_ error: any Error) { first.withLock { $0 = $0 ?? error } }
    var error: (any Error)? { first.withLock { $0 } }
}

/// The other side said nothing for too long.
struct Silence: Error {}

private final class WitnessPost: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    private let witness: Witness

    init(_ witness: Witness) { self.witness = witness }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        witness.record(error)
        context.fireErrorCaught(error)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? IdleStateHandler.IdleStateEvent, event == .read {
            witness.record(Silence())
            context.fireErrorCaught(Silence())
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }
}

extension TimeAmount {
    init(_ duration: Duration) { self = .nanoseconds(duration.nanoseconds) }
}
