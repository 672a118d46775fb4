import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOPosix
import NIOSSL

/// Speaks gRPC to a hub without Skerry's client: a node of another version, or a hostile one.
struct RawPeer: Sendable {
    let port: Int
    /// PEM of chain and key; nil shows no certificate.
    var identity: (chain: String, key: String)?

    /// Opens a session, sends these messages as they are, and waits for its end.
    func session(
        _ messages: [[UInt8]], metadata: GRPCCore.Metadata = [:],
        then hold: AsyncStream<Void> = AsyncStream { $0.finish() }
    ) async throws {
        var tls = HTTP2ClientTransport.Posix.TransportSecurity.TLS.defaults
        tls.serverCertificateVerification = .noVerification
        if let identity {
            tls.certificateChain = [.bytes(Array(identity.chain.utf8), format: .pem)]
            tls.privateKey = .bytes(Array(identity.key.utf8), format: .pem)
        }
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .tls(tls))
        try await withGRPCClient(transport: transport) { client in
            let request = StreamingClientRequest<[UInt8]>(metadata: metadata) { writer in
                for message in messages { try await writer.write(message) }
                for await _ in hold {}
            }
            try await client.bidirectionalStreaming(
                request: request,
                descriptor: MethodDescriptor(
                    fullyQualifiedService: "skerry.control.v1.Control", method: "Session"),
                serializer: Bytes(), deserializer: Bytes(), options: .defaults
            ) { response in
                for try await _ in response.messages {}
            }
        }
    }
}

private struct Bytes: MessageSerializer, MessageDeserializer {
    func serialize<Buffer: GRPCContiguousBytes>(_ message: [UInt8]) -> Buffer { Buffer(message) }

    func deserialize<Buffer: GRPCContiguousBytes>(_ bytes: Buffer) -> [UInt8] {
        bytes.withUnsafeBytes { Array($0) }
    }
}

/// A `NodeFrame` by hand.
func nodeFrame(kind: String, version: UInt8 = 1, json: String) -> [UInt8] {
    let record =
        field(1, Array(kind.utf8)) + [0x10, version] + field(3, Array(json.utf8))
        // A field of a later version, which a reader skips.
        + field(15, [1, 2, 3])
    return field(1, record)
}

private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    var length: [UInt8] = []
    var rest = bytes.count
    while rest >= 0x80 {
        length.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
    }
    return [number << 3 | 2] + length + [UInt8(rest)] + bytes
}

/// Tries a TLS handshake and nothing else; whether it was completed and data could follow.
func handshakes(port: Int, _ configure: (inout TLSConfiguration) -> Void) async throws -> Bool {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateVerification = .none
    configuration.applicationProtocols = ["h2"]
    configure(&configuration)
    let context = try NIOSSLContext(configuration: configuration)
    let heard = AsyncStream.makeStream(of: Void.self)
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers([
                    try NIOSSLClientHandler(context: context, serverHostname: nil),
                    Listener(heard: heard.continuation),
                ])
            }
        }
        .connect(host: "127.0.0.1", port: port).get()
    // The preface of HTTP/2 and empty settings: a hub that accepts the link answers with its own.
    let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
    channel.writeAndFlush(ByteBuffer(bytes: preface), promise: nil)
    for await _ in heard.stream {
        try await channel.close()
        return true
    }
    return false
}

private final class Listener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let heard: AsyncStream<Void>.Continuation

    init(heard: AsyncStream<Void>.Continuation) { self.heard = heard }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { heard.yield() }
    func channelInactive(context: ChannelHandlerContext) { heard.finish() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
