import Hummingbird
import Model
import NIOCore

// The name is a valid token, so there is one.
let streamHeader = HTTPFields.Element.Name("X-Skerry-Stream")!
let streamMediaType = "application/vnd.skerry.stream"

extension Interface {
    /// Connects a client with a container: its body are the frames in, the answer the frames out.
    func stream(_ call: Call) async throws -> Response {
        let request = try call.streamRequest
        let node = call.query["node"].map { NodeID($0) }
        let verb: Verb =
            switch request.purpose {
            case .logs: .logs
            case .exec: .exec
            }
        var needs = [
            (verb, try await target(.instance, request.container.instance.description))
        ]
        if let node {
            // The node that is named gets the request, whatever is known of the instance.
            needs.append((verb, try await target(.node, node.text)))
        }
        for (verb, target) in needs {
            try await permit(verb, target, to: call, note: request.audited)
        }
        // An open shell may be silent for hours.
        try await call.channel.triggerUserOutboundEvent(IdleGuard.Patience.endless)
        return .flowing(streamMediaType, for: call.request) { [needs] body, outlet in
            do {
                try await converse(
                    request, on: node, reading: body, writing: outlet,
                    until: { try await lostStanding(of: call, needs) })
            } catch let refusal as Refusal {
                let isAbsence = refusal.code == .notFound
                try await outlet.send(
                    isAbsence ? .missing(refusal.message) : .failed(refusal.message))
            } catch let broken as BrokenInput {
                try await outlet.send(.failed(broken.message))
            }
            // A client that keeps its half open after the last frame is not waited for.
            try await call.channel.triggerUserOutboundEvent(IdleGuard.Patience.limited)
        }
    }

    /// Ends with the backend's run, or before it when what the client sends makes no sense.
    private func converse(
        _ request: StreamRequest, on node: NodeID?, reading body: RequestBody,
        writing outlet: Outlet, until lost: @escaping @Sendable () async throws -> Void
    ) async throws {
        let (broken, report) = AsyncStream.makeStream(of: BrokenInput.self)
        let reader = FrameReader(body, report: report)
        let input = AsyncStream(unfolding: { await reader.next() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { report.finish() }
                try await backend.run(request, on: node, input: input) { frame in
                    try await outlet.send(frame)
                }
            }
            group.addTask {
                do {
                    try await lost()
                } catch let refusal as Refusal {
                    report.yield(BrokenInput(message: refusal.message))
                }
            }
            for await mistake in broken { throw mistake }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Returns when nothing tells of changes; throws when whoever asked may not any longer.
    private func lostStanding(
        of call: Call, _ needs: [(verb: Verb, target: AccessTarget)]
    ) async throws {
        let signals = await backend.changes()
        try await lookAgain(on: signals) { try await checkStanding(of: call, needs) }
    }
}

/// What a client sent is not a sequence of frames, or not of those that it may send; or it may send
/// nothing any longer.
private struct BrokenInput: Error {
    let message: String
}

/// Reads frames from a request body as they are asked for, so that a client which sends faster
/// than the container reads is slowed down by its own connection.
///
/// Unchecked, since it belongs to one `AsyncStream` with one reader, which never asks for the next
/// frame before it has the last.
private final class FrameReader: @unchecked Sendable {
    private var chunks: RequestBody.AsyncIterator
    private var decoder = StreamFrameDecoder()
    private let report: AsyncStream<BrokenInput>.Continuation

    init(_ body: RequestBody, report: AsyncStream<BrokenInput>.Continuation) {
        chunks = body.makeAsyncIterator()
        self.report = report
    }

    func next() async -> StreamFrame? {
        do {
            while true {
                if let frame = try decoder.next() { return try admitted(frame) }
                guard let chunk = try await chunks.next() else { return try end() }
                decoder.append(Array(buffer: chunk))
            }
        } catch let error as StreamFrameError {
            report.yield(BrokenInput(message: error.description))
        } catch let error as BrokenInput {
            report.yield(error)
        } catch {
            // The connection broke; the answer is being cancelled for the same reason.
            report.yield(BrokenInput(message: "the connection broke: \(error)"))
        }
        return nil
    }

    private func admitted(_ frame: StreamFrame) throws -> StreamFrame {
        switch frame {
        case .input, .endOfInput, .resize: return frame
        case .output, .errorOutput, .exit, .failed, .missing:
            throw BrokenInput(message: "a client sent a frame that only a server sends")
        }
    }

    private func end() throws -> StreamFrame? {
        guard decoder.isBetweenFrames else {
            throw BrokenInput(message: "the input ended in the middle of a frame")
        }
        return nil
    }
}

extension Call {
    fileprivate var streamRequest: StreamRequest {
        get throws {
            guard let text = request.headers[streamHeader] else {
                throw Rejection.malformed(
                    "the header \(streamHeader.rawName) is missing: it says which stream to open")
            }
            guard let json = base64URLDecoded(text) else {
                throw Rejection.malformed("the header \(streamHeader.rawName) is not base64url")
            }
            return try decodedJSON(StreamRequest.self, from: ByteBuffer(bytes: json))
        }
    }
}
