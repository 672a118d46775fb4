import Foundation
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A server that follows the management contract as far as a test scripts it. A request that is
/// not in the script is answered with 500, so that no wrong one passes.
final class TestServer: Sendable {
    struct Asked: Hashable, Sendable {
        var method: String
        var path: String
        var body: String
    }

    struct Reply: Sendable {
        var status = 200
        var body: [UInt8] = []
        var type = "application/json"
        /// Whether the answer stays open behind its body, as a watch does.
        var staysOpen = false

        static func json(_ value: some Encodable, status: Int = 200) -> Reply {
            do {
                return Reply(status: status, body: Array(try JSONEncoder().encode(value)))
            } catch {
                preconditionFailure("the test answers with what cannot be coded: \(error)")
            }
        }

        static func events(
            _ messages: [(String, any Encodable & Sendable)], staysOpen: Bool = false
        ) -> Reply {
            var text = ": heartbeat\n\n"
            for (event, value) in messages {
                text +=
                    "event: \(event)\ndata: \(String(decoding: json(value).body, as: UTF8.self))\n\n"
            }
            return Reply(body: Array(text.utf8), type: "text/event-stream", staysOpen: staysOpen)
        }

        static func text(_ bytes: [UInt8]) -> Reply { Reply(body: bytes, type: "text/plain") }
    }

    typealias Script = @Sendable (Asked) -> Reply?

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let log = Mutex<[Asked]>([])
    private let script: Script

    init(_ script: @escaping Script) { self.script = script }

    /// Runs `body` while the server listens on a Unix socket.
    static func serve<Result>(
        on socket: String, _ script: @escaping Script,
        _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let server = TestServer(script)
        let channel = try await server.bootstrap(tls: nil).bind(unixDomainSocketPath: socket).get()
        return try await server.run(channel, body)
    }

    /// Runs `body` while the server listens on loopback with TLS; it is given the port.
    static func serve<Result>(
        tls: TLSConfiguration, at host: String = "127.0.0.1", _ script: @escaping Script,
        _ body: (Int) async throws -> Result
    ) async throws -> Result {
        let server = TestServer(script)
        let context = try NIOSSLContext(configuration: tls)
        let channel = try await server.bootstrap(tls: context).bind(host: host, port: 0).get()
        return try await server.run(channel) { _ in
            try await body(channel.localAddress?.port ?? 0)
        }
    }

    private func run<Result>(
        _ channel: any Channel, _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        do {
            let result = try await body(self)
            try await stop(channel)
            return result
        } catch {
            try await stop(channel)
            throw error
        }
    }

    private func stop(_ channel: any Channel) async throws {
        try await channel.close()
        try await group.shutdownGracefully()
    }

    var asked: [Asked] { log.withLock { $0 } }

    private func bootstrap(tls: NIOSSLContext?) -> ServerBootstrap {
        ServerBootstrap(group: group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLServerHandler(context: tls))
                }
                try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                try channel.pipeline.syncOperations.addHandler(TestExchange(self))
            }
        }
    }

    fileprivate func reply(to asked: Asked) -> Reply {
        // One page holds whatever most tests have; those about pages see what was asked.
        var asked = asked
        if !asked.path.contains("continue="), !asked.path.hasPrefix("/api/v1/events") {
            for mark in ["&limit=500", "?limit=500"] where asked.path.hasSuffix(mark) {
                asked.path.removeLast(mark.count)
            }
        }
        log.withLock { $0.append(asked) }
        return script(asked)
            ?? .json(
                Refusal(.unavailable, "not in the script: \(asked.method) \(asked.path)"),
                status: 500)
    }
}

/// Answers the requests of one connection. A stream echoes its input until the end of input, and
/// then ends with the number of bytes it was given.
private final class TestExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: TestServer
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var frames = StreamFrameDecoder()
    private var inputBytes = 0

    init(_ server: TestServer) { self.server = server }

    private var isStream: Bool { head?.uri.hasPrefix("/api/v1/stream") == true }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            if isStream { open(context) }
        case .body(let buffer):
            if isStream { talk(Array(buffer.readableBytesView), context) }
            body += Array(buffer.readableBytesView)
        case .end:
            if !isStream { answer(context) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func asked(_ head: HTTPRequestHead, _ body: [UInt8]) -> TestServer.Asked {
        TestServer.Asked(
            method: head.method.rawValue, path: head.uri,
            body: String(decoding: body, as: UTF8.self))
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard let head else { return }
        let reply = server.reply(to: asked(head, body))
        send(reply, context)
    }

    private func send(_ reply: TestServer.Reply, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders([("Content-Type", reply.type)])
        if !reply.staysOpen { headers.add(name: "Content-Length", value: "\(reply.body.count)") }
        let status = HTTPResponseStatus(statusCode: reply.status)
        context.write(
            wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))),
            promise: nil)
        write(reply.body, context)
        guard !reply.staysOpen else { return }
        let isLast = head?.headers["Connection"].contains("close") == true
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            if isLast { channel.close(promise: nil) }
        }
    }

    private func write(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.writeAndFlush(
            wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    }

    private func open(_ context: ChannelHandlerContext) {
        guard let head, let text = head.headers.first(name: "X-Skerry-Stream"),
            let request = TestExchange.request(text)
        else { return send(.json(Refusal(.invalid, "no stream header"), status: 400), context) }
        let asked = TestServer.Asked(method: "POST", path: head.uri, body: "\(request.purpose)")
        let reply = server.reply(to: asked)
        guard reply.status == 200 else { return send(reply, context) }
        context.write(
            wrapOutboundOut(.head(.init(version: .http1_1, status: .ok))), promise: nil)
        if case .logs = request.purpose {
            write(StreamFrame.output(reply.body).encoded + StreamFrame.exit(0).encoded, context)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        } else {
            write(StreamFrame.errorOutput(reply.body).encoded, context)
        }
    }

    private func talk(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        frames.append(bytes)
        do {
            while let frame = try frames.next() {
                switch frame {
                case .input(let input):
                    inputBytes += input.count
                    write(StreamFrame.output(input).encoded, context)
                case .endOfInput where inputBytes > 0:
                    write(StreamFrame.exit(inputBytes).encoded, context)
                default: break
                }
            }
        } catch {
            write(StreamFrame.failed("\(error)").encoded, context)
        }
    }

    private static func request(_ text: String) -> StreamRequest? {
        var base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        while base64.count % 4 != 0 { base64 += "=" }
        guard let data = Data(base64Encoded: base64) else { return nil }
        do {
            return try JSONDecoder().decode(StreamRequest.self, from: data)
        } catch {
            return nil
        }
    }
}
