import Model
import Replication

/// The control links, seen from the hub.
extension Hub {
    mutating func open(
        _ session: SessionID, _ node: NodeID, _ device: String?, at now: Moment,
        into effects: inout [Effect]
    ) {
        guard let member = nodes[node] else {
            effects.append(
                .refuse(
                    session, retryAfter: .seconds(300),
                    reason: "node \(node) is not known here; to enrol it again, remove 'identity' "
                        + "in its state directory and start it with a new token"))
            return
        }
        guard member.isOwn(device) else {
            effects.append(
                .refuse(
                    session, retryAfter: .seconds(300),
                    reason: "this certificate is of an earlier node '\(node)', or of before it was "
                        + "given an authority; to enrol this machine again, remove 'identity' in its "
                        + "state directory and start it with a new token"))
            return
        }
        guard !isRevoked(member, device: device) else {
            effects.append(
                .refuse(
                    session, retryAfter: .seconds(300),
                    reason: "the identity of this node was revoked; what runs here goes on"))
            return
        }
        switch admission.request(at: now.monotonic) {
        case .admit:
            sessions.insert(Session(node: node, lastHeard: now.monotonic), for: session)
            effects.append(.admit(session))
        case .refuse(let retryAfter):
            effects.append(.refuse(session, retryAfter: retryAfter, reason: "too many at once"))
        }
    }

    mutating func receive(
        _ message: NodeMessage, on session: SessionID, at now: Moment, into effects: inout [Effect]
    ) {
        let heard = sessions.update(session) {
            $0.lastHeard = now.monotonic
            return (node: $0.node, hasGreeted: $0.state == .greeted)
        }
        guard let (node, hasGreeted) = heard,
            nodes.read(node, { _ in true }) == true
        else {
            effects.append(.close(session))
            return
        }
        if case .hello(let hello) = message {
            return welcome(hello, on: session, at: now, into: &effects)
        }
        guard hasGreeted else {
            effects.append(.close(session))
            return
        }
        nodes.update(node) { $0.lastSeen = now.wall }
        switch message {
        case .hello: break
        case .applied(let revision, let policies):
            nodes.update(node) { $0.policies = policies ?? [] }
            confirm(revision, by: node)
        case .entries(let entries): take(entries, from: node, on: session, at: now)
        case .engine(let status): nodes.update(node) { $0.engine = status }
        case .heartbeat(let usage): if let usage { nodes.update(node) { $0.usage = usage } }
        case .holdings(let documents, let isLast):
            gather(documents, isLast: isLast, from: node, at: now)
        case .mesh(let view): take(view, from: node, at: now)
        case .certify(let request):
            certify(request, of: node, on: session, at: now, into: &effects)
        case .audit(let report): witness(report, of: node, on: session, at: now)
        }
    }

    private mutating func welcome(
        _ hello: Hello, on session: SessionID, at now: Moment, into effects: inout [Effect]
    ) {
        guard let member = nodes[hello.node], sessions[session]?.node == hello.node,
            hello.site == member.node.spec.site
        else {
            effects.append(.close(session))
            return
        }
        if let newest = member.lastSession, session < newest {
            // A greeting that was long under way may come after the next session's.
            sessions.remove(session)
            effects.append(.close(session))
            return
        }
        guard leads(hello, on: session, at: now, into: &effects),
            admitClaim(hello, on: session, at: now, into: &effects)
        else { return }
        if doubt(hello, on: session, at: now) { return }
        greet(hello, on: session, at: now, into: &effects)
    }

