import Foundation
import Model
import NIOCore
import NIOHTTP1

/// One request as it goes out.
struct Request: Sendable {
    var method: HTTPMethod = .GET
    /// With query, already encoded.
    var path: String
    var headers: [(String, String)] = []
    var body: [UInt8]?
}

/// The bytes of an answer as they come in.
struct AnswerBody {
    fileprivate var parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    private(set) var isComplete = false

    fileprivate init(_ parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator) {
        self.parts = parts
    }

    fileprivate mutating func head() async throws -> HTTPResponseHead {
        while let part = try await parts.next() {
            // A 100 Continue is no answer yet.
            if case .head(let head) = part, head.status.code >= 200 { return head }
        }
        throw ClosedEarly()
    }

    /// The next piece; nil when the answer is complete.
    mutating func next() async throws -> [UInt8]? {
        guard !isComplete else { return nil }
        while let part = try await parts.next() {
            switch part {
            case .head: continue
            case .body(let buffer): return Array(buffer.readableBytesView)
            case .end:
                isComplete = true
                return nil
            }
        }
        throw ClosedEarly()
    }

    /// All of it, in one piece.
    mutating func whole(bytesMax: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await next() {
            bytes += piece
            guard bytes.count <= bytesMax else {
                throw Failure(
                    .failed, "the answer is larger than \(bytesMax >> 20) MiB; ask for less with -l"
                )
            }
        }
        return bytes
    }
}

/// The sending half of an exchange whose two halves run side by side.
struct Sending: Sendable {
    fileprivate let outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>

    func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
    }

    func finish() async throws { try await outbound.write(.end(nil)) }
}

extension Endpoint {
    /// Carries out one exchange. `body` is called once the answer has a status of success; any
    /// other answer is thrown as what the server says it is.
    func exchange<Result: Sendable>(
        _ request: Request, _ patience: Line.Patience = Line.Patience(),
        isDuplex: Bool = false,
        _ body: @Sendable (inout AnswerBody, Sending) async throws -> Result
    ) async throws -> Result {
        var line: Line?
        do {
            let opened = try await Line.open(self, patience)
            line = opened
            return try await opened.channel.executeThenClose { inbound, outbound in
                try await outbound.write(
                    contentsOf: parts(of: request, token: opened.token, isDuplex: isDuplex))
                var answer = AnswerBody(inbound.makeAsyncIterator())
                let head = try await answer.head()
                guard (200..<300).contains(head.status.code) else {
                    throw try await refusal(head.status, &answer)
                }
                return try await body(&answer, Sending(outbound: outbound))
            }
        } catch let failure as Failure {
            throw failure
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            try Task.checkCancellation()
            throw await Trouble(endpoint: self).failure(for: line?.witness.error ?? error)
        }
    }

    private func parts(
        of request: Request, token: String?, isDuplex: Bool
    ) -> [HTTPClientRequestPart] {
        var headers = HTTPHeaders(request.headers)
        if let token { headers.add(name: "Authorization", value: "Bearer \(token)") }
        headers.replaceOrAdd(name: "Host", value: host)
        headers.add(name: "User-Agent", value: "skerry")
        if isDuplex {
            headers.add(name: "Transfer-Encoding", value: "chunked")
        } else {
            headers.add(name: "Connection", value: "close")
            if let body = request.body {
                headers.add(name: "Content-Type", value: "application/json")
                headers.add(name: "Content-Length", value: String(body.count))
            }
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: request.method, uri: request.path, headers: headers)
        var parts: [HTTPClientRequestPart] = [.head(head)]
        if let body = request.body { parts.append(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
        if !isDuplex { parts.append(.end(nil)) }
        return parts
    }

    private var host: String {
        switch self {
        case .node: "localhost"
        case .hub(let address):
            (address.host.contains(":") ? "[\(address.host)]" : address.host) + ":\(address.port)"
        }
    }

    private func refusal(
        _ status: HTTPResponseStatus, _ answer: inout AnswerBody
    ) async throws -> any Error {
        let bytes = try await answer.whole(bytesMax: 4 << 20)
        do {
            return try JSONDecoder().decode(Refusal.self, from: Data(bytes))
        } catch {
            // Something between us and the server may answer in its place, in its own words.
            let text = String(decoding: bytes.prefix(200), as: UTF8.self)
            return Refusal(
                .init(status), "the server answered \(status.code) \(status.reasonPhrase): \(text)")
        }
    }
}

extension Refusal.Code {
    fileprivate init(_ status: HTTPResponseStatus) {
        self =
            switch status.code {
            case 401: .unauthenticated
            case 403: .denied
            case 429: .throttled
            case 404: .notFound
            case 409: .conflict
            case 400, 413, 422: .invalid
            default: .unavailable
            }
    }
}
