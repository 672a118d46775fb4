import Model
import Replication

/// A hub that is not the newest there was, and another that is.
///
/// What a restored hub does not remember, its nodes may: the newer word is theirs. So it compares
/// itself with each before it says anything, and where they differ a person chooses.
extension Hub {
    /// This store is a copy: a backup that was put in place. From here on no older hub is obeyed by a
    /// node that has met this one, and no node is told anything before it was compared.
    mutating func beginAnew(at now: Moment) {
        let former = epoch
        epoch = max(epoch, metEpoch) + 1
        journal.writes.append(.epoch(epoch))
        leapOverLostVersions(at: now.wall)
        // One that is awaited already may hold what even the hub before this copy did not know.
        for (node, member) in nodes {
            switch member.timeline {
            case .shared:
                setTimeline(
                    .awaited(since: now.wall, head: member.feed.newest, epoch: former), of: node)
            case .awaited: continue
            // It is not asked a second time what it holds, but what it runs may have changed since.
            case .paused: forgetReports(of: node)
            }
        }
        for site in Set(nodes.rows.map(\.node.spec.site)).sorted() {
            let count = nodes.rows.count { $0.node.spec.site == site }
            tell(
                .warning, "HubRestored", .site, site.text,
                "this hub was restored from a copy and speaks with epoch \(epoch); \(count) nodes of "
                    + "the site are awaited, and told nothing before they were compared", at: now)
        }
    }

    /// Whether this hub may lead the node that greets. One that has obeyed a higher epoch has another
    /// hub, and this one is the older.
    mutating func leads(
        _ hello: Hello, on session: SessionID, at now: Moment, into effects: inout [Effect]
    ) -> Bool {
        guard hello.epoch > epoch else {
            nodes.update(hello.node) { $0.rival = nil }
            return true
        }
        if metEpoch < hello.epoch {
            metEpoch = hello.epoch
            journal.writes.append(.metEpoch(metEpoch))
        }
        let isNew = nodes[hello.node]?.rival != hello.epoch
        nodes.update(hello.node) { $0.rival = hello.epoch }
        if isNew {
            tell(
                .warning, "Superseded", .node, hello.node.text,
                Hub.rivalry(hello.epoch, epoch) + ". " + Hub.rivalryAdvice, at: now)
        }
        sessions.remove(session)
        effects.append(
            .send(
                session,
                .retry(
                    after: .seconds(300),
                    reason: "this is an older hub, of epoch \(epoch); the node obeys epoch "
                        + "\(hello.epoch)")))
        effects.append(.close(session))
        return false
    }

    private static func rivalry(_ theirs: UInt64, _ own: UInt64) -> String {
        "the node obeys another hub, of epoch \(theirs); this one, of epoch \(own), is older and "
            + "leads it no more"
    }

    private static let rivalryAdvice =
        "Stop one of the two; if this one is to go on, start it once with: skerry hub --restored"

    /// Finds out where a node that greets stands. Answers whether it has to say what it holds.
    mutating func compareTimeline(_ hello: Hello, at now: Moment) -> Bool {
        guard let member = nodes[hello.node] else { return false }
        nodes.update(hello.node) { $0.gathered = nil }
        // Once: a greeting may come twice, and the second welcome is not listened to.
        if case .awaited = member.timeline, member.gathered == nil {
            forgetReports(of: hello.node)
        }
        switch member.timeline {
        case .shared where hello.knownRevision > member.feed.head:
            let why =
                "it holds revision \(hello.knownRevision), this hub knows \(member.feed.head)"
            expect(hello.node, head: member.feed.newest, because: why, at: now)
        case .awaited(_, let head, let former)
        where hello.knownRevision <= head
            && (hello.epoch == former ?? hello.epoch || hello.knownRevision == 0):
            setTimeline(.shared, of: hello.node)
            return resume(hello)
        case .shared: return resume(hello)
        case .awaited, .paused: break
        }
        nodes.update(hello.node) { $0.gathered = [] }
        return true
    }

