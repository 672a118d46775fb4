import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// Stands behind TLS on the dialling side: says when the link is secure, and keeps why it failed.
///
/// In TLS 1.3 the hub judges the node's certificate after the node is done with its part, so a
/// refusal arrives as an alert on a link that looked secure.
final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// What was learned, readable from any task.
    struct Findings: Sendable {
        /// Why this side did not accept the other.
        var objection: String?
        /// What the other side or the socket said.
        var failure: String?
        var isSecure = false
    }

    /// The findings of one connection.
    final class Notebook: Sendable {
        private let findings = Mutex(Findings())
        var current: Findings { findings.withLock { $0 } }
        func update(_ change: (inout sending Findings) -> Void) {
            findings.withLock { change(&$0) }
        }
    }

    private let notebook: Notebook
    private let secured: EventLoopPromise<Void>
    private let timeout: TimeAmount
    private var deadline: Scheduled<Void>?

    init(notebook: Notebook, secured: EventLoopPromise<Void>, timeout: Duration) {
        self.notebook = notebook
        self.secured = secured
        self.timeout = TimeAmount(timeout)
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        let secured = secured
        deadline = context.eventLoop.scheduleTask(in: timeout) {
            secured.fail(ChannelError.connectTimeout(.zero))
            channel.close(promise: nil)
        }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            deadline?.cancel()
            notebook.update { $0.isSecure = true }
            secured.succeed()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        note(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        // Harmless where the promise is kept already.
        secured.fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        secured.fail(ChannelError.eof)
    }

    private func note(_ error: any Error) {
        // A peer that closes the socket without saying goodbye is not a reason of its own.
        if let error = error as? NIOSSLError, error == .uncleanShutdown { return }
        notebook.update { findings in
            if findings.failure == nil { findings.failure = alert(in: "\(error)") }
        }
        secured.fail(error)
    }
}

/// BoringSSL's name of an alert, as words: `certificate expired`.
private func alert(in text: String) -> String {
    guard let range = text.firstRange(of: "ALERT_") else { return String(text.prefix(256)) }
    let name = text[range.upperBound...].prefix { $0.isUppercase || $0 == "_" }
    return name.lowercased().replacing("_", with: " ")
}
