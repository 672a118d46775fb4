import Model
import NIOCore
import NIOTLS

/// Stands behind `PeerConnection` at both ends of one connection between nodes: nothing is said or heard on
/// it before it is clear which node the other is.
final class PeerLine: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: PeerConnection
    private let desk: PeerDesk
    /// The node that this one dialled; nil where the other side did.
    private let dialled: NodeID?
    private let notebook: ConnectionNotebook
    private var peer: NodeID?
    private var cutter: MessageCutter

    init(
        _ connection: PeerConnection, at desk: PeerDesk, dialling node: NodeID?,
        noting notebook: ConnectionNotebook
    ) {
        self.connection = connection
        self.desk = desk
        dialled = node
        self.notebook = notebook
        cutter = MessageCutter(messageMax: desk.limits.messageBytes)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            guard let node = desk.peer(connection.identity, dialled: dialled) else {
                notebook.update { $0.objection = "it is not a node that is to be there" }
                return context.close(promise: nil)
            }
            peer = node
            notebook.update { $0.isSecure = true }
            desk.secured(context.channel, with: node, isDialled: dialled != nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let peer else { return }
        cutter.take(unwrapInboundIn(data))
        do {
            while let message = try cutter.next() {
                desk.received(message, from: peer, on: context.channel)
            }
        } catch {
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        notebook.update { notes in notes.failure = notes.failure ?? describe(error) }
        context.close(promise: nil)
    }
}

/// Messages in a stream: before each its length, two bytes, the most significant first.
struct MessageCutter {
    struct TooLong: Error {}

    let messageMax: Int
    private var waiting = ByteBuffer()

    init(messageMax: Int) { self.messageMax = messageMax }

    mutating func take(_ piece: ByteBuffer) {
        waiting.discardReadBytes()
        waiting.writeImmutableBuffer(piece)
    }

    /// Nil until the next is whole.
    mutating func next() throws(TooLong) -> [UInt8]? {
        guard let length = waiting.getInteger(at: waiting.readerIndex, as: UInt16.self) else {
            return nil
        }
        guard length <= messageMax else { throw TooLong() }
        guard waiting.readableBytes >= 2 + Int(length) else { return nil }
        waiting.moveReaderIndex(forwardBy: 2)
        return waiting.readBytes(length: Int(length))
    }

    static func join(_ messages: [[UInt8]]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(messages.reduce(0) { $0 + 2 + $1.count })
        for message in messages {
            buffer.writeInteger(UInt16(message.count))
            buffer.writeBytes(message)
        }
        return buffer
    }
}
