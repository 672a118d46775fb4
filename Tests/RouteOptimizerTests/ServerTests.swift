import RouteOptimizing
import RouteServing
import Testing

@Suite(.timeLimit(.minutes(2))) struct ServerTests {
    @Test func `a posted route comes back as a tour that names the node and the mode`() throws {
        try serving { port in
            let answer = try ask(
                port, post(#"{"stops":[{"id":"a","lat":1,"lon":1},{"lat":2,"lon":2}]}"#))
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains(#"{"order":["a",1],"distance_km":314."#))
            #expect(answer.contains(#""late":[],"mode":"degraded","node":"edge","ms":"#))
        }
    }

    @Test func `health, readiness and metrics answer`() throws {
        try serving { port in
            _ = try ask(port, post(#"{"stops":[{"lat":1,"lon":1}]}"#))
            _ = try ask(port, post("{}"))
            #expect(try ask(port, get("/healthz")).hasSuffix("\r\n\r\nok\n"))
            #expect(try ask(port, get("/readyz?verbose")).contains("ready, degraded"))
            let metrics = try ask(port, get("/metrics"))
            #expect(metrics.contains("route_requests_total{mode=\"degraded\"} 1\n"))
            #expect(metrics.contains("route_refused_total 1\n"))
            #expect(metrics.contains("route_duration_seconds_count 1\n"))
        }
    }

    @Test(arguments: [
        ("BREW /route HTTP/1.1\r\n\r\n", "405"), ("GET /nowhere HTTP/1.1\r\n\r\n", "404"),
        ("POST /route HTTP/1.1\r\n\r\n", "411"), ("GET /healthz HTTP/9\r\n\r\n", "505"),
        ("POST /route HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", "413"),
        ("POST /route HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"),
        ("POST /route HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"),
        ("POST /route HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "501"),
        ("GET /healthz HTTP/1.1\r\nbad line\r\n\r\n", "400"), ("\0\0\0\r\n\r\n", "400"),
        ("GET /" + String(repeating: "a", count: 20_000), "431"),
        ("POST /route HTTP/1.1\r\nContent-Length: 3\r\n\r\n{x}", "400"),
    ])
    func `hostile requests get the status that fits`(request: String, status: String) throws {
        try serving { port in
            let answer = try ask(port, request)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(80))")
            #expect(try ask(port, get("/healthz")).contains("200 OK"))
        }
    }

    @Test func `one connection carries many requests, also sent at once`() throws {
        try serving { port in
            let many = String(repeating: "GET /healthz HTTP/1.1\r\n\r\n", count: 2000)
            let answers = try ask(port, many + get("/healthz"))
            #expect(answers.split(separator: "HTTP/1.1 200 OK").count == 2001)
        }
    }

    @Test func `a client that never finishes its request is told and dropped`() throws {
        try serving(limits: .tight) { port in
            let socket = try Socket(port: port)
            try socket.send("POST /route HTT")
            let answer = try socket.readAll()
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test func `idle clients do not keep others out for good`() throws {
        try serving(limits: .tight) { port in
            let idle = try (0..<8).map { _ in try Socket(port: port) }
            #expect(try ask(port, get("/healthz")).contains("200 OK"))
            #expect(idle.count == 8)
        }
    }

    @Test func `a stop finishes the request under way`() throws {
        let stop = try Bell()
        let server = try Server(host: "127.0.0.1", port: 0) { _ in
            .work {
                stop.ring()
                return HTTPResponse(text: "finished")
            }
        }
        let background = try Background { try server.run(until: stop) }
        let answer = try ask(server.port, get("/"))
        #expect(answer.contains("finished"))
        background.join(ringing: stop)
        #expect(throws: (any Error).self) { try Socket(port: server.port) }
    }

    @Test func `more work than the queue holds is turned away with a time to come back`() throws {
        let release = try Bell()
        let limits = Server.Limits.tight
        let stop = try Bell()
        let server = try Server(host: "127.0.0.1", port: 0, limits: limits) { _ in
            .work {
                while !release.take() { _ = release.wait(milliseconds: -1) }
                return HTTPResponse(text: "worked")
            }
        }
        let background = try Background { try server.run(until: stop) }
        defer { background.join(ringing: stop) }
        // One job runs and two wait, so of four at least one is too many.
        let sockets = try (0..<4).map { _ in try Socket(port: server.port) }
        for socket in sockets { try socket.send(get("/work")) }
        Socket.awaitAny(of: sockets)
        for _ in sockets { release.ring() }
        let answers = try sockets.map { try $0.readAll() }
        let refused = answers.filter { $0.hasPrefix("HTTP/1.1 503 ") }
        #expect(!refused.isEmpty)
        #expect(refused.allSatisfy { $0.contains("\r\nRetry-After: 1\r\n") })
        #expect(answers.count { $0.contains("worked") } + refused.count == 4)
    }

    @Test func `a port that is taken is reported`() throws {
        let first = try Server(host: "127.0.0.1", port: 0) { _ in .ready(HTTPResponse(text: "")) }
        #expect(throws: SystemFailure.self) {
            try Server(host: "127.0.0.1", port: first.port) { _ in .ready(HTTPResponse(text: "")) }
        }
    }
}
