import Glibc
import Model
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// What stands behind a `PeerPort`: dials and accepts connections, and keeps them by the names of nodes.
final class PeerDesk: Sendable {
    /// What this side shows.
    private struct Face {
        let identity: ShownIdentity
        let context: NIOSSLContext
    }

    private struct State {
        var lines: PeerLines
        var isClosed = false
        var unread = 0
        var refused = 0
    }

    static let eventLoops = MultiThreadedEventLoopGroup.singleton

    let limits: PeerPort.Limits
    private let parties: PeerPort.Parties
    private let connections = Connections(nodesMax: 0)
    private let gate: ConnectionGate
    private let face = Mutex<Face?>(nil)
    private let inlet: AsyncStream<PeerPort.Message>.Continuation
    private let remark: @Sendable (String) -> Void
    private let state: Mutex<State>

    init(
        _ parties: PeerPort.Parties, _ limits: PeerPort.Limits,
        to inlet: AsyncStream<PeerPort.Message>.Continuation,
        remark: @escaping @Sendable (String) -> Void
    ) {
        self.parties = parties
        self.limits = limits
        self.inlet = inlet
        self.remark = remark
        gate = ConnectionGate(limit: limits.connections)
        state = Mutex(State(lines: PeerLines(own: parties.node, waitingMax: limits.waiting)))
    }

    var losses: PeerPort.Losses {
        state.withLock {
            PeerPort.Losses(received: $0.unread, sent: $0.lines.lost, refused: $0.refused)
        }
    }

    // MARK: - Out

    func send(_ messages: [[UInt8]], to peer: NodeID, at place: DatagramPort.Place) {
        let fitting = messages.filter { $0.count <= limits.messageBytes }
        let way = state.withLock { state -> PeerLines.Way in
            state.lines.lose(messages.count - fitting.count)
            guard !state.isClosed else { return .wait }
            return state.lines.send(fitting, to: peer, at: .now())
        }
        switch way {
        case .line(let channel): write(fitting, on: channel)
        case .dial: dial(peer, at: place)
        case .wait: break
        }
    }

    private func write(_ messages: [[UInt8]], on channel: any Channel) {
        guard channel.isWritable else {
            return state.withLock { $0.lines.lose(messages.count) }
        }
        channel.writeAndFlush(MessageCutter.join(messages), promise: nil)
    }

    private func dial(_ peer: NodeID, at place: DatagramPort.Place) {
        let notebook = ConnectionNotebook()
        ClientBootstrap(group: PeerDesk.eventLoops)
            .connectTimeout(TimeAmount(limits.connect))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(PeerDesk.userTimeout, value: userTimeout)
            .channelOption(.writeBufferWaterMark, value: waterMark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { [self] in
                    try secure(channel, dialling: peer, noting: notebook)
                }
            }
            .connect(to: place.address)
            .flatMap { $0.closeFuture }
            .whenComplete { [self] result in
                if case .failure(let error) = result {
                    notebook.update { $0.failure = describe(error) }
                }
                dialEnded(peer, at: place, notebook.current)
            }
    }

    private func dialEnded(
        _ peer: NodeID, at place: DatagramPort.Place, _ notes: ConnectionNotebook.Notes
    ) {
        let reason =
            notes.objection.map { "its certificate is not accepted: \($0)" } ?? notes.failure
            ?? "it closed the connection"
        let isNews = state.withLock { state in
            state.lines.dialEnded(to: peer, wasSecured: notes.isSecure, reason, at: .now())
                && !state.isClosed
        }
        if isNews { remark("node \(peer) cannot be had by mutual TLS at \(place): \(reason)") }
    }

    // MARK: - Connections

    func accept(_ channel: any Channel) throws {
        try gate.admit(channel)
        try secure(channel, dialling: nil, noting: ConnectionNotebook())
    }

    private func secure(
        _ channel: any Channel, dialling peer: NodeID?, noting notebook: ConnectionNotebook
    ) throws {
        let shown = ShownChain()
        let callback = try parties.verifier().callback(accepting: shown) { objection in
            notebook.update { $0.objection = objection }
        }
        let connection = PeerConnection(
            timeout: limits.handshake, now: parties.now, connections: connections, shown: shown)
        let line = PeerLine(connection, at: self, dialling: peer, noting: notebook)
        let handlers = channel.pipeline.syncOperations
        if peer == nil {
            try handlers.addHandler(
                NIOSSLServerHandler(
                    context: try ownFace().context, customVerificationCallback: callback))
        } else {
            try handlers.addHandler(
                NIOSSLClientHandler(
                    context: try NIOSSLContext(configuration: dialling()), serverHostname: nil,
                    customVerificationCallback: callback))
        }
        try handlers.addHandlers([connection, line])
    }

    /// Made when it is first needed: a node whose authority has ended has nothing to show until its hub gave
    /// it another.
    private func ownFace() throws -> Face {
        try face.withLock { face in
            if let face { return face }
            let identity = try ShownIdentity(now: parties.now, source: parties.identity)
            let made = Face(
                identity: identity,
                context: try NIOSSLContext(configuration: .demanding(identity)))
            face = made
            return made
        }
    }

    private func dialling() throws -> TLSConfiguration {
        let (chain, key) = try ownFace().identity.current.read()
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.certificateChain = chain
        tls.privateKey = key
        // A node is known by its name, wherever it is.
        tls.certificateVerification = .noHostnameVerification
        // The verifier holds the roots; the system's must not come in beside them.
        tls.trustRoots = .certificates([])
        return tls
    }

    /// Who is at the other end, where it may be there: a node of this site, and the one that was dialled.
    func peer(_ identity: PeerIdentity?, dialled: NodeID?) -> NodeID? {
        if case .node(let node, parties.site)? = identity, node != parties.node,
            dialled == nil || dialled == node, parties.admits(node)
        {
            return node
        }
        state.withLock { $0.refused += 1 }
        return nil
    }

    func secured(_ channel: any Channel, with peer: NodeID, isDialled: Bool) {
        let line = PeerLines.Line(channel: channel, isDialled: isDialled)
        let (surplus, waiting) = state.withLock { state in
            state.isClosed ? ([channel], []) : state.lines.secured(line, with: peer)
        }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { $0.lines.ended(channel, with: peer) }
        }
        for channel in surplus { channel.close(promise: nil) }
        if !waiting.isEmpty { write(waiting, on: channel) }
    }

    func received(_ bytes: [UInt8], from peer: NodeID, on channel: any Channel) {
        let message = PeerPort.Message(peer: peer, bytes: bytes)
        state.withLock { state in
            state.lines.heard(peer, on: channel)
            if case .dropped = inlet.yield(message) { state.unread += 1 }
        }
    }

    // MARK: - Ends

    func end(with peer: NodeID) {
        for channel in state.withLock({ $0.lines.channels(with: peer) }) {
            channel.close(promise: nil)
        }
    }

    func review() {
        connections.end(parties.isRevoked)
        for peer in state.withLock({ $0.lines.names }) where !parties.admits(peer) {
            end(with: peer)
        }
    }

    func close() {
        let open = state.withLock { state in
            state.isClosed = true
            return state.lines.names.flatMap { state.lines.channels(with: $0) }
        }
        for channel in open { channel.close(promise: nil) }
        inlet.finish()
    }

    // MARK: - The socket

    static let userTimeout = ChannelOptions.Types.SocketOption(
        level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT))

    var userTimeout: Int { Int(limits.silence.components.seconds * 1000) }

    var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
        .init(low: limits.outletBytes / 2, high: limits.outletBytes)
    }
}
