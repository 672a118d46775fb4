import Hummingbird
import Model
import NIOCore

/// The response body of a long answer, shared by the tasks that write to it. Each write goes out
/// whole and waits while the client does not read.
///
/// Unchecked, since Hummingbird's protocol does not promise what its HTTP/1 writer is: a value
/// around NIO's outbound writer, which puts writes of several tasks in order itself.
struct Outlet: @unchecked Sendable {
    private let writer: any ResponseBodyWriter

    init(_ writer: any ResponseBodyWriter) { self.writer = writer }

    func send(_ frame: StreamFrame) async throws {
        try await write(ByteBuffer(bytes: frame.encoded))
    }

    /// A server-sent event. The text of `value` has no line breaks, as the format demands.
    ///
    /// - Parameter id: what to ask with to go on behind it; nil where one cannot.
    func send(event: String, id: String? = nil, _ value: some Encodable) async throws {
        let json = try encodedJSON(value)
        var buffer = ByteBuffer()
        buffer.reserveCapacity(
            json.readableBytes + event.utf8.count + 18 + (id?.utf8.count ?? 0) + 5)
        if let id { buffer.writeString("id: \(id)\n") }
        buffer.writeString("event: \(event)\ndata: ")
        buffer.writeImmutableBuffer(json)
        buffer.writeString("\n\n")
        for piece in buffer.pieces { try await write(piece) }
    }

    func sendHeartbeat() async throws { try await write(ByteBuffer(string: ": heartbeat\n\n")) }

    private func write(_ buffer: ByteBuffer) async throws {
        var writer = writer
        try await writer.write(buffer)
    }
}

extension ByteBuffer {
    /// Small enough that each one written shows that the client still reads: a long answer on a
    /// slow link is not idle.
    var pieces: [ByteBuffer] {
        var rest = self
        var pieces: [ByteBuffer] = []
        while let piece = rest.readSlice(length: min(rest.readableBytes, 64 * 1024)),
            piece.readableBytes > 0
        {
            pieces.append(piece)
        }
        return pieces
    }
}

extension Response {
    /// An answer that flows while `produce` runs, and stops it when the client goes away.
    ///
    /// The connection is not used again: what the client sends meanwhile was taken for its end.
    static func flowing(
        _ type: String, for request: Request,
        _ produce: @escaping @Sendable (RequestBody, Outlet) async throws -> Void
    ) -> Response {
        let headers: HTTPFields = [
            .contentType: type, .cacheControl: "no-store", .connection: "close",
        ]
        let body = ResponseBody { writer in
            let outlet = Outlet(writer)
            try await request.body.consumeWithCancellationOnInboundClose { body in
                try await produce(body, outlet)
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }
}
