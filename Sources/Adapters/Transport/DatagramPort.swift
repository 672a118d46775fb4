import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A UDP socket: bytes from places and to places. What there is no room for is lost and counted, as
/// the network itself would lose it.
package final class DatagramPort: Sendable {
    /// Where a datagram came from, or goes to.
    package struct Place: Hashable, Sendable, CustomStringConvertible {
        let address: SocketAddress

        init(_ address: SocketAddress) { self.address = address }

        /// Reads `address:port`. Names are not looked up: a place has to be known without a
        /// network.
        package init(_ text: String) throws(TransportError) {
            let endpoint = try Endpoint(text)
            do {
                address = try SocketAddress(ipAddress: endpoint.host, port: endpoint.port)
            } catch {
                throw .address(text)
            }
        }

        package var description: String {
            let host = address.ipAddress ?? "?"
            return host.contains(":")
                ? "[\(host)]:\(address.port ?? 0)" : "\(host):\(address.port ?? 0)"
        }
    }

    package struct Datagram: Hashable, Sendable {
        package let bytes: [UInt8]
        package let source: Place
    }

    package struct Limits: Hashable, Sendable {
        /// A longer one is cut by the kernel, and then is nothing that anybody sealed.
        package var datagramBytes = 2048
        /// Received and not looked at yet: beyond it the oldest is lost.
        package var waiting = 1024
        /// Handed to the kernel and not sent yet, in bytes.
        package var outletBytes = 256 << 10

        package static let production = Limits()
        package static let tight = Limits(waiting: 4)
    }

    /// What was lost on this side of the network.
    package struct Losses: Hashable, Sendable {
        package var received = 0
        package var sent = 0

        package init() {}
    }

    /// The place that others reach it at.
    package let place: Place
    /// Ends when the port is closed. For one reader.
    package let received: AsyncStream<Datagram>
    private let channel: any Channel
    private let counts: Counts

    private final class Counts: Sendable {
        let losses = Mutex(Losses())
    }

    /// Opens a port at `address`, on loopback unless that says otherwise; port 0 takes any that is
    /// free.
    package static func open(
        at address: String = "127.0.0.1:0", limits: Limits = .production
    ) async throws(TransportError) -> DatagramPort {
        let wanted = try Place(address)
        let (received, inlet) = AsyncStream.makeStream(
            of: Datagram.self, bufferingPolicy: .bufferingNewest(limits.waiting))
        let counts = Counts()
        let bootstrap = DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: limits.datagramBytes)
            )
            .channelOption(
                .writeBufferWaterMark,
                value: .init(low: limits.outletBytes / 2, high: limits.outletBytes)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        DatagramInlet(feed: inlet, counts: counts))
                }
            }
        do {
            let channel = try await bootstrap.bind(to: wanted.address).get()
            guard let bound = channel.localAddress else {
                preconditionFailure("a socket that is bound has an address")
            }
            return DatagramPort(
                channel: channel, place: Place(bound), received: received, counts: counts)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw .portTaken(address: address)
        } catch {
            throw .cannotListen(address: address, reason: "\(error)")
        }
    }

    private init(
        channel: any Channel, place: Place, received: AsyncStream<Datagram>, counts: Counts
    ) {
        self.channel = channel
        self.place = place
        self.received = received
        self.counts = counts
    }

    package var losses: Losses { counts.losses.withLock { $0 } }

    /// Hands a datagram to the kernel, or loses it where the kernel is behind.
    package func send(_ bytes: [UInt8], to place: Place) {
        guard channel.isWritable else { return counts.losses.withLock { $0.sent += 1 } }
        let envelope = AddressedEnvelope(
            remoteAddress: place.address, data: channel.allocator.buffer(bytes: bytes))
        channel.writeAndFlush(envelope, promise: nil)
    }

    package func close() async {
        channel.close(promise: nil)
        do {
            try await channel.closeFuture.get()
        } catch {
            // It is closed, which is what was wanted.
            return
        }
    }

    /// Passes on what arrives.
    private final class DatagramInlet: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>

        private let feed: AsyncStream<Datagram>.Continuation
        private let counts: Counts

        init(feed: AsyncStream<Datagram>.Continuation, counts: Counts) {
            self.feed = feed
            self.counts = counts
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            let datagram = Datagram(
                bytes: Array(envelope.data.readableBytesView),
                source: Place(envelope.remoteAddress))
            if case .dropped = feed.yield(datagram) {
                counts.losses.withLock { $0.received += 1 }
            }
        }

        func channelInactive(context: ChannelHandlerContext) { feed.finish() }

        /// A place that nobody listens at answers with an error, which says nothing about the
        /// others.
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            guard !(error is IOError) else { return }
            context.close(promise: nil)
        }
    }
}
