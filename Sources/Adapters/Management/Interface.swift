import Hummingbird
import Model
import NIOCore
import NIOSSL

/// Answers requests: finds the route, checks what is common to all, turns refusals into answers.
struct Interface: Sendable {
    let backend: any ManagementBackend
    let limits: Limits
    /// Whom a verified client certificate speaks for; nil where the transport has none.
    let identify: TLSListener.Identify?
    let throttle: Throttle
    private let table: RouteTable

    init(
        backend: any ManagementBackend, limits: Limits,
        identify: TLSListener.Identify?, routes: [Route] = Interface.routes
    ) {
        table = RouteTable(routes)
        self.backend = backend
        self.limits = limits
        self.identify = identify
        throttle = Throttle(limits)
    }

    /// Throws only what must end the connection.
    func respond(to request: Request, on channel: any Channel) async throws -> Response {
        var response: Response
        let id = requestID()
        do {
            try checkOrigin(of: request)
            let requester = try await knownRequester(of: request, id, on: channel)
            try throttle.admit(requester)
            response = try await route(request, id, of: requester, on: channel)
        } catch {
            guard let refusal = try refusalResponse(for: error, limits: limits) else { throw error }
            response = refusal
        }
        response.headers[.date] = httpDate(wallTimeNow())
        response.headers[xRequestID] = id
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.strictTransportSecurity] =
            identify == nil ? nil : "max-age=31536000"
        // What is said here is for who asked, and for no page that shows it inside itself.
        response.headers[xFrameOptions] = "DENY"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func route(
        _ request: Request, _ id: String, of requester: Requester, on channel: any Channel
    ) async throws -> Response {
        switch table.match(request.method, request.uri.path) {
        case .route(let route, let parameters):
            let query = try readQuery(of: request, for: route)
            let call = Call(
                request: request, channel: channel, id: id, requester: requester,
                parameters: parameters, query: query)
            try await checkAccess(route.access, of: call)
            return try await route.respond(self, call)
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

    /// Who opened the socket of a node, whom a token speaks for, or whom the client's certificate names.
    ///
    /// A token that is shown decides alone: one that is not good is not made good by a certificate.
    func requester(
        of request: Request, on channel: any Channel
    ) async throws -> Requester {
        guard let identify else { return .console }
        let tokens = request.headers[values: .authorization]
        if !tokens.isEmpty {
            do {
                guard tokens.count == 1, let text = bearerToken(tokens[0]) else {
                    throw Refusal(
                        .unauthenticated, "the header Authorization is not 'Bearer TOKEN'")
                }
                return try await backend.bearer(of: text)
            } catch {
                // By where it comes from. Others behind the same address are not made to wait for it.
                try throttle.noteGuess(from: channel.remoteAddress?.ipAddress ?? "")
                throw error
            }
        }
        guard let certificate = try await channel.nioSSL_peerCertificate().get() else {
            throw Refusal(
                .unauthenticated,
                "nobody is known to ask: show a client certificate of this hub, or a token that "
                    + "'skerry token create --user NAME' made")
        }
        guard
            let principal = identify(
                alternativeNames(of: certificate),
                WallTime(milliseconds: Int64(certificate.notValidBefore) * 1000))
        else {
            throw Refusal(
                .denied,
                "this certificate does not admit to management: use one that was made for a person"
                    + " or a tool, not that of a node")
        }
        return Requester(principal, by: .certificate)
    }

    /// `Bearer TOKEN` (RFC 6750 section 2.1).
    private func bearerToken(_ field: String) -> String? {
        let words = field.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return String(words[1])
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

/// 16 hexadecimal digits: enough that nobody's request passes for another's.
private func requestID() -> String {
    let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

// These names are valid tokens, so there are such.
private let xRequestID = HTTPFields.Element.Name("X-Request-Id")!
private let xFrameOptions = HTTPFields.Element.Name("X-Frame-Options")!

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
