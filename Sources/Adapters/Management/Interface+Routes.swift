import Hummingbird
import Model
import NIOCore

extension Interface {
    static let routes: [Route] =
        pages + people + questions + audits + identityRoutes + approvalRoutes + collections
        + changes
        + conversations

    private static let pages: [Route] = [
        Route(
            method: .get, path: "/", summary: "A page that shows sites, nodes and workloads.",
            access: .fleet(.get),
            success: (200, [.text("text/html")]), respond: { try await $0.page($1) }),
        Route(
            method: .get, path: "/style.css", summary: "The look of that page.", access: .status,
            success: (200, [.text("text/css")]),
            respond: { _, _ in .text(StatusPage.style, type: "text/css; charset=utf-8") }),
        Route(
            method: .get, path: "/healthz", summary: "Whether the process answers.",
            access: .status,
            success: (200, [.text("text/plain")]), respond: { _, _ in .text("ok\n") }),
        Route(
            method: .get, path: "/readyz", summary: "Whether requests are taken.", access: .status,
            success: (200, [.text("text/plain")]),
            respond: { interface, _ in
                // The backend has to get a turn: a process that is stuck is not ready.
                _ = await interface.backend.info()
                return .text("ok\n")
            }),
        Route(
            method: .get, path: "/metrics", summary: "Figures for Prometheus.",
            access: .fleet(.get),
            success: (200, [.text("text/plain")]),
            respond: { interface, _ in
                .text(await interface.backend.metrics(), type: "text/plain; version=0.0.4")
            }),
        Route(
            method: .get, path: "/openapi.json", summary: "This document.", access: .status,
            success: (200, [.json(.object)]),
            respond: { interface, _ in
                let info = await interface.backend.info()
                return try .json(openAPIDocument(of: routes, version: info.version))
            }),
        Route(
            method: .get, path: "/api/v1/info", summary: "Who answers.", access: .status,
            success: (200, [.json(.named("ServerInfo"))]),
            respond: { interface, _ in try .json(await interface.backend.info()) }),
    ]

