import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// Stands behind TLS on the dialling side: says when the link is secure, and keeps why it failed.
///
/// In TLS 1.3 the hub judges the node's certificate after the node is done with its part, so a
/// refusal arrives as an alert on a link that looked secure.
final class HandshakeWatch<Secured: Sendable>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum State {
        case waiting(EventLoopPromise<Secured>)
        case done
    }

    private var state: State
    private let notebook: ConnectionNotebook
    private let timeout: TimeAmount
    private let setUp: (any Channel) -> EventLoopFuture<Secured>
    private var deadline: Scheduled<Void>?

    /// - Parameters:
    ///   - promise: is kept when the link is secure, and broken when it will not be.
    ///   - setUp: what comes behind TLS. It is made for a secure link only, since what it makes may
    ///     not be dropped unused.
    init(
        _ promise: EventLoopPromise<Secured>, noting notebook: ConnectionNotebook,
        timeout: Duration,
        setUp: @escaping (any Channel) -> EventLoopFuture<Secured>
    ) {
        state = .waiting(promise)
        self.notebook = notebook
        self.timeout = TimeAmount(timeout)
        self.setUp = setUp
    }

    func handlerAdded(context: ChannelHandlerContext) {
        notebook.update { $0.channel = context.channel }
    }

    func channelActive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: timeout) {
            let (watch, context) = bound.value
            watch.fail(ChannelError.connectTimeout(watch.timeout))
            context.close(promise: nil)
        }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent, case .waiting(let promise) = state {
            state = .done
            deadline?.cancel()
            notebook.update { $0.isSecure = true }
            setUp(context.channel).cascade(to: promise)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A peer that closes the socket without saying goodbye is not a reason of its own.
        if (error as? NIOSSLError) != .uncleanShutdown {
            let words = alert(in: "\(error)")
            notebook.update { notes in notes.failure = notes.failure ?? words }
            fail(error)
        }
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        fail(ChannelError.eof)
    }

    private func fail(_ error: any Error) {
        guard case .waiting(let promise) = state else { return }
        state = .done
        promise.fail(error)
    }
}

/// What was learned about one connection, readable from any task.
final class ConnectionNotebook: Sendable {
    struct Notes: Sendable {
        var channel: (any Channel)?
        /// Why this side did not accept the other.
        var objection: String?
        /// What the other side or the socket said.
        var failure: String?
        /// That this side gave up a connection on which nothing was heard.
        var silence: String?
        var isSecure = false
    }

    private let notes = Mutex(Notes())

    var current: Notes { notes.withLock { $0 } }

    func update(_ change: (inout sending Notes) -> Void) { notes.withLock { change(&$0) } }
}

/// BoringSSL's name of an alert, as words: `certificate expired`.
private func alert(in text: String) -> String {
    guard let range = text.firstRange(of: "ALERT_") else { return String(text.prefix(256)) }
    let name = text[range.upperBound...].prefix { $0.isUppercase || $0 == "_" }
    return name.lowercased().replacing("_", with: " ")
}
