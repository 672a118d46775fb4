package import RouteOptimizing

/// One request, complete.
package struct HTTPRequest: Equatable, Sendable {
    package let method: String
    /// Without the query.
    package let path: String
    package let body: [UInt8]
    package let keepsAlive: Bool
}

/// One answer. The length and the connection header are added when it is sent.
package struct HTTPResponse: Equatable, Sendable {
    package var status: Int
    package var type: String
    package var body: String
    package var headers: [String] = []

    package init(status: Int, json: JSON) {
        self.status = status
        type = "application/json"
        body = json.text + "\n"
    }

    package init(status: Int = 200, text: String) {
        self.status = status
        type = "text/plain; charset=utf-8"
        body = text + "\n"
    }

    package static func refusal(_ status: Int, _ errors: [String]) -> HTTPResponse {
        HTTPResponse(
            status: status,
            json: .object([JSON.Field("errors", .array(errors.map { .string($0) }))]))
    }

    func bytes(keepsAlive: Bool) -> [UInt8] {
        let reason = HTTPResponse.reasons[status] ?? "Status"
        var head = "HTTP/1.1 \(status) \(reason)\r\nContent-Type: \(type)\r\n"
        head += "Content-Length: \(body.utf8.count)\r\n"
        for header in headers { head += header + "\r\n" }
        head += "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
        return Array(head.utf8) + Array(body.utf8)
    }

    private static let reasons = [
        200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
        408: "Request Timeout", 411: "Length Required", 413: "Content Too Large",
        431: "Request Header Fields Too Large", 501: "Not Implemented",
        503: "Service Unavailable", 505: "HTTP Version Not Supported",
    ]
}

/// Reads requests out of the bytes of one connection (RFC 9112), refusing what two readers could
/// understand differently.
struct HTTPReader {
    enum Step: Equatable {
        case more
        /// The client waits for permission to send its body.
        case permit
        case request(HTTPRequest)
        /// The connection cannot go on after this.
        case refuse(HTTPResponse)
    }

    static let headMax = 16 * 1024
    static let bodyMax = 1024 * 1024

    private struct Head {
        var method: String
        var path: String
        var length: Int
        var keepsAlive: Bool
        var expects: Bool
    }

    private var buffer: [UInt8] = []
    /// How much of `buffer` holds no end of a head.
    private var searched = 0
    private var head: Head?

    var isEmpty: Bool { buffer.isEmpty && head == nil }

    mutating func append(_ bytes: ArraySlice<UInt8>) { buffer += bytes }

    mutating func next() -> Step {
        if head == nil {
            guard let end = headEnd() else {
                return buffer.count > HTTPReader.headMax
                    ? refuse(431, "the head is longer than \(HTTPReader.headMax) bytes") : .more
            }
            do {
                head = try parse(buffer[..<end])
            } catch {
                return .refuse(error.response)
            }
            buffer.removeFirst(end + 4)
            searched = 0
        }
        guard var head else { return .more }
        guard buffer.count >= head.length else {
            guard head.expects, buffer.isEmpty else { return .more }
            head.expects = false
            self.head = head
            return .permit
        }
        let request = HTTPRequest(
            method: head.method, path: head.path, body: Array(buffer.prefix(head.length)),
            keepsAlive: head.keepsAlive)
        buffer.removeFirst(head.length)
        self.head = nil
        return .request(request)
    }

    private mutating func headEnd() -> Int? {
        var place = max(0, searched - 3)
        while place + 4 <= buffer.count {
            if buffer[place] == 13, buffer[place + 1] == 10, buffer[place + 2] == 13,
                buffer[place + 3] == 10
            {
                return place
            }
            place += 1
            if place > HTTPReader.headMax { return nil }
        }
        searched = buffer.count
        return nil
    }

    private struct Refusal: Error {
        let response: HTTPResponse
    }

    private func refuse(_ status: Int, _ text: String) -> Step {
        .refuse(.refusal(status, [text]))
    }

    private func parse(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> Head {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw refusal(400, "the head is not UTF-8")
        }
        // A line break is one character of Swift, and must be exactly CR LF here.
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[1].first == "/" else {
            throw refusal(400, "the first line is not METHOD /path HTTP/1.1")
        }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
            throw refusal(505, "speak HTTP/1.1")
        }
        var head = Head(
            method: String(words[0]), path: String(words[1].prefix { $0 != "?" }), length: 0,
            keepsAlive: words[2] == "HTTP/1.1", expects: false)
        var hasLength = false
        for line in lines.dropFirst() {
            let (name, value) = try field(line)
            switch name {
            case "content-length":
                guard !hasLength, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                    let length = Int(value)
                else { throw refusal(400, "Content-Length must be one number") }
                guard length <= HTTPReader.bodyMax else {
                    throw refusal(413, "the body is longer than \(HTTPReader.bodyMax) bytes")
                }
                head.length = length
                hasLength = true
            case "transfer-encoding": throw refusal(501, "send a Content-Length")
            case "connection":
                let options = value.lowercased()
                if options.contains("close") { head.keepsAlive = false }
                if options.contains("keep-alive") { head.keepsAlive = true }
            case "expect": head.expects = value.lowercased() == "100-continue"
            default: break
            }
        }
        guard hasLength || head.method != "POST" else {
            throw refusal(411, "send a Content-Length")
        }
        return head
    }

    private func field(_ line: Substring) throws(Refusal) -> (String, Substring) {
        guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else { throw refusal(400, "a header line is not Name: value") }
        var value = line[line.utf8.index(after: colon)...]
        while value.first == " " || value.first == "\t" { value.removeFirst() }
        while value.last == " " || value.last == "\t" { value.removeLast() }
        return (line[..<colon].lowercased(), value)
    }

    private func refusal(_ status: Int, _ text: String) -> Refusal {
        Refusal(response: .refusal(status, [text]))
    }
}
