import GRPCCore
import Model

/// The calls of nodes that showed their certificate.
struct ControlCalls: Skerry_Control_V1_Control.ServiceProtocol {
    let sessions: Sessions
    let delegate: any ControlDelegate
    let limits: Limits

    func session(
        request: StreamingServerRequest<Skerry_Control_V1_NodeFrame>, context: ServerContext
    ) async throws -> StreamingServerResponse<Skerry_Control_V1_HubFrame> {
        let (node, site) = try PeerGuard.peer(in: request.metadata)
        let device = request.metadata[stringValues: PeerStamp.device].first { _ in true }
        return StreamingServerResponse { writer in
            let session = sessions.add(node)
            defer { sessions.remove(session) }
            switch await delegate.opened(
                session.id, node: node, site: site, device: device)
            {
            case .refuse(let retryAfter, let reason):
                var frame = Skerry_Control_V1_HubFrame()
                frame.record = try RecordCodec.record(
                    HubMessage.retry(after: retryAfter, reason: reason))
                try await writer.write(frame)
            case .admit:
                let outcome: Result<Void, any Error>
                do {
                    outcome = .success(
                        try await converse(session, site, request.messages, writer))
                } catch {
                    outcome = .failure(error)
                }
                // First out of the table, so that nothing is sent into a session that is over.
                sessions.remove(session)
                await delegate.closed(session.id)
                try outcome.get()
            }
            return [:]
        }
    }

    func stream(
        request: StreamingServerRequest<Skerry_Control_V1_StreamPart>, context: ServerContext
    ) async throws -> StreamingServerResponse<Skerry_Control_V1_StreamPart> {
        let (node, _) = try PeerGuard.peer(in: request.metadata)
        return StreamingServerResponse { writer in
            let call = StreamCall()
            try await firstToEnd { group in
                group.addTask {
                    try await receive(request.messages, by: node, in: call)
                }
                group.addTask {
                    defer { call.written.finish() }
                    try await send(to: writer, in: call)
                }
            }
            return [:]
        }
    }

    private func converse(
        _ session: Session, _ site: SiteID,
        _ frames: RPCAsyncSequence<Skerry_Control_V1_NodeFrame, any Error>,
        _ writer: RPCWriter<Skerry_Control_V1_HubFrame>
    ) async throws {
        try await firstToEnd { group in
            group.addTask { try await listen(to: frames, in: session, site) }
            group.addTask {
                while let frame = await session.outbox.next() { try await writer.write(frame) }
            }
            group.addTask { try await watchEnd(of: session) }
        }
    }

    private func listen(
        to frames: RPCAsyncSequence<Skerry_Control_V1_NodeFrame, any Error>, in session: Session,
        _ site: SiteID
    ) async throws {
        let notices = Pipe<LinkNotice>(countMax: 16)
        let reader = RecordReader { notice in _ = notices.offer(notice) }
        var greeted = false
        for try await frame in frames {
            let message = reader.value(NodeMessage.self, from: frame.record)
            while let notice = notices.poll() { await delegate.noticed(notice, on: session.id) }
            guard let message else { continue }
            if case .hello(let hello) = message {
                guard hello.node == session.node, hello.site == site else {
                    throw RPCError(
                        code: .permissionDenied,
                        message:
                            "it says it is \(hello.node) at \(hello.site), and its certificate "
                            + "is that of \(session.node) at \(site)")
                }
                greeted = true
            }
            guard greeted else {
                throw RPCError(code: .invalidArgument, message: "a session begins with a hello")
            }
            await delegate.received(message, from: session.id)
        }
    }

    /// Ends a session whose node may not even be reading.
    private func watchEnd(of session: Session) async throws {
        switch await session.ends.next() {
        case .replaced?:
            // A node that knows of the newer one leaves by itself, and takes its streams along.
            try await Task.sleep(for: limits.handshakeTimeout)
            throw RPCError(code: .aborted, message: "a newer session of the same node replaces it")
        case .overflow?:
            throw RPCError(code: .aborted, message: "the node does not keep up with the hub")
        case .closedByHub?:
            // What is queued gets its time; a node that does not read does not keep the session.
            try await Task.sleep(for: limits.handshakeTimeout)
        case .left?, nil: break
        }
    }

