import Model
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOSSL
import NIOTLS
import SwiftASN1
import Synchronization
import X509

/// Stands behind TLS on the hub's side of one connection: knows who the peer is, and ends the
/// connection when the handshake takes too long or the peer's certificate runs out.
final class PeerConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Nil until the handshake is done, and on links where the peer shows no certificate.
    private(set) var identity: PeerIdentity?
    /// The device for which the authority of the peer was made; nil where it was for none.
    private(set) var device: String?
    private(set) var bearer: Bearer?
    private let timeout: TimeAmount
    private let now: @Sendable () -> WallTime
    private let connections: Connections
    private let shown: ShownChain
    private var deadline: Scheduled<Void>?

    /// - Parameter shown: where the verifier of this handshake leaves what it accepted.
    init(
        timeout: Duration, now: @escaping @Sendable () -> WallTime, connections: Connections,
        shown: ShownChain
    ) {
        self.timeout = TimeAmount(timeout)
        self.now = now
        self.connections = connections
        self.shown = shown
    }

    func handlerAdded(context: ChannelHandlerContext) {
        close(context, in: timeout)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            deadline?.cancel()
            do {
                try identify(context)
            } catch {
                context.fireErrorCaught(error)
                context.close(promise: nil)
                return
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    private func identify(_ context: ChannelHandlerContext) throws {
        guard let leaf = try context.pipeline.syncOperations.nioSSL_peerCertificate() else {
            return
        }
        let certificate = try Certificate(derEncoded: leaf.toDERBytes())
        identity = try PeerIdentity(of: certificate) ?? PeerIdentity(old: certificate)
        device = certificate.issuer.device
        if let bearer = Bearer(showing: shown.chain) {
            connections.add(context.channel, of: bearer)
            self.bearer = bearer
        }
        if case .node(let node, _)? = identity { connections.note(node, shown.chain, at: now()) }
        // A session is no way to outlive a certificate.
        let left = WallTime(certificate.notValidAfter) - now()
        close(context, in: TimeAmount(max(left, .zero)))
    }

    private func close(_ context: ChannelHandlerContext, in time: TimeAmount) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}

/// Writes into the head of each call who its connection belongs to.
///
/// The library's own transport offers the certificate with the call but fixes TLS 1.2 as the
/// lowest version; the one that takes any listener does not offer it. A header that the peer
/// cannot set binds the two without a table of addresses that could be stale.
final class PeerStamp: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload

    static let header = "skerry-peer"
    static let device = "skerry-peer-device"

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .headers(var content) = unwrapInboundIn(data) else {
            context.fireChannelRead(data)
            return
        }
        content.headers.remove(name: PeerStamp.header)
        content.headers.remove(name: PeerStamp.device)
        if let connection = connection(of: context.channel.parent) {
            if let identity = connection.identity {
                content.headers.add(name: PeerStamp.header, value: identity.uri)
            }
            if let device = connection.device {
                content.headers.add(name: PeerStamp.device, value: device)
            }
        }
        context.fireChannelRead(wrapInboundOut(.headers(content)))
    }

    private func connection(of channel: (any Channel)?) -> PeerConnection? {
        do {
            return try channel?.pipeline.syncOperations.handler(type: PeerConnection.self)
        } catch {
            // The connection is being taken down; a call without a stamp is refused.
            return nil
        }
    }
}

/// Counts the connections of one listener, so that strangers cannot use up the file descriptors.
final class ConnectionGate: Sendable {
    struct Full: Error {}

    private let limit: Int
    private let count = Mutex(0)

    init(limit: Int) { self.limit = limit }

    /// Admits the channel until it closes.
    func admit(_ channel: any Channel) throws(Full) {
        let admitted = count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard admitted else { throw Full() }
        channel.closeFuture.whenComplete { _ in self.count.withLock { $0 -= 1 } }
    }
}
