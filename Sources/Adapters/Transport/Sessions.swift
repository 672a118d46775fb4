import Model
import Synchronization

/// Who is connected. A node has one session that counts, the newest.
final class Sessions: Sendable {
    private struct State {
        var lastSession: UInt64 = 0
        var lastStream: UInt64 = 0
        var sessions: [SessionID: Session] = [:]
        var current: [NodeID: SessionID] = [:]
    }

    private let state = Mutex(State())
    private let limits: Limits

    init(limits: Limits) { self.limits = limits }

    /// Messages can be sent to a session from here on, but it does not yet stand for its node.
    func add(_ node: NodeID) -> Session {
        state.withLock { state in
            state.lastSession += 1
            let session = Session(
                id: SessionID(rawValue: state.lastSession), node: node, limits: limits)
            state.sessions[session.id] = session
            return session
        }
    }

    /// Makes a welcomed session the one of its node; an older one is closed, and what streams run
    /// beside it go on beside this one.
    func promote(_ session: Session) {
        let (older, newer) = state.withLock { state -> (Session?, Session) in
            let older = state.current[session.node].flatMap { state.sessions[$0] }
            // Of two that start at once, the one with the higher number is the newer.
            if let older, older.id > session.id { return (session, older) }
            state.current[session.node] = session.id
            return (older, session)
        }
        guard let older, older.id != newer.id else { return }
        newer.adopt(older.surrender())
        older.end(.replaced)
    }

    /// Acts on this session only: a newer one of the same node is not touched.
    func remove(_ session: Session) {
        state.withLock { state in
            state.sessions[session.id] = nil
            if state.current[session.node] == session.id { state.current[session.node] = nil }
        }
        session.end(.left)
    }

    subscript(id: SessionID) -> Session? { state.withLock { $0.sessions[id] } }

    subscript(node: NodeID) -> Session? {
        state.withLock { state in state.current[node].flatMap { state.sessions[$0] } }
    }

    /// Asks the node for a stream.
    func open(_ request: StreamRequest, on session: Session) throws(TransportError) -> Exchange {
        let id = state.withLock { state in
            state.lastStream += 1
            return state.lastStream
        }
        return try session.open(request, id: id)
    }

    /// The stream that a node's call says it is for; nil if that node was not asked for it.
    func claim(_ stream: UInt64, by node: NodeID) -> Exchange? {
        for session in sessions(of: node) {
            if let exchange = session.claim(stream) { return exchange }
        }
        return nil
    }

    /// It may have gone over to another session since it was opened.
    func close(_ exchange: Exchange, with node: NodeID) {
        exchange.close()
        for session in sessions(of: node) { session.forget(exchange) }
    }

    private func sessions(of node: NodeID) -> [Session] {
        state.withLock { $0.sessions.values.filter { $0.node == node } }
    }
}

/// The hub's end of one node's session: what waits to be sent, and the streams that run beside it.
final class Session: Sendable {
    /// Why a session ends, other than by the node or the network.
    enum End: Hashable, Sendable {
        case left
        case replaced
        case overflow
        /// What is queued is still sent.
        case closedByHub
    }

    private struct State {
        var isOver = false
        var exchanges: [UInt64: Exchange] = [:]
    }

    let id: SessionID
    let node: NodeID
    let outbox: Pipe<Skerry_Control_V1_HubFrame>
    /// Holds the one reason why the session is to end.
    let ends = Pipe<End>(countMax: 1)
    private let limits: Limits
    private let state = Mutex(State())

    init(id: SessionID, node: NodeID, limits: Limits) {
        self.id = id
        self.node = node
        self.limits = limits
        outbox = Pipe(countMax: limits.outboxMessages, costMax: limits.outboxBytes)
    }

    /// A node that does not keep up loses its session, not a message in the middle.
    func send(_ frame: Skerry_Control_V1_HubFrame, bytes: Int) {
        if !outbox.offer(frame, cost: bytes) { end(.overflow) }
    }

    /// The first reason counts.
    func end(_ reason: End) {
        if ends.offer(reason) { ends.finish() } else if reason == .closedByHub { return }
        let exchanges = state.withLock { state in
            state.isOver = true
            defer { state.exchanges = [:] }
            return state.exchanges.values
        }
        switch reason {
        case .closedByHub, .left: outbox.finish()
        // These end at once, whatever is queued.
        case .replaced, .overflow: break
        }
        for exchange in exchanges { exchange.close() }
    }

    func open(_ request: StreamRequest, id: UInt64) throws(TransportError) -> Exchange {
        var frame = Skerry_Control_V1_HubFrame()
        frame.openStream.id = id
        do {
            frame.openStream.request = try RecordCodec.record(request)
        } catch {
            throw .stream(reason: "\(error)")
        }
        let bytes = frame.openStream.request.json.count
        guard bytes < limits.payloadBytes else { throw .stream(reason: "the command is too long") }
        let exchange = Exchange(id: id, limits: limits)
        let open = try state.withLock { (state) throws(TransportError) in
            guard state.exchanges.count < limits.streamsPerSession else {
                throw .streamLimit(node, limit: limits.streamsPerSession)
            }
            guard !state.isOver else { return false }
            state.exchanges[id] = exchange
            return true
        }
        guard open else { throw .notConnected(node) }
        send(frame, bytes: bytes)
        return exchange
    }

    /// A second call for the same stream finds nothing, unless the first has left it.
    func claim(_ stream: UInt64) -> Exchange? {
        guard let exchange = state.withLock({ $0.exchanges[stream] }), exchange.claim() else {
            return nil
        }
        return exchange
    }

    func forget(_ exchange: Exchange) { state.withLock { $0.exchanges[exchange.id] = nil } }

    /// Gives away the streams that run beside it, and begins no more.
    func surrender() -> [UInt64: Exchange] {
        state.withLock { state in
            state.isOver = true
            defer { state.exchanges = [:] }
            return state.exchanges
        }
    }

    func adopt(_ exchanges: [UInt64: Exchange]) {
        state.withLock { $0.exchanges.merge(exchanges) { own, _ in own } }
    }
}

/// One stream between a reader at the hub and the node that answers: two pipes between their tasks.
/// One call of the node after the other carries it.
final class Exchange: Sendable {
    private struct Calls {
        var count = 0
        var isCarried = false
    }

    let id: UInt64
    let toNode: Pipe<StreamFrame>
    let fromNode: Pipe<StreamFrame>
    private let calls = Mutex(Calls())
    private let releases = Pipe<Void>(countMax: 1)

    init(id: UInt64, limits: Limits) {
        self.id = id
        toNode = Pipe(countMax: limits.streamFrames)
        fromNode = Pipe(countMax: limits.streamFrames)
    }

    /// Whether the node ever answered.
    var wasClaimed: Bool { calls.withLock { $0.count > 0 } }

    func claim() -> Bool {
        calls.withLock { calls in
            guard !calls.isCarried else { return false }
            calls.isCarried = true
            calls.count += 1
            return true
        }
    }

    /// The call that carries it ends, and another is to come.
    func release() {
        calls.withLock { $0.isCarried = false }
        _ = releases.offer(())
    }

    /// Closes it when no call comes for it in time, at first or after one that has left it.
    func watch(patience: Duration) async throws {
        repeat {
            let count = calls.withLock { $0.count }
            try await Task.sleep(for: patience)
            if calls.withLock({ !$0.isCarried && $0.count == count }) { return close() }
        } while await releases.next() != nil
    }

    func close() {
        toNode.finish()
        fromNode.finish()
    }
}
