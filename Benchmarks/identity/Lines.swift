import NIOCore
import NIOPosix
import NIOSSL

/// A server that answers each line with a line, on a free port of the loopback.
struct LineServer {
    typealias Answer = @Sendable (String) async throws -> String

    let channel: any Channel
    var port: Int { channel.localAddress?.port ?? 0 }

    /// - Parameters:
    ///   - tls: nil for plain TCP.
    ///   - check: what makes a client's certificate good; nil where none is asked for.
    static func start(
        on loops: MultiThreadedEventLoopGroup, tls: NIOSSLContext?, check: PeerCheck? = nil,
        answering answer: @escaping Answer
    ) async throws -> LineServer {
        let channel = try await ServerBootstrap(group: loops)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(
                            check.map {
                                NIOSSLServerHandler(context: tls, customVerificationCallback: $0)
                            } ?? NIOSSLServerHandler(context: tls))
                    }
                    try pipeline.addHandler(LineAnswers(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return LineServer(channel: channel)
    }
}

typealias PeerCheck =
    @Sendable ([NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResult>) -> Void

/// Answers the lines of one connection, one after the other.
private final class LineAnswers: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: LineServer.Answer
    private var text = ""

    init(_ answer: @escaping LineServer.Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        while let end = text.firstIndex(of: "\n") {
            let line = String(text[..<end])
            text = String(text[text.index(after: end)...])
            let channel = context.channel
            let promise = context.eventLoop.makePromise(of: String.self)
            promise.completeWithTask { [answer] in try await answer(line) }
            promise.futureResult.whenComplete { result in
                switch result {
                case .success(let reply):
                    channel.writeAndFlush(ByteBuffer(string: reply + "\n"), promise: nil)
                case .failure: channel.close(promise: nil)
                }
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// One connection of a client that asks a line and waits for one.
final class LineClient: Sendable {
    private let channel: any Channel
    private let replies: NIOLockedReplies

    private init(_ channel: any Channel, _ replies: NIOLockedReplies) {
        self.channel = channel
        self.replies = replies
    }

    static func connect(
        to port: Int, on loops: MultiThreadedEventLoopGroup, tls: NIOSSLContext?,
        check: PeerCheck? = nil
    ) async throws -> LineClient {
        let replies = NIOLockedReplies()
        let channel = try await ClientBootstrap(group: loops)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(
                            try check.map {
                                try NIOSSLClientHandler(
                                    context: tls, serverHostname: nil,
                                    customVerificationCallback: $0)
                            } ?? NIOSSLClientHandler(context: tls, serverHostname: nil))
                    }
                    try pipeline.addHandler(LineReplies(replies))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return LineClient(channel, replies)
    }

    func ask(_ line: String) async throws -> String {
        channel.writeAndFlush(ByteBuffer(string: line + "\n"), promise: nil)
        return try await replies.next()
    }

    func close() async throws { try await channel.close() }
}

/// What came back, in order.
final class NIOLockedReplies: Sendable {
    private let stream: AsyncThrowingStream<String, any Error>
    fileprivate let sink: AsyncThrowingStream<String, any Error>.Continuation

    init() { (stream, sink) = AsyncThrowingStream.makeStream() }

    func next() async throws -> String {
        for try await reply in stream { return reply }
        throw Failure("the connection ended before an answer")
    }
}

private final class LineReplies: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let replies: NIOLockedReplies
    private var text = ""

    init(_ replies: NIOLockedReplies) { self.replies = replies }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        while let end = text.firstIndex(of: "\n") {
            replies.sink.yield(String(text[..<end]))
            text = String(text[text.index(after: end)...])
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        replies.sink.finish(throwing: error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { replies.sink.finish() }
}
