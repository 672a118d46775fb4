package import Model
import Trust

/// Identities that are no longer good, seen from the hub.
///
/// The list is durable before it is signed, and signed before anybody hears of it. It is signed anew
/// now and then, so that a node that hears nothing knows that something is kept from it.
extension Hub {
    /// What is revoked, and how it was last signed.
    struct Revoked: Equatable, Sendable {
        /// Durable, without a signature; nil where nothing was ever revoked.
        var list: RevocationList?
        var signed: RevocationList?
        var brake = RevocationBrake()
    }

    package static let revocationLife = Duration.seconds(7 * 86_400)
    private static let revocationRefresh = Duration.seconds(12 * 3600)
    /// As long as anything that was issued can be good, with a margin; see `PathRules`.
    private static let entryLife = Duration.seconds(41 * 86_400)

    /// As it was last signed; nil where nothing was ever revoked.
    package var revocationList: RevocationList? { revoked.signed ?? revoked.list }

    package var nodeNames: [NodeID] { nodes.keys }

    package func revocationReport(at now: WallTime) -> RevocationReport {
        let list = revocationList
        return RevocationReport(
            version: list?.version ?? 0, issuedAt: revoked.signed?.issuedAt,
            expiresAt: revoked.signed?.expiresAt, items: list?.entries ?? [],
            allowance: revoked.brake.left(
                in: revoked.list, fleet: nodes.count, keys: policyKeys, at: now), asOf: now)
    }

    /// Whether what a machine shows as this node is no longer good.
    func isRevoked(_ member: Member, device: String?) -> Bool {
        guard let list = revoked.list else { return false }
        let subject = SubjectName.node(
            NodeID(member.node.metadata.name), at: member.node.spec.site)
        // What says no device cannot be older than the node.
        let begin = member.node.metadata.createdAt ?? WallTime(milliseconds: .min)
        return list.covers(Bearer(subject: subject, device: device, issuedAt: begin))
    }

    func isRevoked(_ member: Member) -> Bool {
        isRevoked(member, device: member.credential.device)
    }

    func isRevoked(device: String) -> Bool {
        revoked.list?.entries.contains { $0.device == device } ?? false
    }

    mutating func revoke(
        _ request: RevocationRequest, by principal: String, at now: Moment,
        into effects: inout [Effect]
    ) throws(Refusal) {
        let fresh = try entries(request, at: now.wall).filter { entry in
            !(revoked.list?.entries.contains {
                $0.subject == entry.subject && $0.device == entry.device && entry.device != nil
            } ?? false)
        }
        guard !fresh.isEmpty else { return }
        var list =
            revoked.list
            ?? RevocationList(version: 0, issuedAt: now.wall, expiresAt: now.wall, fleet: 0)
        list.entries = list.entries.filter { !isOver($0, at: now.wall) } + fresh
        list.version += 1
        list.fleet = nodes.count
        guard list.entries.count <= limits.revocations else {
            throw Refusal(
                .conflict,
                "\(limits.revocations) identities are revoked already; delete the nodes "
                    + "of which nothing is left")
        }
        if let warrant = request.warrant {
            try check(warrant, for: request, at: now.wall)
            list.warrants.append(warrant)
        }
        list.warrants = list.warrants.filter { isNeeded($0, in: list) }
        try brake(list, at: now.wall)
        revoked.list = list
        journal.writes.append(.revocations(list))
        journal.followUps.append(.revocations)
        for entry in fresh { noteRevoked(entry, by: principal, at: now, into: &effects) }
        circles = Table()
        reconcile(because: .nodesChanged, at: now)
    }

    private func entries(
        _ request: RevocationRequest, at now: WallTime
    ) throws(Refusal) -> [Revocation] {
        guard !request.subjects.isEmpty, request.reason.utf8.count <= 256 else {
            throw Refusal(.invalid, "say whom to revoke, and why in at most 256 bytes")
        }
        var entries: [Revocation] = []
        for text in Set(request.subjects).sorted() {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
                .map(String.init)
            guard parts.count == 2, isDNSLabel(parts[1]) else {
                throw Refusal(.invalid, "'\(text)' cannot be revoked; write node/NAME or user/NAME")
            }
            switch parts[0] {
            case "node":
                guard let member = nodes[NodeID(parts[1])] else { throw missing(.node, parts[1]) }
                entries.append(
                    Revocation(
                        subject: SubjectName.node(NodeID(parts[1]), at: member.node.spec.site),
                        device: member.credential.device, at: now, reason: request.reason))
            case "user":
                entries.append(
                    Revocation(
                        subject: SubjectName.user(parts[1]), device: nil, at: now,
                        reason: request.reason))
            default:
                throw Refusal(.invalid, "'\(text)' cannot be revoked; write node/NAME or user/NAME")
            }
        }
        return entries
    }

