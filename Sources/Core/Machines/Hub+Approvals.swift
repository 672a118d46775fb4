package import Model

/// What people asked for and another person has to approve.
///
/// An approval and what comes of it are one durable write, so it is done once whatever fails in between.
extension Hub {
    /// Nobody's request stays good for longer: what it was asked about changes.
    package static let approvalLife = Duration.seconds(86_400)
    /// How long one that is settled is kept, to say what became of it.
    private static let approvalMemory = Duration.seconds(7 * 86_400)
    private static let noteBytesMax = 256

    /// Oldest first.
    package var allApprovals: [Approval] {
        approvals.rows.sorted { ($0.requestedAt, $0.id) < ($1.requestedAt, $1.id) }
    }

    package func approval(_ id: String) -> Approval? { approvals[id] }

    /// Notes what somebody asks for. Who asks for the same again gets the one that waits.
    mutating func ask(_ approval: Approval, at now: Moment) throws(Refusal) -> Approval {
        var approval = approval
        try prepare(&approval, at: now)
        let waiting = approvals.rows.filter { $0.state == .waiting && now.wall < $0.expiresAt }
        if let same = waiting.first(where: { $0.isSame(as: approval) }) { return same }
        forgetApprovals(at: now)
        guard waiting.count < limits.approvals, approvals[approval.id] == nil else {
            throw Refusal(
                .conflict, "\(limits.approvals) requests wait for an approval already: answer some")
        }
        guard
            waiting.count(where: { $0.requestedBy == approval.requestedBy })
                < limits.approvalsPerUser
        else {
            throw Refusal(
                .conflict,
                "\(limits.approvalsPerUser) requests of '\(approval.requestedBy)' wait for an "
                    + "approval already; take some back: skerry deny approval/ID")
        }
        keep(approval)
        tell(
            .normal, "ApprovalAsked", approval.kind ?? .site, approval.name,
            "\(approval.requestedBy) asks to \(approval.what), until "
                + "\(approval.expiresAt): skerry approve approval/\(approval.id)", at: now)
        return approval
    }

    /// The host has checked that this person may answer, and that who asked still may.
    mutating func answerApproval(
        _ id: String, _ answer: ApprovalAnswer, by who: String, at now: Moment,
        into effects: inout [Effect]
    ) throws(Refusal) -> Approval {
        guard var approval = approvals[id] else { throw noApproval(id) }
        guard (answer.note?.utf8.count ?? 0) <= Hub.noteBytesMax else {
            throw Refusal(.invalid, "say why in at most \(Hub.noteBytesMax) bytes")
        }
        // Said once more, nothing is done once more.
        if approval.state == .done, answer.isApproved { return approval }
        guard approval.state == .waiting else {
            throw Refusal(
                .conflict,
                "approval/\(id) is \(approval.state.rawValue) already, so it cannot be answered")
        }
        guard now.wall < approval.expiresAt else {
            expire(approval, at: now)
            throw Refusal(
                .conflict, "approval/\(id) expired at \(approval.expiresAt); ask for it anew")
        }
        (approval.answeredBy, approval.answeredAt) = (who, now.wall)
        approval.note = answer.note
        if answer.isApproved {
            carryOut(&approval, at: now, into: &effects)
        } else {
            approval.state = who == approval.requestedBy ? .withdrawn : .denied
        }
        keep(approval)
        tell(
            approval.state == .failed ? .warning : .normal, approval.eventReason,
            approval.kind ?? .site, approval.name,
            "approval/\(id) to \(approval.what), asked for by "
                + "\(approval.requestedBy), answered by \(who): \(approval.state.rawValue)"
                + (approval.note.map { " (\($0))" } ?? ""), at: now)
        return approval
    }

    /// Holds on to which object it is about, and finds what could not be done in any case.
    private func prepare(_ approval: inout Approval, at now: Moment) throws(Refusal) {
        switch approval.act {
        case nil:
            guard let held = metadata(of: approval) else { throw missing(approval) }
            (approval.createdAt, approval.generation) = (held.createdAt, held.generation)
        case .apply:
            let held = metadata(of: approval)
            (approval.createdAt, approval.generation) = (held?.createdAt, held?.generation ?? 0)
        case .revoke(let request):
            guard let end = try warrantEnd(of: request, at: now.wall) else { return }
            // A warrant is used at once, and so is the word of who asks for it.
            approval.expiresAt = min(approval.expiresAt, end)
        case .retireRoots: break
        }
    }