    private static let collections: [Route] = [
        Route(
            method: .get, path: "/api/v1/events", summary: "What happened lately, oldest first.",
            access: .fleet(.get),
            query: [
                .init(name: "limit", type: .integer, summary: "How many of the newest."),
                .init(name: "watch", type: .boolean, summary: "Keep sending what is new."),
            ],
            success: (200, [.json(.named("EventList")), .text("text/event-stream")]),
            respond: { try await $0.events($1) }),
        Route(
            method: .get, path: "/api/v1/decisions",
            summary: "Who was allowed to do what lately, or was not, and why; oldest first.",
            access: .fleet(.get),
            query: [
                .init(
                    name: "about", type: .string,
                    summary: "Only these: `Workload/NAME`, `Instance/NAME` or `Node/NAME`."),
                .init(name: "limit", type: .integer, summary: "How many of the newest."),
                .init(name: "watch", type: .boolean, summary: "Keep sending what is new."),
            ],
            success: (200, [.json(.named("DecisionList")), .text("text/event-stream")]),
            respond: { try await $0.decisions($1) }),
        Route(
            method: .get, path: "/api/v1/authority/{site}",
            summary: "Who may decide what at a site, and where its nodes stand.",
            access: .site(.get),
            success: (200, [.json(.named("AuthorityReport"))]), refusals: [404],
            respond: { try await $0.authority($1) }),
        Route(
            method: .get, path: "/api/v1/conflicts",
            summary: "About what hub and nodes differ, until a person chooses.",
            access: .fleet(.get), query: paging,
            success: (200, [.json(.named("ConflictList"))]), refusals: [403, 409],
            respond: { interface, call in
                try .json(try interface.page(try await interface.backend.conflicts(), for: call))
            }),
        Route(
            method: .get, path: "/api/v1/compliance",
            summary: "What came of judging every decision of nodes by the policy that it names.",
            access: .fleet(.get),
            query: [.init(name: "site", type: .string, summary: "Of this site alone.")],
            success: (200, [.json(.named("ComplianceReport"))]), refusals: [403, 404],
            respond: { interface, call in
                let site = call.query["site"].map { SiteID($0) }
                return try .json(try await interface.backend.compliance(of: site))
            }),
        Route(
            method: .get, path: "/api/v1/mesh",
            summary: "Who sees whom in the meshes of the sites, by each node's own word.",
            access: .fleet(.get),
            query: [.init(name: "site", type: .string, summary: "Of this site alone.")] + paging,
            success: (200, [.json(.named("MeshReport"))]), refusals: [403, 404, 409],
            respond: { interface, call in
                let site = call.query["site"].map { SiteID($0) }
                return try .json(
                    try interface.page(try await interface.backend.mesh(of: site), for: call))
            }),
        Route(
            method: .get, path: "/api/v1/services",
            summary: "What serves, and where: nearest and least loaded first.",
            access: .fleet(.get), query: paging,
            success: (200, [.json(.named("ServiceList"))]), refusals: [403, 409],
            respond: { interface, call in
                try .json(try interface.page(await interface.backend.services(), for: call))
            }),
        Route(
            method: .get, path: "/api/v1/mesh/holdings",
            summary: "Which node has which revision of policies and of its site.",
            access: .fleet(.get),
            query: [.init(name: "site", type: .string, summary: "Of this site alone.")] + paging,
            success: (200, [.json(.named("MeshHoldings"))]), refusals: [403, 404, 409],
            respond: { interface, call in
                let site = call.query["site"].map { SiteID($0) }
                let holdings = try await interface.backend.meshHoldings(of: site)
                return try .json(try interface.page(holdings, for: call))
            }),
        Route(
            method: .get, path: "/api/v1/mesh/traces",
            summary: "How records of the mesh came to this node, and who has them.",
            access: .fleet(.get),
            query: [
                .init(name: "record", type: .string, summary: "Its key, its name or its origin.")
            ] + paging,
            success: (200, [.json(.named("MeshTraces"))]), refusals: [403, 409],
            respond: { interface, call in
                let record = call.query["record"] ?? ""
                let traces = try await interface.backend.meshTraces(of: String(record))
                return try .json(try interface.page(traces, for: call))
            }),
        Route(
            method: .get, path: "/api/v1/changes",
            summary: "What people changed at nodes, and how it stands beside the hub's word.",
            access: .fleet(.get), query: paging,
            success: (200, [.json(.named("LocalChangeList"))]), refusals: [409],
            respond: { interface, call in
                try .json(try interface.page(await interface.backend.localChanges(), for: call))
            }),
        Route(
            method: .get, path: "/api/v1/{plural}", summary: "All objects of one kind.",
            access: .body,
            query: [
                .init(
                    name: "labelSelector", type: .string,
                    summary: "Labels that they carry: `a=b,c!=d,e,!f`. Where they belong counts as"
                        + " labels: `site`, `node`, `workload` and `tier`."),
                .init(name: "watch", type: .boolean, summary: "Keep sending what changes."),
            ] + paging,
            success: (200, [.json(.named("ObjectList")), .text("text/event-stream")]),
            refusals: [404, 409], respond: { try await $0.list($1) }),
        Route(
            method: .get, path: "/api/v1/{plural}/{name}", summary: "One object.",
            access: .object(.get),
            success: (200, [.json(.named("Object"))]), refusals: [404],
            respond: { try await $0.get($1) }),
    ]

    private static let changes: [Route] = [
        Route(
            method: .post, path: "/api/v1/apply",
            summary: "Makes objects what the request says they are: all of them or none.",
            access: .body,
            query: [.init(name: "dryRun", type: .boolean, summary: "Only say what would change.")],
            body: .json(.named("ApplyRequest")),
            success: (200, [.json(.named("ApplyAnswer"))]), waits: .json(.named("Approval")),
            refusals: [403, 409, 413, 422, 503],
            respond: { try await $0.apply($1) }),
        Route(
            method: .delete, path: "/api/v1/{plural}/{name}", summary: "Removes one object.",
            access: .body,
            success: (204, []), waits: .json(.named("Approval")),
            refusals: [403, 404, 409, 422, 503],
            respond: { try await $0.delete($1) }),
        Route(
            method: .patch, path: "/api/v1/{plural}/{name}",
            summary:
                "Changes labels, where null removes one, cordons a node, or ends its conflict with"
                + " the hub by keeping the word of one of them.", access: .body,
            body: .json(.named("Edit")), success: (200, [.json(.named("Object"))]),
            refusals: [403, 404, 409, 413, 422, 503], respond: { try await $0.edit($1) }),
        Route(
            method: .post, path: "/api/v1/resolve",
            summary: "Settles what was changed at a node: the hub's word stays, or the node's holds"
                + " for all.", access: .fleet(.resolve),
            body: .json(.named("Resolution")), success: (204, []),
            refusals: [403, 404, 409, 413, 422, 503], respond: { try await $0.resolve($1) }),
        Route(
            method: .post, path: "/api/v1/tokens",
            summary: "Makes a token with which one node may join a site.", access: .body,
            body: .json(.named("TokenRequest")), success: (200, [.json(.named("IssuedToken"))]),
            refusals: [403, 404, 413, 422, 503], respond: { try await $0.issueToken($1) }),
    ]

