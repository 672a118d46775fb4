import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Model
import NIOCore
import NIOPosix

/// Whether a node may have a session at the moment.
package enum Admission: Hashable, Sendable {
    case admit
    case refuse(retryAfter: Interval, reason: String)
}

/// What the hub does with what arrives. Calls for one session come one after the other.
package protocol ControlDelegate: Sendable {
    /// Why a node that proved who it is may not call, by policy; nil where it may. Asked before each
    /// call.
    func objection(to node: NodeID, at site: SiteID) async -> String?
    /// A node proved who it is. Asked before anything it sends is read, so it must be cheap.
    ///
    /// - Parameter device: the digest of the device key for which its authority was made; nil for a
    ///   certificate of old.
    func opened(
        _ session: SessionID, node: NodeID, site: SiteID, device: String?
    ) async -> Admission
    func received(_ message: NodeMessage, from session: SessionID) async
    /// Exactly once for each admitted session.
    func closed(_ session: SessionID) async
    func noticed(_ notice: LinkNotice, on session: SessionID) async
    /// A thrown `Refusal` is told to the node; of any other error it learns only that there was one.
    func enrol(_ request: EnrolmentRequest) async throws -> Enrolment
    /// A node comes back with its device key, which it was checked to hold. Errors as above.
    func readmit(_ proof: ReturnProof) async throws -> Certification
    /// A machine without a token asks to become a node; it was checked to hold its device key.
    func join(_ request: JoinRequest) async throws -> JoinAnswer
}

