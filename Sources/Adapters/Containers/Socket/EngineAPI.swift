import AsyncHTTPClient
import FoundationEssentials
import Model
import NIOCore
import NIOHTTP1

/// Requests to a container engine that serves the Docker Engine API on a Unix socket.
///
/// Paths carry no version: Docker and Podman then answer in the newest one they know, and what is
/// used here has been the same in all of them.
struct EngineAPI: Sendable {
    /// The answer to one request, read whole.
    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]

        /// Whether what was asked for is not there. Podman says so with 500 while it removes it.
        var isAbsent: Bool { status == 404 || status == 500 && message.contains("no such ") }

        /// What the engine says in words.
        var message: String {
            struct Failure: Decodable { var message: String }
            do {
                return try JSONDecoder().decode(Failure.self, from: Data(body)).message
            } catch {
                return "status \(status): \(String(decoding: body.prefix(300), as: UTF8.self))"
            }
        }
    }

    static let answerMax = 16 * 1024 * 1024
    static let patience = Duration.seconds(60)

    let socketPath: String

    func get<Value: Decodable>(
        _ path: String, _ query: [String: String] = [:], as type: Value.Type
    ) async throws(EngineFailure) -> Value? {
        let answer = try await call(.GET, path, query)
        if answer.isAbsent { return nil }
        return try decode(answer, path)
    }

    func decode<Value: Decodable>(
        _ answer: Answer, _ path: String
    ) throws(EngineFailure) -> Value {
        guard (200..<300).contains(answer.status) else {
            throw EngineFailure(.refused, "the container engine: \(answer.message)")
        }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(answer.body))
        } catch {
            throw EngineFailure(
                .engineUnavailable,
                "cannot read what the engine at \(socketPath) answers to \(path): \(error); "
                    + "is it Podman or Docker?")
        }
    }

    func call(
        _ method: HTTPMethod, _ path: String, _ query: [String: String] = [:],
        body: (any Encodable & Sendable)? = nil, within limit: Duration = patience
    ) async throws(EngineFailure) -> Answer {
        let deadline = NIODeadline.now() + .nanoseconds(limit.nanoseconds)
        let response = try await open(method, path, query, body: body, deadline: deadline)
        do {
            let bytes = try await response.body.collect(upTo: EngineAPI.answerMax)
            return Answer(status: Int(response.status.code), body: Array(buffer: bytes))
        } catch {
            throw unreachable(error)
        }
    }

    /// A response whose body is still to come, with or without an end.
    func open(
        _ method: HTTPMethod, _ path: String, _ query: [String: String] = [:],
        body: (any Encodable & Sendable)? = nil, deadline: NIODeadline = .distantFuture
    ) async throws(EngineFailure) -> HTTPClientResponse {
        do {
            var request = HTTPClientRequest(
                url: "http+unix://\(encoded(socketPath))\(target(path, query))")
            request.method = method
            request.headers.add(name: "Host", value: "localhost")
            if let body {
                request.headers.add(name: "Content-Type", value: "application/json")
                request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
            }
            return try await HTTP.client.execute(request, deadline: deadline)
        } catch {
            throw unreachable(error)
        }
    }

    func target(_ path: String, _ query: [String: String]) -> String {
        let pairs = query.sorted { $0.key < $1.key }.map { "\($0.key)=\(encoded($0.value))" }
        return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
    }

    func unreachable(_ error: any Error) -> EngineFailure {
        EngineFailure(
            .engineUnavailable,
            "cannot reach the container engine at \(socketPath): \(words(error)); "
                + "start it (systemctl start podman.socket, or docker) or choose another one")
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
func encoded(_ text: String) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~".utf8)
    var result = ""
    for byte in text.utf8 {
        if plain.contains(byte) {
            result.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            let digits = String(byte, radix: 16, uppercase: true)
            result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
        }
    }
    return result
}
