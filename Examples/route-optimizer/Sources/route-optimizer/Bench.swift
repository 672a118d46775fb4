import Glibc
import RouteOptimizing
import RouteServing

/// Requests of 200 stops over a real connection, one after another, against a server in this very
/// process; what is printed is what a caller waits.
struct Bench {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let stops = 200
    static let goalMilliseconds = 100.0

    let requests: Int

    func run() throws {
        let stop = try Bell()
        let routes = Routes(node: "bench", feed: nil)
        let server = try Server(host: "127.0.0.1", port: 0) { routes.answer($0) }
        let thread = try Thread {
            do { try server.run(until: stop) } catch { say("\(error)") }
        }
        defer {
            stop.ring()
            thread.join()
        }
        print("route-optimizer: \(requests) requests of \(Bench.stops) stops, one at a time")
        for hasWindows in [false, true] { try measure(hasWindows: hasWindows, port: server.port) }
    }

    private func measure(hasWindows: Bool, port: Int) throws {
        var chance = Chance(state: 1)
        var waits: [Double] = []
        var (kilometres, nearest, late) = (0.0, 0.0, 0)
        for _ in 0..<requests {
            let request = scattered(hasWindows: hasWindows, chance: &chance)
            let begin = now()
            let answer = try ask(port, text(request))
            waits.append(Double(now() - begin) / 1000)
            guard case .object(let fields) = try JSON(parsing: answer) else {
                throw Failure(description: "the answer is not an object")
            }
            for field in fields {
                switch (field.name, field.value) {
                case ("distance_km", .number(let value)): kilometres += value
                case ("late", .array(let stops)): late += stops.count
                default: break
                }
            }
            nearest += Tour(nearestNeighbour: request).kilometres
        }
        waits.sort()
        let p99 = waits[min(requests - 1, requests * 99 / 100)]
        let verdict = p99 < Bench.goalMilliseconds ? "reached" : "MISSED"
        print(hasWindows ? "half the stops with a window:" : "no windows:")
        print("  p50 \(shown(waits[requests / 2])) ms, p99 \(shown(p99)) ms")
        print("  goal: p99 under \(shown(Bench.goalMilliseconds)) ms: \(verdict)")
        let share = 100 * kilometres / nearest
        let mean = kilometres / Double(requests)
        print("  tour \(shown(mean)) km, \(shown(share)) % of always driving to the nearest")
        if hasWindows { print("  reached late: \(late) stops of \(requests * Bench.stops)") }
    }

    /// Stops in a square of about 33 km. Half the windows, where there are any, lie around the time
    /// at which the nearest-neighbour tour passes, so that all of them can be kept.
    private func scattered(hasWindows: Bool, chance: inout Chance) -> RouteRequest {
        var request = RouteRequest(
            stops: (0..<Bench.stops).map { index in
                RouteRequest.Stop(
                    label: .number(Double(index)),
                    latitude: Double.random(in: 48..<48.3, using: &chance),
                    longitude: Double.random(in: 11..<11.45, using: &chance), service: 2)
            })
        guard hasWindows else { return request }
        let distances = Distances(request.stops)
        let order = Tour(nearestNeighbour: request).order
        var clock = request.depart
        for (from, to) in zip(order, order.dropFirst()) {
            clock += Double(distances[from, to]) * 60 / request.speed + 2
            guard clock < 1380, Bool.random(using: &chance) else { continue }
            let begin = max(0, (clock - Double.random(in: 10..<60, using: &chance)).rounded(.down))
            request.stops[to].window = RouteRequest.Window(from: begin, to: clock.rounded(.up) + 40)
        }
        return request
    }

    private func text(_ request: RouteRequest) -> String {
        let stops = request.stops.map { stop in
            var text = "{\"lat\":\(stop.latitude),\"lon\":\(stop.longitude),\"service\":2"
            if let window = stop.window {
                text += ",\"window\":{\"from\":\"\(time(window.from))\","
                text += "\"to\":\"\(time(window.to))\"}"
            }
            return text + "}"
        }
        return "{\"stops\":[\(stops.joined(separator: ","))]}"
    }

    private func time(_ minutes: Double) -> String {
        func pair(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(pair(Int(minutes) / 60)):\(pair(Int(minutes) % 60))"
    }

    private func shown(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    /// Microseconds.
    private func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    /// Posts `body` and returns the body of the answer.
    private func ask(_ port: Int, _ body: String) throws -> [UInt8] {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(number) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isOpen = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        let head = "POST /route HTTP/1.0\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        var rest = Array((head + body).utf8)[...]
        while isOpen, !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(number, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while rest.isEmpty {
            let count = recv(number, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            answer += buffer[..<count]
        }
        let text = String(decoding: answer, as: UTF8.self)
        guard text.hasPrefix("HTTP/1.1 200 "), let body = text.firstRange(of: "\r\n\r\n") else {
            throw Failure(description: "the server answered '\(text.prefix(200))'")
        }
        return Array(text[body.upperBound...].utf8)
    }
}

private struct Chance: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