/// The hub's end of the control link: one listener for nodes with a certificate, and one for those
/// that come for theirs.
package final class ControlServer: Sendable {
    package struct Configuration: Sendable {
        /// `host:port`; port 0 takes a free one.
        package var control: String
        package var enrolment: String
        package var identity: ShownIdentity
        /// What those see who come to enrol; its chain goes up to the root.
        package var enrolmentIdentity: ShownIdentity
        /// The roots below which nodes are.
        package var anchors: TrustAnchors
        /// Whether nodes are let in with what was issued before they had authorities.
        package var admitsOld: Bool
        package var limits: Limits

        package init(
            control: String = "127.0.0.1:0", enrolment: String = "127.0.0.1:0",
            identity: ShownIdentity, enrolmentIdentity: ShownIdentity? = nil, anchors: TrustAnchors,
            admitsOld: Bool = false, limits: Limits = .production
        ) {
            self.enrolmentIdentity = enrolmentIdentity ?? identity
            self.control = control
            self.enrolment = enrolment
            self.identity = identity
            self.anchors = anchors
            self.admitsOld = admitsOld
            self.limits = limits
        }
    }

    /// The ports that the listeners have.
    package struct Ports: Hashable, Sendable {
        package var control: Int
        package var enrolment: Int
    }

    typealias Server = GRPCServer<HTTP2ServerTransport.Custom<SecureListener>>

    private let delegate: any ControlDelegate
    private let limits: Limits
    private let sessions: Sessions
    private let connections: Connections
    private let isRevoked: @Sendable (Bearer) -> Bool
    private let control: Server
    private let enrolment: Server

    /// - Parameters:
    ///   - now: the clock by which certificates are judged.
    ///   - isRevoked: asked in each handshake and for each call.
    package init(
        _ configuration: Configuration, delegate: any ControlDelegate,
        now: @escaping @Sendable () -> WallTime,
        isRevoked: @escaping @Sendable (Bearer) -> Bool = { _ in false }
    ) throws(TransportError) {
        self.delegate = delegate
        self.isRevoked = isRevoked
        let connections = Connections(nodesMax: configuration.limits.controlConnections)
        self.connections = connections
        limits = configuration.limits
        sessions = Sessions(limits: limits)
        let verifier = PeerVerifier(
            .node, trusting: configuration.anchors, clock: FleetClock(certain: now),
            admitsOld: configuration.admitsOld, isRevoked: isRevoked)
        func listener(_ address: String, _ verifier: PeerVerifier?, _ connectionsMax: Int)
            throws(TransportError) -> SecureListener
        {
            SecureListener(
                endpoint: try Endpoint(address),
                identity: verifier == nil
                    ? configuration.enrolmentIdentity : configuration.identity,
                verifier: verifier, gate: ConnectionGate(limit: connectionsMax),
                connections: connections, limits: configuration.limits, now: now,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
        }
        control = Server(
            transport: .init(
                listenerFactory: try listener(
                    configuration.control, verifier, limits.controlConnections),
                config: .control(limits)),
            services: [ControlCalls(sessions: sessions, delegate: delegate, limits: limits)],
            interceptors: [PeerGuard(delegate: delegate)])
        enrolment = Server(
            transport: .init(
                listenerFactory: try listener(
                    configuration.enrolment, nil, limits.enrolmentConnections),
                config: .enrolment(limits)),
            services: [EnrolmentCalls(delegate: delegate, desk: ReturnDesk(now: now))])
    }

    /// Serves until the task is cancelled or a listener fails.
    ///
    /// - Parameter ready: is called once, when both listen.
    package func run(
        ready: @Sendable (Ports) async -> Void
    ) async throws(TransportError) {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.control.serve() }
                group.addTask { try await self.enrolment.serve() }
                // Nil where a listener failed; its task says why.
                if let controlPort = await control.transport.listeningAddress?.port,
                    let enrolmentPort = await enrolment.transport.listeningAddress?.port
                {
                    await ready(Ports(control: controlPort, enrolment: enrolmentPort))
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as RuntimeError {
            if let cause = error.cause as? TransportError { throw cause }
            if Task.isCancelled { return }
            throw .cannotListen(address: "the control link", reason: "\(error)")
        } catch {
            if Task.isCancelled { return }
            throw .cannotListen(address: "the control link", reason: "\(error)")
        }
    }

    /// Queues a message; a session that is over or does not keep up loses it, and a next session
    /// starts from what the node has. Returns why a message could not be sent at all.
    @discardableResult
    package func send(_ message: HubMessage, to id: SessionID) -> LinkNotice? {
        guard let session = sessions[id] else { return nil }
        var frame = Skerry_Control_V1_HubFrame()
        do {
            frame.record = try RecordCodec.record(message)
        } catch {
            return .unsendableRecord(kind: message.recordKind, reason: "\(error)")
        }
        let bytes = frame.record.json.count
        guard bytes < limits.payloadBytes else {
            return .unsendableRecord(
                kind: message.recordKind, reason: "it has \(bytes) bytes of \(limits.payloadBytes)")
        }
        session.send(frame, bytes: bytes)
        // By its meaning nothing follows it.
        if case .retry = message { session.end(.closedByHub) }
        return nil
    }

    /// Makes a session the one of its node; an older one ends. Before that it may be a copy of the
    /// node that is about to be turned away, and replaces nobody.
    package func promote(_ id: SessionID) {
        if let session = sessions[id] { sessions.promote(session) }
    }

    /// Leaf first, what a node showed last to this process, and when; nil where it showed nothing yet.
    package func shown(
        by node: NodeID
    ) throws(CredentialError) -> (chain: [CertificateFacts], at: WallTime)? {
        guard let shown = connections.shown(by: node) else { return nil }
        var chain: [CertificateFacts] = []
        for certificate in shown.chain { chain.append(try CertificateReader.facts(certificate)) }
        return (chain, shown.at)
    }

    /// Ends what runs on connections of those who are revoked.
    package func endRevoked() { connections.end(isRevoked) }

    /// Ends a session after what is queued for it.
    package func close(_ id: SessionID) {
        sessions[id]?.end(.closedByHub)
    }

    /// Reads a log or runs a command on a node. Returns when the node has said the last frame, or
    /// throws; cancelling it hangs up.
    ///
    /// - Parameter output: gets one frame after the other; while it works the node waits.
    package func run(
        _ request: StreamRequest, on node: NodeID, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(TransportError) {
        guard let session = sessions[node] else { throw .notConnected(node) }
        let exchange = try sessions.open(request, on: session)
        defer { sessions.close(exchange, with: node) }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { await Self.pump(input, into: exchange.toNode) }
                group.addTask { try await exchange.watch(patience: self.limits.streamOpenTimeout) }
                while let frame = await exchange.fromNode.next() {
                    try await output(frame)
                    if frame.isLast { return }
                }
                try Task.checkCancellation()
                throw TransportError.stream(
                    reason: exchange.wasClaimed
                        ? "the link to node \(node) was lost"
                        : "node \(node) did not answer in time")
            }
        } catch let error as TransportError {
            throw error
        } catch {
            throw Task.isCancelled ? .cancelled : .stream(reason: "\(error)")
        }
    }

    private static func pump(
        _ input: AsyncStream<StreamFrame>, into pipe: Pipe<StreamFrame>
    ) async {
        for await frame in input {
            guard await pipe.send(frame) else { return }
        }
        // The node must not wait for more where the reader has nothing further to say.
        if !Task.isCancelled { _ = await pipe.send(.endOfInput) }
    }
}

extension HTTP2ServerTransport.Custom<SecureListener>.Config {
    fileprivate static func control(_ limits: Limits) -> Self {
        var config = Self.defaults
        config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(PeerStamp(), position: .first)
            }
        }
        config.rpc.maxRequestPayloadSize = limits.messageBytes
        config.http2.targetWindowSize = 256 << 10
        // The session, its streams, and one more session while a node replaces its own.
        config.http2.maxConcurrentStreams = limits.streamsPerSession + 2
        config.connection.keepalive.time = limits.keepaliveEvery
        config.connection.keepalive.timeout = limits.keepaliveTimeout
        config.connection.keepalive.clientBehavior.allowWithoutCalls = true
        config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .milliseconds(500)
        return config
    }

    fileprivate static func enrolment(_ limits: Limits) -> Self {
        var config = control(limits)
        config.rpc.maxRequestPayloadSize = limits.enrolmentBytes
        config.http2.maxConcurrentStreams = 1
        config.connection.maxAge = limits.enrolmentAge
        config.connection.maxGraceTime = .seconds(1)
        return config
    }
}

extension GRPCNIOTransportHTTP2Posix.SocketAddress {
    fileprivate var port: Int? { ipv4?.port ?? ipv6?.port }
}
