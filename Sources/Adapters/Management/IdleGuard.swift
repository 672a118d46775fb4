import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Closes a connection on which nothing moves: one that never asks, one that stops in the middle
/// of a request, one whose client does not read the answer.
///
/// Hummingbird's own timeout is no help here: it would cut off a shell at which nobody types.
final class IdleGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = NIOAny

    /// Sent down the pipeline by a request that may be silent for as long as it likes, and when it
    /// is over. Clients that vanish meanwhile are found by keep-alive probes of the kernel.
    enum Patience: Sendable { case endless, limited }

    private let limit: TimeAmount
    private var lastMove = NIODeadline.now()
    private var timer: Scheduled<Void>?
    private var isExempt = false

    init(limit: Duration) { self.limit = TimeAmount(limit) }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { watch(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelActive(context: ChannelHandlerContext) {
        watch(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastMove = .now()
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        lastMove = .now()
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        switch event as? Patience {
        case .endless:
            isExempt = true
            timer?.cancel()
            timer = nil
            probePeer(context)
        case .limited:
            isExempt = false
            lastMove = .now()
            watch(context)
        case nil: return context.triggerUserOutboundEvent(event, promise: promise)
        }
        promise?.succeed()
    }

    private func watch(_ context: ChannelHandlerContext) {
        guard timer == nil, !isExempt else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: lastMove + limit) {
            self.timer = nil
            if NIODeadline.now() >= self.lastMove + self.limit {
                context.close(promise: nil)
            } else {
                self.watch(context)
            }
        }
    }

    /// A peer that is gone is noticed after two minutes. Unix sockets notice at once by themselves.
    private func probePeer(_ context: ChannelHandlerContext) {
        guard context.channel.remoteAddress?.port != nil else { return }
        let pipeline = context.pipeline
        let probes: [(ChannelOptions.Types.SocketOption, Int)] = [
            (.init(level: .socket, name: .so_keepalive), 1),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPIDLE)), 60),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPINTVL)), 15),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPCNT)), 4),
        ]
        for (option, value) in probes {
            context.channel.setOption(option, value: value).whenFailure { [pipeline] error in
                pipeline.fireErrorCaught(error)
            }
        }
    }
}