    private static let conversations: [Route] = [
        Route(
            method: .post, path: "/api/v1/stream",
            summary: "Reads the log of a container or runs a command in it. Both bodies are frames"
                + " and flow at the same time: one byte of type, four of length with the most"
                + " significant first, the payload. Types: 0 input, 1 end of input, 2 resize"
                + " (`COLSxROWS`), 3 output, 4 error output, 5 exit (decimal), 6 failed (words),"
                + " 7 no such container or command (words).", access: .body,
            query: [.init(name: "node", type: .string, summary: "Where the container runs.")],
            header: .init(
                name: streamHeader.rawName, type: .string,
                summary: "The StreamRequest as JSON in base64url."),
            body: .text(streamMediaType), success: (200, [.text(streamMediaType)]),
            respond: { try await $0.stream($1) })
    ]
}

// MARK: - Answers

// The name is a valid token, so there is one.
private let referrerPolicy = HTTPFields.Element.Name("Referrer-Policy")!

extension Interface {
    private func page(_ call: Call) async throws -> Response {
        let page = StatusPage(
            info: await backend.info(), sites: await backend.list(.site),
            nodes: await backend.list(.node), workloads: await backend.list(.workload))
        var response = Response.text(page.html, type: "text/html; charset=utf-8")
        response.headers[.contentSecurityPolicy] = StatusPage.contentSecurityPolicy
        response.headers[referrerPolicy] = "no-referrer"
        return response
    }

    private func list(_ call: Call) async throws -> Response {
        let kind = try call.kind
        let selector = try call.selector
        // Also before a watch, so that a refusal of it has its own status.
        let first = try await list(kind, selector, for: call)
        guard try call.flag("watch") else { return try .json(try page(first, for: call)) }
        guard call.query["limit"] == nil, call.query["continue"] == nil else {
            throw Rejection.malformed("'limit' and 'continue' are for a list, and not for 'watch'")
        }
        return watch(kind, selector, behind: try call.resumesBehind, for: call)
    }

    /// What of a kind whoever asks may see.
    func list(
        _ kind: Kind, _ selector: LabelSelector, for call: Call
    ) async throws -> ObjectList {
        var list = try await visible(await backend.list(kind), kind, to: call)
        if !selector.requirements.isEmpty {
            list.items.removeAll { !selector.matches($0.selectable) }
        }
        return list
    }

    private func get(_ call: Call) async throws -> Response {
        let kind = try call.kind
        let name = call.name
        guard let object = await find(kind, name) else {
            throw Refusal(.notFound, "there is no \(kind.rawValue.lowercased()) '\(name)'")
        }
        return try .json(object)
    }

    func find(_ kind: Kind, _ name: String) async -> Object? {
        await backend.list(kind).items.first { $0.metadata.name == name }
    }

    private func events(_ call: Call) async throws -> Response {
        let limit = min(try call.count("limit") ?? limits.eventsMax, limits.eventsMax)
        guard try call.flag("watch") else { return try .json(await backend.events(limit: limit)) }
        return watchEvents(limit: limit, behind: try call.resumesBehind, for: call)
    }

    private func decisions(_ call: Call) async throws -> Response {
        let limit = min(try call.count("limit") ?? limits.eventsMax, limits.eventsMax)
        let filter = try call.query["about"].map { text in
            guard let filter = DecisionFilter(String(text)) else {
                throw Rejection.malformed(
                    "'about' is Workload/NAME, Instance/NAME or Node/NAME, not '\(text)'")
            }
            return filter
        }
        guard try call.flag("watch") else {
            return try .json(await backend.decisions(about: filter, limit: limit))
        }
        return watchDecisions(
            about: filter, limit: limit, behind: try call.resumesBehind, for: call)
    }

