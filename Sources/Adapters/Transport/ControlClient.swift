import GRPCCore
package import Model
import Synchronization

/// The agent's end of the control link. One call is one attempt: when to try again is decided by the
/// agent, which knows the fleet's window and what the hub asked for.
package struct ControlClient: Sendable {
    private let dialer: Dialer
    private let limits: Limits
    private let notice: @Sendable (LinkNotice) -> Void

    /// - Parameters:
    ///   - hub: `host:port` of the control link.
    ///   - trustRoots: PEM of the roots below which hubs are accepted.
    ///   - admitsOld: accepts also a hub's certificate of the kind that a root itself signed.
    ///   - serverName: the name that the hub's certificate must hold; nil takes the host of `hub`.
    ///   - clock: the time by which certificates are judged.
    package init(
        hub: String, identity: TLSIdentity, trustRoots: String, serverName: String? = nil,
        limits: Limits = .production, clock: FleetClock, admitsOld: Bool = false,
        notice: @escaping @Sendable (LinkNotice) -> Void
    ) throws(TransportError) {
        let endpoint = try Endpoint(hub)
        let name = serverName ?? endpoint.host
        let verifier: PeerVerifier
        do {
            verifier = try PeerVerifier(
                .hub(name: name), trustRoots: trustRoots, clock: clock, admitsOld: admitsOld)
        } catch {
            throw .identity(error)
        }
        dialer = Dialer(
            endpoint: endpoint, serverName: name, identity: identity, verifier: verifier,
            limits: limits, now: clock.now)
        self.limits = limits
        self.notice = notice
    }

    /// One session from connect to end. Returns when `outgoing` is finished and the hub has taken
    /// leave; throws why it ended otherwise.
    ///
    /// - Parameters:
    ///   - outgoing: begins with the hello. What cannot be sent is noticed and skipped.
    ///   - incoming: is called with one message after the other; while it works the hub waits.
    ///   - streams: what the hub asks for beside the session. It outlives the session if another
    ///     follows.
    package func session(
        outgoing: AsyncStream<NodeMessage>,
        incoming: @escaping @Sendable (HubMessage) async -> Void, streams: AgentStreams
    ) async throws(TransportError) {
        try await dialer.withConnection { client in
            let control = Skerry_Control_V1_Control.Client(wrapping: client)
            let carrier = streams.carrier(control)
            try await converse(control, outgoing) { frame, reader in
                switch frame.content {
                case .record(let record):
                    guard let message = reader.value(HubMessage.self, from: record) else { return }
                    if case .welcome = message { streams.move(to: carrier) }
                    try await deliver(message, to: incoming)
                case .openStream(let open): streams.open(open, on: carrier, reader)
                case nil: reader.skip(kind: "HubFrame")
                }
            }
            // The connection stays until its streams run on the next.
            await streams.vacate(carrier)
        }
    }

    private func converse(
        _ control: StreamCarrier.Control, _ outgoing: AsyncStream<NodeMessage>,
        hearing hear:
            @escaping @Sendable (Skerry_Control_V1_HubFrame, RecordReader) async throws -> Void
    ) async throws {
        let reader = RecordReader(notice: notice)
        let isLeaving = Mutex(false)
        try await control.session(options: options) { writer in
            for await message in outgoing {
                if let frame = frame(of: message) { try await writer.write(frame) }
            }
            if !Task.isCancelled { isLeaving.withLock { $0 = true } }
        } onResponse: { response in
            for try await frame in response.messages { try await hear(frame, reader) }
            guard isLeaving.withLock({ $0 }) else {
                throw TransportError.closed(reason: "the hub ended the session")
            }
        }
    }

    private func deliver(
        _ message: HubMessage, to incoming: @Sendable (HubMessage) async -> Void
    ) async throws {
        if case .retry(let after, let reason) = message {
            throw TransportError.refused(retryAfter: after, reason: reason)
        }
        await incoming(message)
    }

    /// Nil where the hub would end the session over it; the reason is noticed.
    private func frame(of message: NodeMessage) -> Skerry_Control_V1_NodeFrame? {
        do {
            var frame = Skerry_Control_V1_NodeFrame()
            frame.record = try RecordCodec.record(message)
            guard frame.record.json.count < limits.payloadBytes else {
                throw TransportError.garbled(
                    reason: "it has \(frame.record.json.count) bytes of \(limits.payloadBytes)")
            }
            return frame
        } catch {
            notice(.unsendableRecord(kind: message.recordKind, reason: "\(error)"))
            return nil
        }
    }

    private var options: CallOptions { CallOptions(limits) }
}

extension CallOptions {
    init(_ limits: Limits) {
        self = .defaults
        maxRequestMessageBytes = limits.messageBytes
        maxResponseMessageBytes = limits.messageBytes
        waitForReady = false
    }
}
