package import Model

/// Machines without a token that ask to become nodes, until a person answers.
extension Hub {
    /// One that asks, and when it last did.
    struct Asking: Equatable, Sendable {
        var item: PendingNode
        var lastAsked: Instant
    }

    /// One that has not asked for so long makes room for another, and one that has not for longer is
    /// forgotten.
    private static let pendingQuiet = Duration.seconds(600)
    private static let pendingLife = Duration.seconds(86_400)

    /// In order of name and device.
    package var pendingNodes: [PendingNode] {
        pending.rows.map(\.item).sorted { ($0.node, $0.device) < ($1.node, $1.device) }
    }

    /// The machine has proved to the host that it holds this device key.
    mutating func askToJoin(
        _ node: NodeID, at site: SiteID, device: String, now: Moment
    ) throws(Refusal) -> Reply {
        guard isDNSLabel(node.text), isDNSLabel(site.text) else {
            throw Refusal(
                .invalid, "names of nodes and sites are lower-case letters, digits and hyphens")
        }
        guard !isRevoked(device: device) else {
            throw Refusal(.denied, "the identity of this machine was revoked")
        }
        if let member = nodes[node] {
            guard member.credential.device == device else {
                throw Refusal(
                    .conflict,
                    "there is a node '\(node)' already, which is another machine; choose "
                        + "another name, or delete it first with: skerry delete node \(node)")
            }
            noteCertified(node, device: device, at: now)
            return .enrolled(node, member.node.spec.site, life: authorityLife(of: node))
        }
        return .pending(try note(node, site, device, at: now))
    }

    private mutating func note(
        _ node: NodeID, _ site: SiteID, _ device: String, at now: Moment
    ) throws(Refusal) -> PendingNode {
        if let known = pending[device]?.item {
            var item = known
            (item.node, item.site) = (node, site)
            pending.insert(Asking(item: item, lastAsked: now.monotonic), for: device)
            if item != known { journal.writes.append(.pending(item)) }
            return item
        }
        if pending.count >= limits.pending { forgetQuietest(at: now) }
        guard pending.count < limits.pending else {
            throw Refusal(
                .unavailable,
                "\(limits.pending) machines ask already; answer them with: "
                    + "skerry get pending")
        }
        let item = PendingNode(node: node, site: site, device: device, firstAsked: now.wall)
        pending.insert(Asking(item: item, lastAsked: now.monotonic), for: device)
        journal.writes.append(.pending(item))
        tell(
            .normal, "JoinAsked", .node, node.text,
            "a machine asks to become this node at site '\(site)'; its fingerprint is "
                + "\(fingerprint(ofDevice: device)): skerry approve \(node)", at: now)
        return item
    }

    private mutating func forgetQuietest(at now: Moment) {
        let quietest = pending.rows.min { $0.lastAsked < $1.lastAsked }
        guard let quietest, now.monotonic - quietest.lastAsked > Hub.pendingQuiet else { return }
        forget(quietest.item)
    }

    mutating func forgetPending(at now: Moment) {
        for asking in pending.rows where now.monotonic - asking.lastAsked > Hub.pendingLife {
            forget(asking.item)
        }
    }

    private mutating func forget(_ item: PendingNode) {
        pending.remove(item.device)
        journal.writes.append(.removePending(device: item.device))
    }

    // MARK: - Answers

    mutating func answer(
        _ node: NodeID, _ answer: PendingAnswer, by principal: String, at now: Moment
    ) throws(Refusal) -> PendingNode {
        var item = try asking(node, answer.fingerprint)
        item.answeredAt = now.wall
        guard answer.isApproved else {
            item.state = .denied
            pending.update(item.device) { $0.item = item }
            journal.writes.append(.pending(item))
            tell(
                .normal, "JoinDenied", .node, node.text,
                "denied by \(principal): \(fingerprint(ofDevice: item.device))", at: now)
            return item
        }
        item.site = answer.site ?? item.site
        guard sites[item.site] != nil else { throw missing(.site, item.site.text) }
        guard nodes[node] == nil else {
            throw Refusal(
                .conflict, "there is a node '\(node)' already; delete it first, or deny this one")
        }
        item.state = .approved
        forget(item)
        admit(node, at: item.site, now: now)
        let credential = NodeCredential(device: item.device)
        nodes.update(node) { $0.credential = credential }
        journal.writes.append(.credential(node, credential))
        tell(
            .normal, "JoinApproved", .node, node.text,
            "approved by \(principal) for site '\(item.site)': "
                + fingerprint(ofDevice: item.device), at: now)
        reconcile(because: .nodesChanged, at: now)
        return item
    }

    private func asking(_ node: NodeID, _ wanted: String?) throws(Refusal) -> PendingNode {
        let digits = wanted?.lowercased().filter { $0 != "-" }
        let found = pendingNodes.filter {
            $0.node == node && $0.device.hasPrefix(digits ?? "")
        }
        guard let item = found.first else {
            throw Refusal(
                .notFound,
                "no machine asks to be node '\(node)'"
                    + (wanted.map { " with the fingerprint \($0)" } ?? ""))
        }
        guard found.count == 1 else {
            let names = found.map { fingerprint(ofDevice: $0.device) }.joined(separator: ", ")
            throw Refusal(
                .conflict,
                "\(found.count) machines ask to be node '\(node)'; say which with "
                    + "--fingerprint: \(names)")
        }
        return item
    }
}