    private func authority(_ call: Call) async throws -> Response {
        guard let site = call.parameters["site"] else {
            preconditionFailure("the route has no {site}")
        }
        guard let report = await backend.authority(of: SiteID(site)) else {
            throw Refusal(.notFound, "there is no site '\(site)'")
        }
        return try .json(report)
    }

    private func apply(_ call: Call) async throws -> Response {
        let dryRun = try call.flag("dryRun")
        let request = try await read(ApplyRequest.self, from: call)
        if let waiting = try await permitApply(request.objects, isTrial: dryRun, to: call) {
            return try .json(waiting, status: .accepted)
        }
        let results = try await backend.apply(request.objects, dryRun: dryRun)
        return try .json(ApplyAnswer(results: results))
    }

    private func delete(_ call: Call) async throws -> Response {
        let target = try await target(try call.kind, call.name, for: .delete)
        if let waiting = try await permitOrAsk(.delete, target, to: call) {
            return try .json(waiting, status: .accepted)
        }
        try await backend.delete(try call.kind, name: call.name)
        return Response(status: .noContent)
    }

    private func edit(_ call: Call) async throws -> Response {
        let kind = try call.kind
        let edit = try await read(Edit.self, from: call)
        try await permit(edit.verb, try await target(kind, call.name), to: call)
        return try .json(try await backend.edit(kind, name: call.name, edit))
    }

    private func resolve(_ call: Call) async throws -> Response {
        try await backend.resolve(try await read(Resolution.self, from: call))
        return Response(status: .noContent)
    }

    private func issueToken(_ call: Call) async throws -> Response {
        let request = try await read(TokenRequest.self, from: call)
        let site = AccessTarget(.site, request.site.text, sites: [request.site])
        try await permit(.enrol, site, to: call)
        let token = try await backend.issueToken(
            site: request.site, validFor: request.validFor.duration)
        return try .json(token)
    }

    func read<Value: Decodable>(_ type: Value.Type, from call: Call) async throws -> Value {
        let announced = call.request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard announced <= limits.bodyBytesMax else {
            throw NIOTooManyBytesError(maxBytes: limits.bodyBytesMax)
        }
        return try decodedJSON(type, from: try await body(of: call))
    }
}

extension Edit {
    fileprivate var verb: Verb {
        switch self {
        case .labels: .label
        case .cordon: .cordon
        case .resolve: .resolve
        }
    }
}

/// The bodies that exist only on the way in or out.
struct ApplyRequest: Codable {
    var objects: [Object]
}

struct ApplyAnswer: Codable {
    var results: [ApplyResult]
}

struct TokenRequest: Codable {
    var site: SiteID
    var validFor: Interval
}

// MARK: - What a call says

extension Call {
    var name: String {
        guard let name = parameters["name"] else { preconditionFailure("the route has no {name}") }
        return name
    }

    var kind: Kind {
        get throws {
            let plural = parameters["plural"]
            guard let kind = Kind.allCases.first(where: { $0.plural == plural }) else {
                let known = Kind.allCases.map(\.plural).joined(separator: ", ")
                throw Refusal(
                    .notFound, "there is no kind '\(plural ?? "")': the kinds are \(known)")
            }
            return kind
        }
    }

    fileprivate var selector: LabelSelector {
        get throws {
            do {
                return try LabelSelector(query["labelSelector"] ?? "")
            } catch {
                throw Rejection.malformed(
                    "the label selector has a part that cannot be read, '\(error.part)':"
                        + " write name=value, name!=value, name or !name")
            }
        }
    }

    func flag(_ name: String) throws -> Bool {
        switch query[name] {
        case nil, "false": return false
        case "true": return true
        case .some(let text):
            throw Rejection.malformed("'\(name)' is true or false, not '\(text)'")
        }
    }

    func count(_ name: String) throws -> Int? {
        guard let text = query[name] else { return nil }
        guard let count = Int(text), count >= 0 else {
            throw Rejection.malformed("'\(name)' is a number from 0 on, not '\(text)'")
        }
        return count
    }
}
