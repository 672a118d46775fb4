import Glibc
package import Model
import NIOCore
import NIOPosix

/// A TCP port for messages between nodes of a site over mutual TLS 1.3: to names and from names.
///
/// Both sides show the certificate of their node, and both judge the other's by the rules for nodes,
/// whoever dialled. A connection is dialled when there is something to say, and ends with the certificate
/// that opened it. What there is no room for is lost and counted, as on a `DatagramPort`.
package final class PeerPort: Sendable {
    package struct Message: Hashable, Sendable {
        package let peer: NodeID
        package let bytes: [UInt8]
    }

    /// Who this node is, and whom it believes and lets in.
    package struct Parties: Sendable {
        package var node: NodeID
        package var site: SiteID
        package var identity: ShownIdentity.Source
        /// Judges a node; made anew for each handshake, since roots change.
        package var verifier: @Sendable () throws -> PeerVerifier
        package var isRevoked: @Sendable (Bearer) -> Bool
        /// Whether policy lets a peer speak with this node. Asked often, so it must be quick.
        package var admits: @Sendable (NodeID) -> Bool
        package var now: @Sendable () -> WallTime

        package init(
            node: NodeID, site: SiteID, identity: @escaping ShownIdentity.Source,
            verifier: @escaping @Sendable () throws -> PeerVerifier,
            isRevoked: @escaping @Sendable (Bearer) -> Bool,
            admits: @escaping @Sendable (NodeID) -> Bool,
            now: @escaping @Sendable () -> WallTime
        ) {
            self.node = node
            self.site = site
            self.identity = identity
            self.verifier = verifier
            self.isRevoked = isRevoked
            self.admits = admits
            self.now = now
        }
    }

    package struct Limits: Hashable, Sendable {
        /// A longer one ends the connection that it came on.
        package var messageBytes = 2048
        /// To one peer, until there is a connection: beyond it the newest is lost.
        package var waiting = 16
        /// Received and not looked at yet: beyond it the oldest is lost.
        package var inbox = 1024
        /// Handed to the kernel and not sent yet, in bytes, to one peer: beyond it the newest is lost.
        package var outletBytes = 256 << 10
        /// That others dialled, also those still in their handshake.
        package var connections = 1024
        package var connect = Duration.seconds(5)
        package var handshake = Duration.seconds(5)
        /// How long what was sent may stay without the other's receipt.
        package var silence = Duration.seconds(10)

        package static let production = Limits()
    }

    /// What was lost on this side of the network.
    package struct Losses: Hashable, Sendable {
        package var received = 0
        package var sent = 0
        /// Connections of who was not to have one.
        package var refused = 0
    }

    /// The place that others reach it at.
    package let place: DatagramPort.Place
    /// Ends when the port is closed. For one reader.
    package let received: AsyncStream<Message>
    private let listener: any Channel
    private let desk: PeerDesk

    /// Opens a port at `address`; port 0 takes any that is free.
    ///
    /// - Parameter remark: is told why a peer cannot be had, once for each reason.
    package static func open(
        at address: String, _ parties: Parties, limits: Limits = .production,
        remark: @escaping @Sendable (String) -> Void
    ) async throws(TransportError) -> PeerPort {
        let wanted = try DatagramPort.Place(address)
        let (received, inlet) = AsyncStream.makeStream(
            of: Message.self, bufferingPolicy: .bufferingNewest(limits.inbox))
        do {
            let desk = PeerDesk(parties, limits, to: inlet, remark: remark)
            let listener = try await ServerBootstrap(group: PeerDesk.eventLoops)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(PeerDesk.userTimeout, value: desk.userTimeout)
                .childChannelOption(.writeBufferWaterMark, value: desk.waterMark)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try desk.accept(channel) }
                }
                .bind(to: wanted.address).get()
            guard let bound = listener.localAddress else {
                preconditionFailure("a socket that is bound has an address")
            }
            return PeerPort(
                place: DatagramPort.Place(bound), received: received, listener: listener, desk: desk
            )
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw .portTaken(address: address)
        } catch {
            throw .cannotListen(address: address, reason: describe(error))
        }
    }

    private init(
        place: DatagramPort.Place, received: AsyncStream<Message>, listener: any Channel,
        desk: PeerDesk
    ) {
        self.place = place
        self.received = received
        self.listener = listener
        self.desk = desk
    }

    package var losses: Losses { desk.losses }

    /// Hands messages to the connection with a peer, together, or loses them where there is no room. Dials
    /// it where there is none.
    package func send(_ messages: [[UInt8]], to peer: NodeID, at place: DatagramPort.Place) {
        desk.send(messages, to: peer, at: place)
    }

    /// Ends what there is with a peer.
    package func end(with peer: NodeID) { desk.end(with: peer) }

    /// Ends the connections of those who may no longer have one.
    package func review() { desk.review() }

    package func close() async {
        listener.close(promise: nil)
        desk.close()
        do {
            try await listener.closeFuture.get()
        } catch {
            // It is closed, which is what was wanted.
            return
        }
    }
}
