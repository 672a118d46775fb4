import Hummingbird
import Model
import NIOCore

/// One thing that can be asked of the server.
///
/// The table of these both answers requests and becomes the OpenAPI document, so that neither can
/// say what the other does not do.
struct Route: Sendable {
    struct Parameter: Sendable {
        var name: String
        var type: Schema
        var summary: String
    }

    /// A body, in a request or an answer.
    enum Content: Sendable {
        case json(Schema)
        case text(String)
    }

    /// What whoever asks must be permitted.
    enum Access: Sendable {
        /// That the process is there.
        case status
        case fleet(Verb)
        /// With the site in the path.
        case site(Verb)
        /// With the object in the path.
        case object(Verb)
        /// It depends on the body or on each item; the answer checks it.
        case body
    }

    let method: HTTPRequest.Method
    /// `/api/v1/{plural}/{name}`
    let path: String
    let summary: String
    let access: Access
    var query: [Parameter] = []
    var header: Parameter?
    var body: Content?
    var success: (status: Int, content: [Content]) = (200, [])
    /// Where it is not done at once: what now waits.
    var waits: Content?
    /// The refusals that belong to this request, beyond those that any request may meet.
    var refusals: [Int] = []
    /// Whether it may be an answer that goes on, and goes on where it broke.
    var flows: Bool {
        success.content.contains { if case .text("text/event-stream") = $0 { true } else { false } }
    }
    let respond: @Sendable (Interface, Call) async throws -> Response
}

/// A request that found its route.
struct Call: Sendable {
    let request: Request
    let channel: any Channel
    /// Names the request in its answer, the audit log and what is recorded of it: 16 hexadecimal digits.
    let id: String
    /// Who asks.
    let requester: Requester
    /// What stands in the place of `{plural}` and `{name}`.
    let parameters: [String: String]
    let query: [String: String]
}

/// All routes, in the order in which they are tried.
struct RouteTable: Sendable {
    enum Match {
        case route(Route, parameters: [String: String])
        case otherMethods([HTTPRequest.Method])
        case nothing
    }

    let routes: [Route]
    private let segments: [[Substring]]

    init(_ routes: [Route]) {
        self.routes = routes
        segments = routes.map { $0.path.split(separator: "/") }
    }

    func match(_ method: HTTPRequest.Method, _ path: String) -> Match {
        let wanted = path.split(separator: "/")
        let method = method == .head ? .get : method
        var others: [HTTPRequest.Method] = []
        for (route, pattern) in zip(routes, segments) {
            guard let parameters = captures(pattern, wanted) else { continue }
            if route.method == method { return .route(route, parameters: parameters) }
            others.append(route.method)
        }
        return others.isEmpty ? .nothing : .otherMethods(others)
    }

    private func captures(_ pattern: [Substring], _ path: [Substring]) -> [String: String]? {
        guard pattern.count == path.count else { return nil }
        var parameters: [String: String] = [:]
        for (expected, actual) in zip(pattern, path) {
            if expected.first == "{" {
                parameters[String(expected.dropFirst().dropLast())] = percentDecoded(actual)
            } else if expected != actual {
                return nil
            }
        }
        return parameters
    }
}
