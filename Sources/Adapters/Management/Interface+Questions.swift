import Hummingbird
import Model

/// Questions about who may do what: asked for oneself, or by who may review others.
extension Interface {
    static let questions: [Route] = [
        Route(
            method: .get, path: "/api/v1/access",
            summary: "Whether somebody may do something, and which policies say so.",
            access: .status,
            query: [
                .init(
                    name: "verb", type: .choice(Verb.allCases.map(\.rawValue)), summary: "What."),
                .init(
                    name: "target", type: .string,
                    summary: "With what: `KIND/NAME`, or the fleet if left out."),
                asking,
            ],
            success: (200, [.json(.named("AccessReport"))]), refusals: [403],
            respond: { try await $0.access($1) }),
        Route(
            method: .get, path: "/api/v1/access/why",
            summary: "The same, with what the policies say that decide it.", access: .status,
            query: [
                .init(
                    name: "verb", type: .choice(Verb.allCases.map(\.rawValue)), summary: "What."),
                .init(
                    name: "target", type: .string,
                    summary: "With what: `KIND/NAME`, or the fleet if left out."),
                asking,
            ],
            success: (200, [.json(.named("AccessExplanation"))]), refusals: [403],
            respond: { try await $0.explainAccess($1) }),
        Route(
            method: .get, path: "/api/v1/access/requests/{request}",
            summary: "What was decided in the course of a request, and by which policies.",
            access: .status,
            success: (200, [.json(.named("AccessExplanation"))]), refusals: [403, 404],
            respond: { try await $0.explainRequest($1) }),
        Route(
            method: .get, path: "/api/v1/rights",
            summary: "All that somebody may do: with the fleet, at each site, and with policies.",
            access: .status, query: [asking],
            success: (200, [.json(.named("Rights"))]), refusals: [403],
            respond: { try await $0.rights($1) }),
    ]

    private static let asking = Route.Parameter(
        name: "as", type: .string,
        summary: "The user; who asks if left out. Others need the right to review.")

    /// Sites of which all rights are listed, the first by name.
    private static let sitesMax = 100

    private func access(_ call: Call) async throws -> Response {
        let (who, verb, target) = try await question(call)
        return try .json(await backend.access(of: who, verb, target))
    }

    private func explainAccess(_ call: Call) async throws -> Response {
        let (who, verb, target) = try await question(call)
        let report = await backend.access(of: who, verb, target)
        let record = AccessRecord(
            request: call.id, at: wallTimeNow(), requester: who, verb: verb, target: target,
            report: report)
        return try .json(
            AccessExplanation(
                items: [record], excerpts: await backend.excerpts(of: report.reasons)))
    }

    private func explainRequest(_ call: Call) async throws -> Response {
        let request = call.parameters["request"] ?? ""
        let records = await backend.records(of: request)
        let isOwn = !records.isEmpty && records.allSatisfy { $0.who == call.requester.name }
        if !isOwn { try await permit(.review, .fleet, to: call) }
        guard !records.isEmpty else {
            throw Refusal(
                .notFound,
                "nothing is known here of a request '\(request)': only the last ones are kept, and "
                    + "not across a restart")
        }
        var ids: [String] = []
        for id in records.flatMap(\.report.reasons) where !ids.contains(id) { ids.append(id) }
        return try .json(
            AccessExplanation(items: records, excerpts: await backend.excerpts(of: ids)))
    }

    private func rights(_ call: Call) async throws -> Response {
        let who = try await subject(call)
        var targets: [(String, AccessTarget)] = [(AccessTarget.fleet.reference, .fleet)]
        for object in await backend.list(.site).items.prefix(Interface.sitesMax) {
            let name = object.metadata.name
            targets.append(
                ("Site/\(name)", AccessTarget(.site, name, sites: [SiteID(name)])))
        }
        targets.append(("Policy", AccessTarget(.policy, "any")))
        var items: [Rights.Right] = []
        var policies: [PolicyReference] = []
        for verb in Verb.ofPeople {
            for (name, target) in targets {
                let report = await backend.access(of: who, verb, target)
                policies = report.policies
                items.append(
                    Rights.Right(
                        verb: verb, target: name, isAllowed: report.isAllowed,
                        reasons: report.reasons))
            }
        }
        return try .json(Rights(who: who.name, items: items, policies: policies))
    }

    /// For whom it is asked.
    private func subject(_ call: Call) async throws -> Requester {
        guard let user = call.query["as"] else { return call.requester }
        guard isDNSLabel(user) else {
            throw Rejection.malformed("'as' is the name of a user, not '\(user)'")
        }
        guard call.requester.principal != .user(user) else { return call.requester }
        try await permit(.review, .fleet, to: call)
        return Requester(.user(user), by: .certificate)
    }

    private func question(_ call: Call) async throws -> (Requester, Verb, AccessTarget) {
        guard let verb = call.query["verb"].flatMap(Verb.init) else {
            let verbs = Verb.allCases.map(\.rawValue).joined(separator: ", ")
            throw Rejection.malformed("'verb' is one of \(verbs)")
        }
        let who = try await subject(call)
        guard let text = call.query["target"], text != "fleet" else { return (who, verb, .fleet) }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = Kind(word: String(parts[0])), !parts[1].isEmpty
        else { throw Rejection.malformed("'target' is KIND/NAME or 'fleet', not '\(text)'") }
        return (who, verb, try await target(kind, String(parts[1]), for: verb))
    }
}
