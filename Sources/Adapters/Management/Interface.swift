import Hummingbird
import Model
import NIOCore
import NIOSSL

/// Answers requests: finds the route, checks what is common to all, turns refusals into answers.
struct Interface: Sendable {
    let backend: any ManagementBackend
    let limits: Limits
    /// Whom a verified client certificate speaks for; nil where the transport has none.
    let identify: (@Sendable ([String]) -> Principal?)?
    private let table = RouteTable(Interface.routes)

    init(
        backend: any ManagementBackend, limits: Limits,
        identify: (@Sendable ([String]) -> Principal?)?
    ) {
        self.backend = backend
        self.limits = limits
        self.identify = identify
    }

    /// Throws only what must end the connection.
    func respond(to request: Request, on channel: any Channel) async throws -> Response {
        var response: Response
        do {
            let principal = try await principal(on: channel)
            try checkOrigin(of: request)
            response = try await route(request, of: principal, on: channel)
        } catch {
            guard let refusal = try refusalResponse(for: error, limits: limits) else { throw error }
            response = refusal
        }
        response.headers[.date] = httpDate(wallTimeNow())
        response.headers[.xContentTypeOptions] = "nosniff"
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func route(
        _ request: Request, of principal: Principal, on channel: any Channel
    ) async throws -> Response {
        switch table.match(request.method, request.uri.path) {
        case .route(let route, let parameters):
            let query = try readQuery(of: request, for: route)
            let call = Call(
                request: request, channel: channel, principal: principal, parameters: parameters,
                query: query)
            try await checkAccess(route.access, of: call)
            var response = try await route.respond(self, call)
            response.headers[requestIDHeader] = call.id
            return response
        case .otherMethods(let methods):
            let allowed = methods.map(\.rawValue).joined(separator: ", ")
            throw Rejection(
                .methodNotAllowed, .invalid,
                "\(request.uri.path) cannot be asked with \(request.method.rawValue): use \(allowed)"
            )
        case .nothing:
            throw Refusal(
                .notFound, "there is nothing at \(request.uri.path): /openapi.json lists what is")
        }
    }

    /// A misspelt `dryRun` must not apply for real, so what the route does not know is refused.
    private func readQuery(of request: Request, for route: Route) throws -> [String: String] {
        var query: [String: String] = [:]
        for (key, value) in request.uri.queryParameters where !key.isEmpty {
            guard route.query.contains(where: { $0.name == key }) else {
                let known = route.query.map { "'\($0.name)'" }.joined(separator: ", ")
                throw Rejection.malformed(
                    "there is no parameter '\(key)' here"
                        + (known.isEmpty ? ": leave it out" : ": the parameters are \(known)"))
            }
            query[String(key)] = String(value)
        }
        return query
    }

    /// Who opened the socket of a node, or whom the client's certificate names.
    private func principal(on channel: any Channel) async throws -> Principal {
        guard let identify else { return .console }
        let certificate = try await channel.nioSSL_peerCertificate().get()
        guard let certificate, let principal = identify(alternativeNames(of: certificate)) else {
            throw Refusal(
                .denied,
                "this certificate does not admit to management: use one that was made for a person"
                    + " or a tool, not that of a node")
        }
        return principal
    }

    /// A browser that holds a client certificate would lend it to any page that posts here.
    private func checkOrigin(of request: Request) throws {
        guard request.method != .get, request.method != .head, let origin = request.headers[.origin]
        else { return }
        guard let authority = request.head.authority, origin == "https://\(authority)" else {
            throw Refusal(.denied, "requests that a page of another origin makes are not accepted")
        }
    }
}

// The name is a valid token, so there is one.
private let requestIDHeader = HTTPFields.Element.Name("X-Request-Id")!

/// The names that a certificate vouches for: `dns:…`, `uri:…`, `email:…`.
private func alternativeNames(of certificate: NIOSSLCertificate) -> [String] {
    certificate._subjectAlternativeNames().compactMap { name in
        let prefix: String? =
            switch name.nameType {
            case .dnsName: "dns:"
            case .uri: "uri:"
            case .email: "email:"
            default: nil
            }
        return prefix.map { $0 + String(decoding: name.contents, as: UTF8.self) }
    }
}
