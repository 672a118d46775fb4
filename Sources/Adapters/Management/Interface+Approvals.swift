import Hummingbird
import Model

/// What is done only once another person has said yes to it.
extension Interface {
    static let approvalRoutes: [Route] = [
        Route(
            method: .get, path: "/api/v1/approvals",
            summary: "What waits for another person's yes, or did lately: one's own requests, and"
                + " those about what one may see.",
            access: .status, query: paging,
            success: (200, [.json(.named("ApprovalList"))]), refusals: [403, 409],
            respond: { try await $0.approvals($1) }),
        Route(
            method: .post, path: "/api/v1/approvals/{name}",
            summary: "Says yes or no to what somebody else asked for. A yes does it, once.",
            access: .body, body: .json(.named("ApprovalAnswer")),
            success: (200, [.json(.named("Approval"))]),
            refusals: [403, 404, 409, 413, 422, 503],
            respond: { try await $0.answerApproval($1) }),
    ]

    /// Returns nil where whoever asks may do it, and what now waits where all that lacks is somebody
    /// else's yes. Throws where they may not.
    func permitOrAsk(
        _ verb: Verb, _ target: AccessTarget, doing act: Approval.Act? = nil, to call: Call
    ) async throws -> Approval? {
        let report = await backend.access(of: call.requester, verb, target)
        guard target.kind != nil || act != nil, report.lacksApproval else {
            try await permit(verb, target, report, to: call)
            return nil
        }
        return try await ask(
            ApprovalWish(verb, target, act: act, reasons: report.reasons), report, to: call)
    }

    func ask(
        _ wish: ApprovalWish, _ report: AccessReport, to call: Call
    ) async throws -> Approval {
        let approval = try await backend.requestApproval(wish, by: call.requester)
        await note(wish.verb, wish.target, report, of: call)
        try await record(
            wish.verb, wish.target, report, of: call, "waits for approval/\(approval.id)")
        return approval
    }

    private func approvals(_ call: Call) async throws -> Response {
        var list = try await backend.approvals()
        if await backend.access(of: call.requester, .get, .fleet).isAllowed {
            return try .json(try page(list, for: call))
        }
        var visible: [Approval] = []
        for approval in list.items {
            let isOwn = call.requester.principal == .user(approval.requestedBy)
            var isSeen = isOwn
            if !isSeen {
                let target = try await targets(of: approval)[0]
                isSeen = await backend.access(of: call.requester, .get, target).isAllowed
            }
            if isSeen { visible.append(approval) }
        }
        list.items = visible
        return try .json(try page(list, for: call))
    }

    /// What an approval is about, never empty: of an object that changes what it is and what it becomes.
    private func targets(of approval: Approval) async throws -> [AccessTarget] {
        var targets: [AccessTarget]
        if let kind = approval.kind {
            targets = [try await target(kind, approval.name, for: approval.verb)]
        } else {
            targets = [.fleet]
        }
        if case .apply(let object) = approval.act {
            targets.append(AccessTarget(object, place: { _ in nil }))
        }
        return targets.map { target in
            var target = target
            target.requestedBy = .user(approval.requestedBy)
            target.isGrave = approval.act != nil
            return target
        }
    }

    private func answerApproval(_ call: Call) async throws -> Response {
        let answer = try await read(ApprovalAnswer.self, from: call)
        guard
            let approval = try await backend.approvals().items.first(where: { $0.id == call.name })
        else {
            // Others do not hear what waits.
            try await permit(.approve, .fleet, to: call)
            throw Refusal(
                .notFound,
                "there is no approval '\(call.name)'; skerry get approvals lists them")
        }
        let targets = try await targets(of: approval)
        let isOwn = call.requester.principal == .user(approval.requestedBy)
        // Everybody may take back what they asked for; that is no approval.
        if answer.isApproved || !isOwn {
            for target in targets {
                try await permit(
                    .approve, target, to: call,
                    note: answer.isApproved ? nil : "denied", approval: approval.id)
            }
        }
        if answer.isApproved, approval.state == .waiting {
            for target in targets { try await permitApproved(approval, target, to: call) }
        }
        return try .json(
            try await backend.settleApproval(approval.id, answer, by: call.requester))
    }

    /// Who asked must still be allowed to: roles end, and policies change, while a request waits.
    private func permitApproved(
        _ approval: Approval, _ target: AccessTarget, to call: Call
    ) async throws {
        var target = target
        target.isApproved = true
        let report = await backend.access(of: approval.requester, approval.verb, target)
        guard report.isAllowed else {
            let why =
                report.reasons.isEmpty
                ? "no policy permits it" : report.reasons.joined(separator: ", ")
            throw Refusal(
                .conflict,
                "user '\(approval.requestedBy)', who asked, may not \(approval.verb.rawValue) "
                    + "\(approval.reference) any more (\(why)); deny approval/\(approval.id), and have "
                    + "somebody ask who may")
        }
        try await backend.record(
            AuditAct(
                who: approval.requester.principal.audited, action: approval.verb.rawValue,
                target: target.audited, reasons: report.reasons, errors: report.errors,
                policies: report.policies, request: call.id,
                approval: "\(approval.id) by \(call.requester.principal.audited)"), .atOnce)
    }
}

extension AccessReport {
    /// Whether somebody else's yes is all that lacks.
    var lacksApproval: Bool { !isAllowed && needsApproval == true }
}
