import AsyncHTTPClient
import Foundation
import Management
import Model
import NIOCore
import NIOHTTP1
import Testing

/// A directory for one test's socket, short enough for a socket path.
func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let directory = "/tmp/skm-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    do {
        let result = try await body(directory)
        try FileManager.default.removeItem(atPath: directory)
        return result
    } catch {
        try FileManager.default.removeItem(atPath: directory)
        throw error
    }
}

/// Runs a server while `body` runs, then stops it and waits for it.
func serving(
    _ backend: Fleet, on listener: Listener, limits: Limits = .production,
    surface: ManagementServer.Surface = .management,
    _ body: @escaping @Sendable (_ port: Int) async throws -> Void
) async throws {
    let server = ManagementServer(
        backend: backend, listener: listener, limits: limits, surface: surface)
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { port.finish() }
            try await server.run { port.yield($0) }
        }
        var listening = ports.makeAsyncIterator()
        if let port = await listening.next() { try await body(port) }
        group.cancelAll()
        try await group.waitForAll()
    }
}

/// A server on a Unix socket and a client for it.
func withSocket(
    _ fleet: Fleet, limits: Limits = .production,
    _ body: @escaping @Sendable (Client) async throws -> Void
) async throws {
    try await withDirectory { directory in
        let path = directory + "/s"
        try await serving(fleet, on: .unixSocket(path: path), limits: limits) { _ in
            try await withClient(base: unixBase(path)) { try await body($0) }
        }
    }
}

func unixBase(_ path: String) -> String {
    "http+unix://" + path.replacingOccurrences(of: "/", with: "%2F")
}

func withClient(
    base: String, configuration: HTTPClient.Configuration = .init(),
    _ body: (Client) async throws -> Void
) async throws {
    let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
        try await body(Client(http: http, base: base))
    } catch {
        try await http.shutdown()
        throw error
    }
    try await http.shutdown()
}

struct Client: Sendable {
    let http: HTTPClient
    let base: String

    struct Answer {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }

        func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try JSONDecoder().decode(type, from: Data(body))
        }
    }

    func send(
        _ method: HTTPMethod, _ path: String, _ body: String? = nil, headers: HTTPHeaders = [:]
    ) async throws -> Answer {
        let response = try await open(
            method, path, headers: headers, body: body.map { .bytes(ByteBuffer(string: $0)) })
        let bytes = try await response.body.collect(upTo: 64 << 20)
        return Answer(
            status: Int(response.status.code), headers: response.headers,
            body: Array(buffer: bytes))
    }

    func get(_ path: String) async throws -> Answer { try await send(.GET, path) }

    func open(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:],
        body: HTTPClientRequest.Body? = nil
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers = headers
        request.body = body
        return try await http.execute(request, timeout: .seconds(30))
    }
}

func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// Server-sent events out of a body, comments as events without data.
struct EventReader: ~Copyable {
    struct Message: Equatable {
        var event: String
        var data: String
        var id = ""
    }

    private var chunks: HTTPClientResponse.Body.AsyncIterator
    private var text = ""

    init(_ response: HTTPClientResponse) { chunks = response.body.makeAsyncIterator() }

    mutating func next() async throws -> Message? {
        while true {
            if let end = text.range(of: "\n\n") {
                let block = text[..<end.lowerBound]
                text = String(text[end.upperBound...])
                var message = Message(event: "", data: "")
                for line in block.split(separator: "\n") {
                    if line.hasPrefix("id: ") { message.id = String(line.dropFirst(4)) }
                    if line.hasPrefix("event: ") { message.event = String(line.dropFirst(7)) }
                    if line.hasPrefix("data: ") { message.data = String(line.dropFirst(6)) }
                    if line.hasPrefix(":") { message.event = "comment" }
                }
                return message
            }
            guard let chunk = try await chunks.next() else { return nil }
            text += String(buffer: chunk)
        }
    }

    /// The next that is no heartbeat.
    mutating func nextEvent() async throws -> Message? {
        while let message = try await next() {
            if message.event != "comment" { return message }
        }
        return nil
    }
}