    /// Takes up the talk with a node that is who it says.
    mutating func greet(
        _ hello: Hello, on session: SessionID, at now: Moment, into effects: inout [Effect]
    ) {
        guard var member = nodes[hello.node] else { return }
        let older = member.session.flatMap { $0 == session ? nil : $0 }
        if let older { sessions.remove(older) }
        // A copy of a greeting is older than what was confirmed since.
        if member.hasMore(than: hello), sessions[session]?.state == .silent {
            forgetLog(of: hello.node, holding: hello.appliedRevision, at: now)
            member = nodes[hello.node] ?? member
        }
        sessions.update(session) {
            $0.state = .greeted
            $0.sent = hello.appliedRevision
            $0.greetedWith = hello.knownRevision
        }
        nodes.update(hello.node) {
            $0.session = session
            $0.lastSession = session
            $0.lastSeen = now.wall
            $0.quietSince = nil
            $0.logHead = hello.logHead ?? 0
            $0.agentVersion = hello.agentVersion
            $0.engine = hello.engine
            $0.capacity = hello.capacity
            $0.policies = hello.policies ?? []
            $0.keys = hello.keys
        }
        noteSecretsKey(hello.secretsKey, of: hello.node)
        journal.writes.append(.contact(hello.node, now.wall))
        let asks = compareTimeline(hello, at: now)
        effects.append(
            .send(
                session,
                .welcome(
                    Welcome(
                        epoch: epoch,
                        acknowledged: nodes[hello.node]?.acknowledged ?? 0,
                        heartbeatEvery: Interval(limits.heartbeatEvery),
                        reconnectWindow: Interval(reconnectWindow),
                        audited: nodes[hello.node]?.audit?.newest.index ?? 0,
                        mergesViews: true))))
        // After the welcome, by which the streams of the one go over to the other.
        if let older { effects.append(.close(older)) }
        if asks { effects.append(.send(session, .inventory)) }
        if sharesCopies(hello.node) { reconcile(because: .nodeReturned, at: now) }
        sayRevocations(on: session, into: &effects)
        feed(hello.node, into: &effects)
        dealKeys(to: hello.node, at: now, into: &effects)
        noteMesh(hello.mesh, of: hello.node)
        notePlan(hello.mesh?.plan, of: hello.node)
        // Whoever is new has keys already, and its peers need the same to answer it.
        for peer in rosters[hello.site]?.members ?? [] where peer.node != hello.node {
            dealKeys(to: peer.node, at: now, into: &effects)
        }
    }

    /// A node that holds less than it once confirmed, or has said less than was acknowledged, has lost
    /// its store, and its log with it: its numbers mean something else from here on, and what it runs
    /// it tells anew.
    private mutating func forgetLog(
        of node: NodeID, holding revision: UInt64, at now: Moment
    ) {
        guard let lost = nodes[node]?.instances.keys else { return }
        for id in lost {
            standing.remove(.instance(id))
            journal.writes.append(.removeInstance(node, id))
        }
        journal.forget { if case .acknowledge(node, _, _) = $0 { true } else { false } }
        nodes.update(node) {
            $0.instances = Table()
            $0.inbox = Inbox()
            $0.acknowledged = 0
            $0.applied = revision
            $0.wentBack = true
            $0.changesThrough = 0
        }
        journal.writes.append(.acknowledged(node, sequence: 0))
        tell(
            .warning, "StoreLost", .node, node.text,
            "it holds less than it once confirmed, so its store was lost: it is sent everything again, "
                + "and what it had not yet told is gone", at: now)
        publish(to: node)
    }

    /// Twice what admission needs for the whole fleet (reliability arithmetic: W = max(min, 2N/C)).
    private var reconnectWindow: Duration {
        max(
            limits.reconnectWindowMin,
            .milliseconds(2000 * nodes.count / limits.admissionsPerSecond))
    }

    /// Sends a node what is durable here and was not sent on its session.
    mutating func feed(_ node: NodeID, into effects: inout [Effect]) {
        guard let member = nodes[node], let id = member.session, let session = sessions[id],
            session.state == .greeted, member.durable > session.sent, member.timeline == .shared,
            // What it holds of things long gone is not known yet.
            !(member.wentBack && member.gathered != nil),
            // A document that is not durable yet may hide an older one of its key, which a crash
            // would bring back below what the node believes to have.
            member.durable == member.feed.head
        else { return }
        let fresh = addressed(member.feed.documents(after: session.sent), to: node)
        var (ahead, rest) = rulesFirst(fresh)
        repeat {
            let batch = rest.prefix(limits.documentsPerMessage - ahead.count)
            rest = rest.dropFirst(batch.count)
            let through = rest.isEmpty ? member.durable : batch.last?.revision ?? member.durable
            effects.append(.send(id, .documents(ahead + batch, through: through)))
            ahead = []
        } while !rest.isEmpty
        sessions.update(id) { $0.sent = member.durable }
    }

    /// Policies, and the site that they are judged by, go with the first message whatever their revision:
    /// no workload starts before the rule is there that forbids it. A node that hears only that message
    /// is sent them again, and does not take them twice. Where they do not fit, all go by revision.
    private func rulesFirst(_ fresh: [Document]) -> (ahead: [Document], rest: ArraySlice<Document>)
    {
        let ahead = fresh.filter { $0.key.isRule }
        guard ahead.count < limits.documentsPerMessage else { return ([], fresh[...]) }
        return (ahead, fresh.filter { !$0.key.isRule }[...])
    }

