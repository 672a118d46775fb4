import Model
import Synchronization

/// What is to be sent on the current session, if there is one, and the session that is to follow it.
/// A message for no session is dropped: the machine says again on the next one what still matters.
final class LinkSlot: Sendable {
    struct Session: Sendable {
        fileprivate let number: UInt64
        let outgoing: AsyncStream<NodeMessage>
    }

    /// What a session was when it ended.
    enum Role: Sendable { case link, successor, left }

    private struct Line {
        let number: UInt64
        let continuation: AsyncStream<NodeMessage>.Continuation
    }

    private struct State {
        var last: UInt64 = 0
        var link: Line?
        var successor: Line?

        mutating func open() -> (Line, Session) {
            last += 1
            let (stream, continuation) = AsyncStream.makeStream(of: NodeMessage.self)
            return (
                Line(number: last, continuation: continuation),
                Session(number: last, outgoing: stream)
            )
        }
    }

    private let state = Mutex(State())

    /// Begins a session, ending those before.
    func open() -> Session {
        close()
        return state.withLock { state in
            let (line, session) = state.open()
            state.link = line
            state.successor = nil
            return session
        }
    }

    /// Begins a session beside the one that stands.
    func openSuccessor() -> Session {
        state.withLock { state in
            let (line, session) = state.open()
            state.successor?.continuation.finish()
            state.successor = line
            return session
        }
    }

    /// A greeting is for the session that was opened last.
    func send(_ message: NodeMessage) {
        state.withLock { state in
            if case .hello = message, let successor = state.successor {
                _ = successor.continuation.yield(message)
            } else {
                _ = state.link?.continuation.yield(message)
            }
        }
    }

    /// Whether what comes on a session still counts.
    func isLive(_ session: Session) -> Bool {
        state.withLock {
            $0.link?.number == session.number || $0.successor?.number == session.number
        }
    }

    /// The successor is the link from here on.
    func succeed() {
        state.withLock { state in
            guard let successor = state.successor else { return }
            state.link?.continuation.finish()
            state.link = successor
            state.successor = nil
        }
    }

    /// Ends the session that was opened last.
    func hangUp() {
        state.withLock { state in
            guard let successor = state.successor else {
                state.link?.continuation.finish()
                return
            }
            successor.continuation.finish()
        }
    }

    /// A session has ended; what it was. The hub may end the one before as soon as it has the one
    /// after, so a successor takes over without a word.
    func end(_ session: Session) -> Role {
        state.withLock { state in
            if state.successor?.number == session.number {
                state.successor?.continuation.finish()
                state.successor = nil
                return .successor
            }
            guard state.link?.number == session.number else { return .left }
            state.link?.continuation.finish()
            state.link = state.successor
            state.successor = nil
            return state.link == nil ? .link : .left
        }
    }

    /// Nothing more is sent. What the sessions were is asked when they have ended.
    func close() {
        state.withLock { state in
            state.link?.continuation.finish()
            state.successor?.continuation.finish()
        }
    }
}
