import Model
import Replication

/// Two machines with one identity, told apart by the runs of their agents.
///
/// A machine that starts its agent anew says a new run and never an old one again. So a run that
/// another has replaced and that speaks all the same proves that there are two: a copied disk, a
/// restored image. The one met first goes on; what came after it is turned away. Neither is told to
/// stop anything.
extension Hub {
    /// Judges who greets. False where the greeting is turned away.
    mutating func admitClaim(
        _ hello: Hello, on session: SessionID, at now: Moment, into effects: inout [Effect]
    ) -> Bool {
        guard let member = nodes[hello.node] else { return false }
        var claims = member.claims
        let claim = Claims.Claim(
            run: hello.run ?? 0, boot: hello.boot ?? 0, machine: hello.machine ?? 0,
            since: now.wall, agentVersion: hello.agentVersion, readThrough: member.inbox.last)
        let verdict =
            member.isForeign(hello)
            ? claims.refuse(claim) : claims.hear(claim, follows: hello.follows)
        if claims != member.claims {
            if verdict != .known { claims.clonedAt = claims.clonedAt ?? now.wall }
            nodes.update(hello.node) { $0.claims = claims }
            journal.writes.append(.claims(hello.node, claims))
        }
        switch verdict {
        case .known: return true
        case .clone:
            if member.claims.clonedAt == nil { tellOfClone(claim, of: hello.node, at: now) }
            turnAway(session, for: hello.node, into: &effects)
            return false
        case .original(let clone):
            disown(clone, of: hello.node, at: now, into: &effects)
            takeBack(hello)
            return true
        }
    }

    private mutating func turnAway(
        _ session: SessionID, for node: NodeID, into effects: inout [Effect]
    ) {
        sessions.remove(session)
        effects.append(
            .send(
                session,
                .retry(after: Interval(Hub.quarantine), reason: Hub.quarantineReason(node))))
        effects.append(.close(session))
    }

    /// The original is back after a clone spoke in its name. What the clone's log said is forgotten
    /// as far as it shows a state, and the log is read again from where the clone began: its numbers
    /// mean something else in the original's. The position that the original is told is zero, so
    /// that it says once more how every instance is; until it did, whatever becomes of sessions.
    private mutating func disown(
        _ clone: Claims.Claim, of node: NodeID, at now: Moment, into effects: inout [Effect]
    ) {
        guard let member = nodes[node] else { return }
        if let session = member.session { turnAway(session, for: node, into: &effects) }
        journal.forget { followUp in
            if case .acknowledge(node, _, _) = followUp { true } else { false }
        }
        let read = min(clone.readThrough, member.inbox.last)
        nodes.update(node) {
            $0.session = nil
            $0.inbox = Inbox(last: read)
        }
        forgetReports(of: node)
        for (subject, decision) in standing
        where decision.id.origin == node.text && decision.at >= clone.since {
            standing.remove(subject)
        }
        tellOfClone(
            clone, of: node, entries: (read + 1)...max(read + 1, member.inbox.last), at: now)
    }

    /// What the clone confirmed, the original may not have.
    private mutating func takeBack(_ hello: Hello) {
        guard let applied = nodes[hello.node]?.applied, hello.appliedRevision < applied else {
            return
        }
        nodes.update(hello.node) {
            $0.applied = hello.appliedRevision
            $0.wentBack = true
        }
    }

    private mutating func tellOfClone(
        _ clone: Claims.Claim, of node: NodeID, entries: ClosedRange<UInt64>? = nil, at now: Moment
    ) {
        let original = nodes[node]?.claims.current?.phrase ?? "the one that enrolled last"
        let said =
            entries.map {
                " What the node's log said from entry \($0.lowerBound) to \($0.upperBound) was the "
                    + "second one's."
            } ?? ""
        tell(
            .warning, "IdentityCloned", .node, node.text,
            "two agents speak as this node: \(original), which goes on, and \(clone.phrase), which "
                + "is turned away.\(said) Nothing was stopped on either machine. "
                + Hub.advice(node), at: now)
    }

    /// What a person sees of a node whose identity is in two places.
    func cloneConditions(of member: Member) -> [Condition] {
        guard let since = member.claims.clonedAt else { return [] }
        let name = NodeID(member.node.metadata.name)
        let others = member.claims.quarantined.map(\.phrase).joined(separator: "; ")
        return [
            Condition(
                type: "Cloned", isTrue: true, reason: "IdentityCloned",
                message: "another machine has this node's identity: \(others). It is turned away "
                    + "and keeps what it runs. \(Hub.advice(name))", observedAt: since)
        ]
    }