    /// Whether what a node holds may come from the hub that this one took the place of, which gave other
    /// documents the same numbers. It is greeted once that is durable.
    ///
    /// With the first document that it keeps, a node keeps the epoch as well. One that greets with an
    /// older epoch has kept nothing that this hub said since it was restored, so it holds what it held
    /// when the two were compared, or has it from another. The welcome gives it the epoch, and from
    /// then on nothing else would tell.
    mutating func doubt(_ hello: Hello, on session: SessionID, at now: Moment) -> Bool {
        guard let member = nodes[hello.node], member.timeline == .shared,
            // A copy of a greeting is older than what the node said since.
            sessions[session]?.state == .silent,
            hello.epoch < epoch, hello.knownRevision > 0,
            hello.knownRevision != member.applied || member.hasMore(than: hello)
        else { return false }
        let why = "it may have obeyed a hub of epoch \(hello.epoch) since this one was restored"
        expect(hello.node, head: 0, because: why, at: now)
        journal.followUps.append(.greet(hello, session))
        return true
    }

    private mutating func expect(
        _ node: NodeID, head: UInt64, because why: String, at now: Moment
    ) {
        tell(
            .warning, "NodeAhead", .node, node.text,
            why + "; nothing is sent to it before the two were compared", at: now)
        setTimeline(.awaited(since: now.wall, head: head, epoch: epoch), of: node)
        forgetReports(of: node)
    }

    /// What the copy knows of the node's instances may have ended since, which nobody would say again:
    /// a node that is told position zero says once more how everything is.
    mutating func forgetReports(of node: NodeID) {
        for id in nodes[node]?.instances.keys ?? [] {
            journal.writes.append(.removeInstance(node, id))
        }
        nodes.update(node) {
            $0.instances = Table()
            $0.acknowledged = 0
        }
        journal.writes.append(.acknowledged(node, sequence: 0))
    }

    /// Goes on from what the node holds. One that holds less than it confirmed once, since its disk was
    /// put back, may still hold what was deleted meanwhile: it has to say.
    private mutating func resume(_ hello: Hello) -> Bool {
        guard nodes[hello.node]?.wentBack == true else {
            confirm(hello.appliedRevision, by: hello.node)
            repeatPolicies(after: hello)
            return false
        }
        nodes.update(hello.node) { $0.gathered = [] }
        return true
    }

    /// A node says what it holds. What is more than a node may hold is not listened to.
    mutating func gather(
        _ documents: [Document], isLast: Bool, from node: NodeID, at now: Moment
    ) {
        guard let member = nodes[node], let known = member.gathered else { return }
        guard known.count + documents.count <= limits.holdings else {
            nodes.update(node) { $0.gathered = nil }
            return
        }
        let held = known + documents.filter { $0.content != .deleted }
        nodes.update(node) { $0.gathered = isLast ? nil : held }
        guard isLast else { return }
        let through = member.session.flatMap { sessions[$0] }?.greetedWith ?? member.applied
        switch member.timeline {
        case .shared:
            nodes.update(node) { $0.wentBack = false }
            bury(held.map(\.key), of: node, above: through)
            // Only now: a hub that dies before has to ask again, and knows it by what it had confirmed.
            journal.writes.append(.appliedRevision(node, member.applied))
            journal.followUps.append(.feed(node, through: nodes[node]?.feed.head ?? 0))
        case .awaited, .paused: compare(held, through: through, with: node, at: now)
        }
    }

    /// Says of every key that the feed knows nothing of that it is gone.
    private mutating func bury(_ keys: [DocumentKey], of node: NodeID, above revision: UInt64) {
        guard let feed = nodes[node]?.feed else { return }
        restate(keys.filter { $0.isIntent && feed[$0] == nil }, to: node, above: revision)
    }

    private mutating func compare(
        _ held: [Document], through: UInt64, with node: NodeID, at now: Moment
    ) {
        guard let member = nodes[node] else { return }
        let differing = differingKeys(held, member.feed)
        guard !differing.isEmpty else {
            takeGenerations(of: held, for: node, at: now)
            rejoin(node, through: through, at: now)
            reconcile(because: .nodesChanged, at: now)
            return restateNumbers(of: held, to: node, above: through)
        }
        let since =
            switch member.timeline {
            case .paused(let since, _, _): since
            case .awaited, .shared: now.wall
            }
        if !member.timeline.isPaused {
            let names = differing.prefix(5).map(\.description).joined(separator: ", ")
            tell(
                .warning, "ConflictPaused", .node, node.text,
                "it holds what this hub does not say (\(names)); it keeps what it runs and is sent "
                    + "nothing. \(Hub.conflictAdvice(node))", at: now)
        }
        setTimeline(.paused(since: since, held: held, through: through), of: node)
    }

