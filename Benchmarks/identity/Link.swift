import NIOCore
import NIOPosix

/// A link of a given round trip in front of a server on the loopback: bytes take half of it each way,
/// and a connection takes one to come about, as TCP's own handshake does.
struct Link {
    let channel: any Channel
    var port: Int { channel.localAddress?.port ?? 0 }

    static func open(
        to server: LineServer, roundTrip: TimeAmount, on loops: MultiThreadedEventLoopGroup
    ) async throws -> Link {
        let port = server.port
        let channel = try await ServerBootstrap(group: loops)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { near in
                near.eventLoop.makeCompletedFuture {
                    let toFar = Delay(roundTrip)
                    try near.pipeline.syncOperations.addHandler(toFar)
                    let bound = NIOLoopBound(toFar, eventLoop: near.eventLoop)
                    let loop = near.eventLoop
                    ClientBootstrap(group: loop)
                        .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                        .channelInitializer { far in
                            far.eventLoop.makeCompletedFuture {
                                let toNear = Delay(roundTrip)
                                toNear.other = near
                                try far.pipeline.syncOperations.addHandler(toNear)
                            }
                        }
                        .connect(host: "127.0.0.1", port: port)
                        .whenComplete { result in
                            switch result {
                            case .failure: near.close(promise: nil)
                            case .success(let far):
                                // What came before the connection would have stood is held until then.
                                loop.scheduleTask(in: roundTrip) {
                                    bound.value.other = far
                                    near.setOption(.autoRead, value: true).whenFailure { _ in
                                        near.close(promise: nil)
                                    }
                                    near.read()
                                }
                            }
                        }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Link(channel: channel)
    }
}

/// Hands on what it reads to the other side after half a round trip, in order.
private final class Delay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let half: TimeAmount
    var other: (any Channel)?

    init(_ roundTrip: TimeAmount) { half = .nanoseconds(roundTrip.nanoseconds / 2) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard let other else { return }
        context.eventLoop.scheduleTask(in: half) { other.writeAndFlush(buffer, promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let other else { return }
        context.eventLoop.scheduleTask(in: half) { other.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