    private func missing(_ approval: Approval) -> Refusal {
        guard let kind = approval.kind else {
            return Refusal(.notFound, "there is nothing to \(approval.verb.rawValue)")
        }
        return missing(kind, approval.name)
    }

    private mutating func carryOut(
        _ approval: inout Approval, at now: Moment, into effects: inout [Effect]
    ) {
        do throws(Refusal) {
            try checkUnchanged(approval)
            switch approval.act {
            case nil:
                guard let kind = approval.kind else { throw missing(approval) }
                try delete(kind, approval.name, at: now, into: &effects)
            case .apply(let object): _ = try apply([object], dryRun: false, at: now)
            case .revoke(let request):
                let people = "\(approval.requestedBy) and \(approval.answeredBy ?? "")"
                try revoke(request, by: people, at: now, into: &effects)
            // The host has the files of the roots, and does it once this is durable.
            case .retireRoots: break
            }
            approval.state = .done
        } catch {
            approval.state = .failed
            approval.note = error.message
        }
    }

    /// What was approved is what was asked for, and who asked is still somebody.
    private func checkUnchanged(_ approval: Approval) throws(Refusal) {
        let held = metadata(of: approval)
        guard held != nil || approval.act != nil else { throw missing(approval) }
        let isSame =
            held?.createdAt == approval.createdAt && held?.generation ?? 0 == approval.generation
        guard isSame || !approval.isAboutObject else {
            throw Refusal(
                .conflict, "\(approval.reference) was changed since it was asked for; ask anew")
        }
        let subject = SubjectName.user(approval.requestedBy)
        guard revoked.list?.entries.contains(where: { $0.subject == subject }) != true else {
            throw Refusal(.denied, "user '\(approval.requestedBy)', who asked, is revoked")
        }
    }

    private func metadata(of approval: Approval) -> Metadata? {
        switch approval.kind {
        case nil: nil
        case .site: sites[SiteID(approval.name)]?.metadata
        case .node: nodes[NodeID(approval.name)]?.node.metadata
        case .workload: workloads[WorkloadID(approval.name)]?.metadata
        case .secret: secrets[SecretID(approval.name)]?.metadata
        case .instance, .policy: nil
        }
    }

    func noApproval(_ id: String) -> Refusal {
        Refusal(.notFound, "there is no approval '\(id)'; skerry get approvals lists them")
    }

    // MARK: - What is over

    mutating func expireApprovals(at now: Moment) {
        for approval in approvals.rows
        where approval.state == .waiting && approval.expiresAt <= now.wall {
            expire(approval, at: now)
        }
    }

    /// What a backup holds as waiting may have been denied since.
    mutating func expireAllApprovals(at now: Moment) {
        for approval in approvals.rows where approval.state == .waiting {
            expire(approval, at: now)
        }
    }

    private mutating func expire(_ approval: Approval, at now: Moment) {
        var approval = approval
        approval.state = .expired
        approval.answeredAt = now.wall
        keep(approval)
        tell(
            .normal, "ApprovalExpired", approval.kind ?? .site, approval.name,
            "approval/\(approval.id) to \(approval.what), asked for by "
                + "\(approval.requestedBy), was not answered in time", at: now)
    }

    private mutating func forgetApprovals(at now: Moment) {
        let limit = limits.approvals * 4
        let settled = approvals.rows.filter { $0.state != .waiting }
            .sorted { $0.requestedAt < $1.requestedAt }
        for (index, approval) in settled.enumerated() {
            let isOld = approval.expiresAt + Hub.approvalMemory < now.wall
            guard isOld || settled.count - index > limit else { continue }
            approvals.remove(approval.id)
            journal.writes.append(.removeApproval(id: approval.id))
        }
    }

    private mutating func keep(_ approval: Approval) {
        approvals.insert(approval, for: approval.id)
        journal.writes.append(.approval(approval))
    }
}

extension Approval {
    fileprivate func isSame(as other: Approval) -> Bool {
        (verb, kind, name, act) == (other.verb, other.kind, other.name, other.act)
            && requestedBy == other.requestedBy
            && (createdAt, generation) == (other.createdAt, other.generation)
    }

    fileprivate var isAboutObject: Bool {
        switch act {
        case .apply, nil: true
        case .revoke, .retireRoots: false
        }
    }

    fileprivate var eventReason: String {
        switch state {
        case .done: "Approved"
        case .failed: "ApprovalFailed"
        case .waiting, .denied, .withdrawn, .expired: "ApprovalDenied"
        }
    }
}