    /// How long a clone is asked to stay away: nothing changes but by a person's hand.
    private static let quarantine = Duration.seconds(900)

    private static func quarantineReason(_ node: NodeID) -> String {
        "another machine already speaks as node \(node): this one has a copy of its identity. What "
            + "runs here goes on. If this machine is to be a node of its own, stop the agent, empty "
            + "its state directory, and start it with a new token and another name"
    }

    private static func advice(_ node: NodeID) -> String {
        "Find the copy (its own 'skerry --context local describe node' says that it is turned "
            + "away), stop its agent and empty its state directory; then 'skerry delete node "
            + "\(node)' and enrol the right machine anew"
    }
}

/// What the runs that greeted so far make of one more.
enum ClaimVerdict: Equatable, Sendable {
    case known
    /// It belongs to a clone.
    case clone
    /// It was here before `clone`, which spoke in its name meanwhile.
    case original(clone: Claims.Claim)
}

extension Hub.Member {
    /// Whoever holds more than was ever made for a node that was not heard from yet has the identity of
    /// an earlier node of this name.
    fileprivate func isForeign(_ hello: Hello) -> Bool {
        lastSeen == nil && applied == 0 && claims.welcomed.isEmpty && timeline == .shared
            && hello.appliedRevision > feed.head
    }
}

extension Claims {
    /// Turns away one that the runs themselves do not give away.
    mutating func refuse(_ claim: Claim) -> ClaimVerdict {
        if claim.run != 0, !quarantined.contains(where: { $0.run == claim.run }) {
            quarantine([claim])
        }
        return .clone
    }

    /// Takes note of one greeting. A run of zero is an older agent's, which says none.
    mutating func hear(_ claim: Claim, follows: UInt64?) -> ClaimVerdict {
        guard claim.run != 0, claim.run != current?.run else { return .known }
        if isOfClone(claim, follows: follows) { return refuse(claim) }
        let intruders = intruders(since: claim, follows: follows)
        guard let first = intruders.first else {
            welcome(claim)
            return .known
        }
        quarantine(intruders)
        welcomed.removeAll { intruders.contains($0) }
        if current?.run != claim.run { welcome(claim) }
        return .original(clone: first)
    }

    /// A run that was turned away before, its successor on the same disk, or a machine of which
    /// nothing else is known.
    private func isOfClone(_ claim: Claim, follows: UInt64?) -> Bool {
        quarantined.contains { $0.run == claim.run || $0.run == follows }
            || quarantined.contains { $0.isOnMachine(of: claim) }
                && !welcomed.contains { $0.isOnMachine(of: claim) }
    }

    /// Who spoke after the claimant was first heard and is another. Two agents on one machine, with
    /// a copy of the state directory, have nothing but their runs to tell them apart.
    private func intruders(since claim: Claim, follows: UInt64?) -> [Claim] {
        // The same disk, in whatever machine.
        guard current?.run != follows || follows == nil else { return [] }
        if let first = welcomed.firstIndex(where: { $0.isOnMachine(of: claim) }) {
            let others = welcomed[first...].filter { !$0.isOnMachine(of: claim) }
            if !others.isEmpty { return others }
        }
        guard let index = welcomed.firstIndex(where: { $0.run == claim.run }) else { return [] }
        return Array(welcomed[(index + 1)...])
    }

    /// Room is made by runs that were not the first of their machine: those say who was here before
    /// whom, however often the other restarts meanwhile.
    private mutating func welcome(_ claim: Claim) {
        welcomed.append(claim)
        guard welcomed.count > Claims.kept else { return }
        let spare = welcomed.indices.dropLast().first { index in
            welcomed[..<index].contains { $0.isOnMachine(of: welcomed[index]) }
        }
        welcomed.remove(at: spare ?? 0)
    }

    private mutating func quarantine(_ claims: [Claim]) {
        quarantined = (quarantined + claims).suffix(Claims.kept)
    }

    /// Runs remembered of each kind: enough for a clone and an original that both restart a few times
    /// before they meet.
    private static let kept = 8
}

extension Claims.Claim {
    /// A machine without a number of its own is known by its boot.
    fileprivate func isOnMachine(of other: Claims.Claim) -> Bool {
        machine != 0 && other.machine != 0 ? machine == other.machine : boot == other.boot
    }

    /// Which run it is, for people.
    fileprivate var phrase: String {
        "run \(String(run, radix: 16).prefix(8)) of agent \(agentVersion), first heard at \(since)"
    }
}
