import NIOCore
import NIOSSL

/// Closes a connection on which nothing was heard for too long. Stands behind TLS, on both sides.
///
/// The keep-alive of the library makes the traffic whose absence is noticed here. On its own it is
/// not enough: a server whose question stays unanswered asks for a graceful end and waits for
/// that answer too, and a client says goodbye in TLS and waits five seconds for the echo.
final class SilenceGuard: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limit: TimeAmount
    private var lastHeard: NIODeadline = .now()
    private var check: Scheduled<Void>?
    private let report: () -> Void

    /// - Parameter report: is called before a silent connection is closed.
    init(limit: Duration, report: @escaping () -> Void) {
        self.limit = TimeAmount(limit)
        self.report = report
    }

    func handlerAdded(context: ChannelHandlerContext) {
        lastHeard = context.eventLoop.now
        schedule(context, at: lastHeard + limit)
    }

    func handlerRemoved(context: ChannelHandlerContext) { check?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastHeard = context.eventLoop.now
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        check?.cancel()
        context.fireChannelInactive()
    }

    /// One timer a period, not one a read.
    private func schedule(_ context: ChannelHandlerContext, at deadline: NIODeadline) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        check = context.eventLoop.scheduleTask(deadline: deadline) {
            let (handler, context) = bound.value
            let due = handler.lastHeard + handler.limit
            if due > context.eventLoop.now {
                handler.schedule(context, at: due)
            } else {
                handler.close(context)
            }
        }
    }

    private func close(_ context: ChannelHandlerContext) {
        report()
        do {
            // Below TLS, so that nobody is asked to agree.
            try context.pipeline.syncOperations.context(handlerType: NIOSSLHandler.self)
                .close(promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }
}
