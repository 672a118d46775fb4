import Glibc
import RouteOptimizing
import Synchronization

/// What the route optimiser answers, and what it counts.
package final class Routes: Sendable {
    private struct Counts {
        var answers: [RouteMode: Int] = [:]
        var refused = 0
        var late = 0
        var milliseconds = 0.0
    }

    private let node: String
    private let feed: TravelTimeFeed?
    private let counts = Mutex(Counts())

    package init(node: String, feed: TravelTimeFeed?) {
        self.node = node
        self.feed = feed
    }

    package func answer(_ request: HTTPRequest) -> Server.Answer {
        switch (request.method, request.path) {
        case ("POST", "/route"): return .work { [self] in route(request.body) }
        case ("GET", "/healthz"): return .ready(HTTPResponse(text: "ok"))
        case ("GET", "/readyz"): return .ready(HTTPResponse(text: "ready, \(mode.rawValue)"))
        case ("GET", "/metrics"): return .ready(HTTPResponse(text: metrics()))
        case (_, "/route"): return .ready(wrongMethod(allowed: "POST"))
        case (_, "/healthz"), (_, "/readyz"), (_, "/metrics"):
            return .ready(wrongMethod(allowed: "GET"))
        default:
            let paths = "POST /route, GET /healthz, GET /readyz, GET /metrics"
            return .ready(.refusal(404, ["no such path; there are \(paths)"]))
        }
    }

    private var mode: RouteMode { feed?.factors == nil ? .degraded : .full }

    private func wrongMethod(allowed: String) -> HTTPResponse {
        var response = HTTPResponse.refusal(405, ["use \(allowed)"])
        response.headers = ["Allow: \(allowed)"]
        return response
    }

    private func route(_ body: [UInt8]) -> HTTPResponse {
        let start = microseconds()
        let request: RouteRequest
        do {
            request = try RouteRequest(parsing: body)
        } catch {
            counts.withLock { $0.refused += 1 }
            return .refusal(400, error.texts)
        }
        let factors = feed?.factors
        let mode = factors == nil ? RouteMode.degraded : .full
        let tour = Tour(solving: request, factors: factors ?? .free)
        let milliseconds = Double(microseconds() - start) / 1000
        counts.withLock {
            $0.answers[mode, default: 0] += 1
            $0.late += tour.late.count
            $0.milliseconds += milliseconds
        }
        return HTTPResponse(
            status: 200,
            json: tour.answer(to: request, mode: mode, node: node, milliseconds: milliseconds))
    }

    private func microseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    /// Prometheus text format.
    private func metrics() -> String {
        let counts = counts.withLock { $0 }
        let answers = RouteMode.allCases.map { ($0.rawValue, counts.answers[$0] ?? 0) }
        let count = answers.reduce(0) { $0 + $1.1 }
        var lines = ["# TYPE route_requests_total counter"]
        lines += answers.map { "route_requests_total{mode=\"\($0.0)\"} \($0.1)" }
        lines += [
            "# TYPE route_refused_total counter", "route_refused_total \(counts.refused)",
            "# TYPE route_late_stops_total counter", "route_late_stops_total \(counts.late)",
            "# TYPE route_duration_seconds summary",
            "route_duration_seconds_sum \(counts.milliseconds / 1000)",
            "route_duration_seconds_count \(count)",
            "# HELP route_mode_full 1 with a fresh travel-time feed, 0 degraded.",
            "# TYPE route_mode_full gauge", "route_mode_full \(mode == .full ? 1 : 0)",
        ]
        return lines.joined(separator: "\n")
    }
}