    private func receive(
        _ parts: RPCAsyncSequence<Skerry_Control_V1_StreamPart, any Error>, by node: NodeID,
        in call: StreamCall
    ) async throws {
        let reader = RecordReader { _ in }
        var exchange: Exchange?
        var isLeaving = false
        defer {
            call.claimed.finish()
            // What the node said still reaches its reader; then the reader sees the end.
            if !isLeaving { exchange?.fromNode.finish() }
        }
        for try await part in parts {
            guard let exchange else {
                guard case .id(let id) = part.content, let found = sessions.claim(id, by: node)
                else { throw RPCError(code: .notFound, message: "no such stream was asked for") }
                exchange = found
                _ = await call.claimed.send(found)
                continue
            }
            if case .id(exchange.id) = part.content {
                isLeaving = true
                exchange.toNode.interrupt()
                await call.written.next()
                return exchange.release()
            }
            guard let frame = reader.frame(from: part) else { continue }
            guard await exchange.fromNode.send(frame) else { return }
        }
    }

    /// Returns when the node goes on elsewhere; what was not written waits for it there.
    private func send(
        to writer: RPCWriter<Skerry_Control_V1_StreamPart>, in call: StreamCall
    ) async throws {
        guard let exchange = await call.claimed.next() else { return }
        while true {
            switch await exchange.toNode.arrival() {
            case .element(let frame): try await writer.write(Skerry_Control_V1_StreamPart(frame))
            case .interruption: return
            case .end:
                try Task.checkCancellation()
                throw RPCError(code: .aborted, message: "nobody reads this stream any longer")
            }
        }
    }
}

/// What the two halves of one call of a stream tell each other.
private struct StreamCall: Sendable {
    let claimed = Pipe<Exchange>(countMax: 1)
    /// Finished when nothing more is written.
    let written = Pipe<Void>(countMax: 1)
}

/// Runs children until one of them ends, then the others are cancelled.
private func firstToEnd(
    _ body: (inout ThrowingTaskGroup<Void, any Error>) -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        body(&group)
        defer { group.cancelAll() }
        try await group.next()
    }
}

/// The one call that needs no certificate: the one for getting it.
struct EnrolmentCalls: Skerry_Control_V1_Enrolment.SimpleServiceProtocol {
    let delegate: any ControlDelegate
    let desk: ReturnDesk

    func enrol(
        request: Skerry_Control_V1_EnrolRequest, context: ServerContext
    ) async throws -> Skerry_Control_V1_EnrolReply {
        if case .value(let wish) = RecordCodec.read(ReturnRequest.self, from: request.request) {
            return try await answer(wish)
        }
        if case .value(let wish) = RecordCodec.read(JoinRequest.self, from: request.request) {
            return try await answer(wish)
        }
        guard case .value(let wish) = RecordCodec.read(EnrolmentRequest.self, from: request.request)
        else {
            throw RPCError(code: .invalidArgument, message: "the enrolment request cannot be read")
        }
        var reply = Skerry_Control_V1_EnrolReply()
        do {
            reply.enrolment = try RecordCodec.record(try await delegate.enrol(wish))
        } catch let refusal as Refusal {
            reply.refusal = try RecordCodec.record(refusal)
        } catch {
            throw RPCError(code: .internalError, message: "the hub could not enrol; see its log")
        }
        return reply
    }

    private func answer(_ wish: JoinRequest) async throws -> Skerry_Control_V1_EnrolReply {
        var reply = Skerry_Control_V1_EnrolReply()
        do {
            guard desk.accepts(wish.proof) else {
                throw Refusal(.denied, "the proof of the device key is not good; try again")
            }
            reply.enrolment = try RecordCodec.record(try await delegate.join(wish))
        } catch let refusal as Refusal {
            reply.refusal = try RecordCodec.record(refusal)
        } catch {
            throw RPCError(code: .internalError, message: "the hub could not enrol; see its log")
        }
        return reply
    }

    private func answer(_ wish: ReturnRequest) async throws -> Skerry_Control_V1_EnrolReply {
        var reply = Skerry_Control_V1_EnrolReply()
        do {
            switch wish {
            case .begin(let node):
                reply.enrolment = try RecordCodec.record(desk.challenge(for: node))
            case .prove(let proof):
                guard desk.accepts(proof) else {
                    throw Refusal(.denied, "the proof of the device key is not good; try again")
                }
                reply.enrolment = try RecordCodec.record(try await delegate.readmit(proof))
            }
        } catch let refusal as Refusal {
            reply.refusal = try RecordCodec.record(refusal)
        } catch {
            throw RPCError(
                code: .internalError, message: "the hub could not readmit the node; see its log")
        }
        return reply
    }
}