    /// Until when what a second key signed is good; nil where none did.
    func warrantEnd(
        of request: RevocationRequest, at now: WallTime
    ) throws(Refusal) -> WallTime? {
        _ = try entries(request, at: now)
        guard let bundle = request.warrant else { return nil }
        try check(bundle, for: request, at: now)
        return RevocationWarrant(bundle, keys: policyKeys).map { $0.at + RevocationWarrant.life }
    }

    private func check(
        _ bundle: PolicyBundle, for request: RevocationRequest, at now: WallTime
    ) throws(Refusal) {
        guard let warrant = RevocationWarrant(bundle, keys: policyKeys) else {
            throw Refusal(
                .denied, "the second key is none of those that may sign policy here")
        }
        guard Set(warrant.subjects) == Set(request.subjects),
            max(now - warrant.at, warrant.at - now) <= RevocationWarrant.life
        else {
            throw Refusal(
                .denied,
                "what the second key signed is for others or of another time; sign it anew, "
                    + "and set the clock there")
        }
    }

    private func brake(_ list: RevocationList, at now: WallTime) throws(Refusal) {
        let excess = revoked.brake.excess(
            in: list, after: nil, fleet: nodes.count, keys: policyKeys)
        guard let excess else { return }
        throw Refusal(
            .denied,
            "that would be \(excess.count) identities revoked inside "
                + "\(Interval(revoked.brake.window)), and \(excess.allowance) are allowed; nothing "
                + "was revoked. For more a policy key signs, too: skerry revoke ... --key FILE")
    }

    /// What is left of it opens nothing any more.
    private func isOver(_ entry: Revocation, at now: WallTime) -> Bool {
        guard now - entry.at > Hub.entryLife else { return false }
        return !nodes.rows.contains { $0.credential.device == entry.device && entry.device != nil }
    }

    private func isNeeded(_ bundle: PolicyBundle, in list: RevocationList) -> Bool {
        guard let warrant = RevocationWarrant(bundle, keys: policyKeys) else { return false }
        return list.entries.contains { warrant.covers($0) }
    }

    private mutating func noteRevoked(
        _ entry: Revocation, by principal: String, at now: Moment, into effects: inout [Effect]
    ) {
        tell(
            .warning, "Revoked", .node, entry.subject,
            "revoked by \(principal): \(entry.reason); what runs there goes on", at: now)
        for (id, session) in sessions where entry.isOfNode(session.node) {
            sessions.remove(id)
            effects.append(.close(id))
            nodes.update(session.node) {
                guard $0.session == id else { return }
                $0.session = nil
                $0.quietSince = now.monotonic
            }
        }
        endTokens(of: entry, by: principal, at: now)
        let members = nodes.filter { entry.isOfNode($0) && isRevoked($1) }
        for (node, member) in members { leaveMesh(node, at: member.node.spec.site) }
    }

    // MARK: - Signing and spreading

    func signRevocations(at now: Moment, into effects: inout [Effect]) {
        guard var list = revoked.list else { return }
        list.fleet = nodes.count
        effects.append(.signRevocations(list))
    }

    mutating func refreshRevocations(at now: Moment, into effects: inout [Effect]) {
        guard let signed = revoked.signed, now.wall - signed.issuedAt > Hub.revocationRefresh else {
            return
        }
        signRevocations(at: now, into: &effects)
    }

    mutating func spread(_ list: RevocationList, into effects: inout [Effect]) {
        guard list.version == revoked.list?.version else { return }
        revoked.signed = list
        for (id, session) in sessions where session.state == .greeted {
            effects.append(.send(id, .revocations(list)))
        }
    }

    func sayRevocations(on session: SessionID, into effects: inout [Effect]) {
        if let list = revoked.signed { effects.append(.send(session, .revocations(list))) }
    }

    func revocationConditions(of member: Member) -> [Condition] {
        guard isRevoked(member) else { return [] }
        let entry = revoked.list?.entries.last { $0.isOfNode(NodeID(member.node.metadata.name)) }
        return [
            Condition(
                type: "Revoked", isTrue: true, reason: "OnRequest",
                message: "its identity is no longer good (\(entry?.reason ?? "")); to take the "
                    + "machine back, delete the node and enrol it anew",
                observedAt: entry?.at ?? WallTime(milliseconds: 0))
        ]
    }
}
