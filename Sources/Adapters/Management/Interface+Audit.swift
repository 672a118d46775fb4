import Hummingbird
import Model
import NIOCore

extension Interface {
    static let audits: [Route] = [
        Route(
            method: .get, path: "/api/v1/audit",
            summary: "Who asked for what and what was decided, oldest first, as it is kept.",
            access: .fleet(.review),
            query: [
                .init(name: "from", type: .integer, summary: "The first record; else the newest."),
                .init(name: "limit", type: .integer, summary: "How many."),
                .init(name: "watch", type: .boolean, summary: "Keep sending what is new."),
            ],
            success: (200, [.json(.named("AuditPage")), .text("text/event-stream")]),
            refusals: [403, 503], respond: { try await $0.audit($1) }),
        Route(
            method: .get, path: "/api/v1/audit/verdict",
            summary: "Whether the log is what was once written, and if not, from where on.",
            access: .fleet(.review),
            success: (200, [.json(.named("AuditVerdict"))]), refusals: [403, 503],
            respond: { interface, _ in try .json(try await interface.backend.auditVerdict()) }),
        Route(
            method: .get, path: "/api/v1/audit/proof",
            summary:
                "What ties one record to a signed checkpoint, and that to the hub's log of all.",
            access: .fleet(.review),
            query: [.init(name: "record", type: .integer, summary: "Its number.")],
            success: (200, [.json(.named("AuditProof"))]), refusals: [403, 404, 503],
            respond: { interface, call in
                guard let record = try call.count("record") else {
                    throw Rejection.malformed("'record' is the number of a record")
                }
                return try .json(try await interface.backend.auditProof(of: UInt64(record)))
            }),
    ]

    /// Keeps what was decided, before anything comes of it. Throws where it cannot be kept.
    func record(
        _ verb: Verb, _ target: AccessTarget, _ report: AccessReport, of call: Call,
        _ note: String? = nil, approval: String? = nil
    ) async throws {
        let auditing = report.isAllowed ? verb.auditing(of: target) : .atOnce
        if case .unrecorded = auditing { return }
        let isRehearsal = call.query["dryRun"] == "true"
        try await backend.record(
            AuditAct(
                who: call.requester.principal.audited, action: verb.rawValue,
                target: target.audited,
                decision: report.isAllowed ? .allow : .deny, reasons: report.reasons,
                errors: report.errors, policies: report.policies, request: call.id,
                approval: approval, note: isRehearsal ? "dry run" : note), auditing)
    }

    /// Who asks. Whoever shows nothing good is refused, and that is kept.
    func knownRequester(
        of request: Request, _ id: String, on channel: any Channel
    ) async throws -> Requester {
        do {
            return try await requester(of: request, on: channel)
        } catch let refusal as Refusal {
            let place = channel.remoteAddress?.ipAddress.map { "from \($0): " } ?? ""
            try await backend.record(
                AuditAct(
                    who: AuditAct.stranger, action: "authenticate", target: "fleet",
                    decision: .deny, request: id, note: place + refusal.message), .atOnce)
            throw refusal
        }
    }

    private func audit(_ call: Call) async throws -> Response {
        let limit = min(try call.count("limit") ?? 100, limits.eventsMax)
        var from = try call.count("from").map(UInt64.init)
        guard try call.flag("watch") else {
            return try .json(try await backend.audit(from: from, limit: limit))
        }
        if let last = try call.resumesBehind {
            guard let last = UInt64(last), last < UInt64(Int64.max) else {
                throw Rejection.malformed("the header Last-Event-ID is the number of a record")
            }
            from = last + 1
        }
        return watchAudit(from: from, limit: limit, for: call)
    }
}