    mutating func confirm(_ revision: UInt64, by node: NodeID) {
        guard let member = nodes[node], revision > member.applied, member.timeline == .shared
        else { return }
        var settled: [DocumentKey] = []
        nodes.update(node) {
            $0.applied = revision
            settled = $0.feed.confirm(through: revision)
        }
        journal.writes.append(.appliedRevision(node, revision))
        journal.writes += settled.map { .forgetDocument(node, $0) }
    }

    private mutating func take(
        _ entries: [LogEntry], from node: NodeID, on session: SessionID, at now: Moment
    ) {
        guard let fresh = nodes.update(node, { $0.inbox.take(entries) }), let member = nodes[node]
        else { return }
        let last = member.inbox.last
        var taken: [Decision] = []
        for entry in fresh {
            switch entry.body {
            case .instance(let status): note(status, from: node)
            case .instanceRemoved(let id):
                nodes.update(node) { _ = $0.instances.remove(id) }
                forgetReason(for: id)
                journal.writes.append(.removeInstance(node, id))
            case .decision(var decision):
                // A node speaks for itself, in its own name.
                decision.id.origin = node.text
                decision.site = nodes.read(node) { $0.node.spec.site }
                record(decision)
                taken.append(decision)
            case .localChange(let change): take(change, from: node, at: now)
            case .event(var event):
                event.node = node
                remember(event)
            }
        }
        judge(taken, of: node, at: now)
        // The position may have been taken back without the entries before it.
        if !fresh.isEmpty || member.acknowledged < last {
            journal.writes.append(.acknowledged(node, sequence: last))
        }
        if fresh.contains(where: \.isLocalChange) { publish(to: node) }
        // Before the acknowledgement: a node takes it to mean that it has the hub's word on all this.
        if sharesCopies(node) { reconcile(because: .nodeReturned, at: now) }
        journal.followUps.removeAll {
            if case .acknowledge(_, session, _) = $0 { true } else { false }
        }
        journal.followUps.append(.acknowledge(node, session, sequence: last))
    }

    /// A node speaks for itself: whatever its report says, it is about that node.
    private mutating func note(_ status: InstanceStatus, from node: NodeID) {
        let limit = limits.instancesPerNode
        let noted = nodes.update(node) { member -> InstanceStatus? in
            guard member.instances.count < limit || member.instances[status.id] != nil else {
                return nil
            }
            var status = status
            status.node = node
            status.site = member.node.spec.site
            member.instances.insert(status, for: status.id)
            return status
        }
        if let noted, let noted { journal.writes.append(.instance(node, noted)) }
    }

    mutating func close(_ session: SessionID, at now: Moment) {
        guard let closed = sessions.remove(session), nodes[closed.node]?.session == session
        else { return }
        nodes.update(closed.node) {
            $0.session = nil
            $0.quietSince = now.monotonic
        }
        if let seen = nodes[closed.node]?.lastSeen {
            journal.writes.append(.contact(closed.node, seen))
        }
        nodes.update(closed.node) { $0.view = nil }
        let absence = absence(of: closed.node)
        tell(
            absence == .expected ? .normal : .warning, "ContactLost", .node, closed.node.text,
            "\(absence.sentence); it goes on by itself and what it runs is left alone", at: now)
    }

    /// What the silence of a node means to the people of its site.
    func absence(of node: NodeID) -> Disconnection {
        guard let site = nodes[node]?.node.spec.site else { return .normal }
        return sites[site]?.spec.whenDisconnected ?? .normal
    }

    mutating func sweep(at now: Moment, into effects: inout [Effect]) {
        let patience = limits.heartbeatEvery * limits.heartbeatsMissed
        for (id, session) in sessions where now.monotonic - session.lastHeard > patience {
            effects.append(.close(id))
            close(id, at: now)
        }
        dealKeys(at: now, into: &effects)
        refreshRevocations(at: now, into: &effects)
        forgetPending(at: now)
        expireApprovals(at: now)
        vouch(at: now)
        if findsLost(at: now) { reconcile(because: .nodeLost, at: now) }
        effects.append(.wake(at: now.monotonic + limits.heartbeatEvery, for: .sweep))
    }
}

extension Disconnection {
    /// What it means that a node is not heard from.
    var sentence: String {
        switch self {
        case .normal: "not heard from"
        case .expected: "not heard from, as is expected of its site"
        case .error: "not heard from, and its site should never be out of contact"
        }
    }
}

extension DocumentKey {
    fileprivate var isRule: Bool { isPolicy || kind == DocumentKey.site("").kind }
}

extension LogEntry {
    fileprivate var isLocalChange: Bool {
        if case .localChange = body { true } else { false }
    }
}
