import Model
import Synchronization

/// What is to be sent on the current session, if there is one. A message for no session is
/// dropped: the machine says again on the next one what still matters.
final class LinkSlot: Sendable {
    private let current = Mutex<AsyncStream<NodeMessage>.Continuation?>(nil)

    /// Begins a session, ending the one before.
    func open() -> AsyncStream<NodeMessage> {
        let (stream, continuation) = AsyncStream.makeStream(of: NodeMessage.self)
        current.withLock { current in
            current?.finish()
            current = continuation
        }
        return stream
    }

    func send(_ message: NodeMessage) {
        current.withLock { _ = $0?.yield(message) }
    }

    func close() {
        current.withLock { current in
            current?.finish()
            current = nil
        }
    }
}