    /// Hub and node are of one mind again, and no number is given twice.
    mutating func rejoin(_ node: NodeID, through: UInt64, at now: Moment) {
        setTimeline(.shared, of: node)
        nodes.update(node) { $0.feed.raise(to: through) }
        if let head = nodes[node]?.feed.head { journal.writes.append(.head(node, head)) }
        confirm(through, by: node)
        feedOnceDurable(node)
        tell(
            .normal, "Rejoined", .node, node.text, "hub and node are of one mind again", at: now)
    }

    /// Sends the node what is new once that is durable.
    private mutating func feedOnceDurable(_ node: NodeID) {
        guard let head = nodes[node]?.feed.head else { return }
        journal.followUps.removeAll { if case .feed(node, _) = $0 { true } else { false } }
        journal.followUps.append(.feed(node, through: head))
    }

    /// Says once more what holds about `keys`, above what the node has.
    mutating func restate(_ keys: [DocumentKey], to node: NodeID, above revision: UInt64) {
        for key in keys {
            let document = nodes.update(node) { $0.feed.restate(key, above: revision) }
            if case .some(.some(let document)) = document {
                journal.writes.append(.document(node, document))
            }
        }
        if !keys.isEmpty { feedOnceDurable(node) }
    }

    /// What says the same under another generation is said again, so that both count alike.
    mutating func restateNumbers(of held: [Document], to node: NodeID, above revision: UInt64) {
        let keys = held.filter { nodes[node]?.feed[$0.key] != $0.content }.map(\.key)
        restate(keys.filter(\.isIntent), to: node, above: revision)
    }

    mutating func setTimeline(_ timeline: Timeline, of node: NodeID) {
        nodes.update(node) { $0.timeline = timeline }
        journal.writes.append(.timeline(node, timeline))
    }

    // MARK: - For people

    func timelineConditions(of member: Member) -> [Condition] {
        let name = NodeID(member.node.metadata.name)
        var conditions: [Condition] = []
        switch member.timeline {
        case .shared: break
        case .awaited(let since, _, _) where member.session == nil:
            conditions.append(
                Condition(
                    type: "AwaitingReconnect", isTrue: true, reason: "HubRestored",
                    message:
                        "this hub was restored from a copy and has not heard from the node since",
                    observedAt: since))
        case .awaited(let since, _, _):
            conditions.append(
                Condition(
                    type: "ConflictPaused", isTrue: true, reason: "NotCompared",
                    message:
                        "the node is ahead of this hub and has not said what it holds; it keeps "
                        + "what it runs. \(Hub.conflictAdvice(name))", observedAt: since))
        case .paused(let since, let held, _):
            let names = differingKeys(held, member.feed).map(\.description)
            conditions.append(
                Condition(
                    type: "ConflictPaused", isTrue: true, reason: "NodeIsAhead",
                    message: "hub and node differ about \(names.joined(separator: ", ")); the node "
                        + "keeps what it runs and is sent nothing. \(Hub.conflictAdvice(name))",
                    observedAt: since))
        }
        if let rival = member.rival {
            conditions.append(
                Condition(
                    type: "Superseded", isTrue: true, reason: "HigherEpoch",
                    message: Hub.rivalry(rival, epoch) + ". " + Hub.rivalryAdvice,
                    observedAt: member.lastSeen ?? WallTime(milliseconds: 0)))
        }
        return conditions
    }

    private static func conflictAdvice(_ node: NodeID) -> String {
        "See 'skerry get conflicts', then choose: skerry resolve node/\(node) --keep hub|node"
    }
}

extension DocumentKey {
    /// Whether it is about what somebody wants.
    var isIntent: Bool { self != .changes(NodeID(name)) }
}

extension Timeline {
    var isPaused: Bool {
        if case .paused = self { true } else { false }
    }
}

extension Hub.Member {
    /// Whether the node said once that it holds more than it does now.
    func hasMore(than hello: Hello) -> Bool {
        hello.appliedRevision < applied || (hello.logHead.map { $0 < inbox.last } ?? false)
    }
}
