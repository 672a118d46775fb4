package import Model

// What others say, and what is answered.

extension Claimant {
    /// Takes what a member said, and answers it. The member is known by the session it spoke on.
    package mutating func hear(
        _ messages: [Message], from member: NodeID, at now: Moment
    ) -> [Post] {
        guard member != node, plan?.places.contains(where: { $0.node == member }) ?? true else {
            return []
        }
        spokeAt.insert(now.monotonic, for: member)
        var answers: [Message] = []
        for message in messages {
            switch message {
            case .claim(let claim):
                // Nobody claims for another, and nobody honest leaps ahead.
                guard claim.holder == member, isPlausible(claim) else { continue }
                if let answer = answer(to: claim, at: now) { answers.append(answer) }
            case .acknowledge(let id, let epoch, let isHeld):
                take(id, epoch, isHeld, from: member)
            case .refuse(let standing):
                guard isPlausible(standing) else { continue }
                if let answer = weigh(standing, from: member, at: now) { answers.append(answer) }
            }
        }
        return answers.isEmpty ? [] : [Post(to: member, answers)]
    }

    private func isPlausible(_ tenure: Tenure) -> Bool {
        guard let seat = seats[tenure.instance] else { return true }
        let known = max(seat.known.epoch, seat.bid?.epoch ?? 0)
        return tenure.epoch <= known || tenure.epoch - known <= limits.epochLead
    }

    private mutating func take(
        _ id: InstanceID, _ epoch: UInt64, _ isHeld: Bool, from member: NodeID
    ) {
        seats.update(id) { seat in
            guard seat.isHeld == isHeld else { return }
            seat.changeBid { bid in
                if bid.epoch == epoch { bid.acknowledged.insert(member) }
            }
        }
    }

    // MARK: - Claims

    private mutating func answer(to claim: Tenure, at now: Moment) -> Message? {
        let yes = Message.acknowledge(
            claim.instance, epoch: claim.epoch, isHeld: claim.isHeld)
        // What this node's plan does not name does not run here by any claim.
        guard let seat = seats[claim.instance] else { return yes }
        switch seat.part {
        case .holding:
            return claim.isHeld ? contest(claim, at: now) : defend(claim, at: now)
        case .claiming:
            let mine = tenure(claim.instance, of: seat)
            let isMine = claim.isHeld ? isGiven(mine, before: claim) : mine.outranks(claim)
            if isMine { return .refuse(mine) }
            withdraw(claim.instance, for: claim, at: now.monotonic)
            return yes
        case .yielding:
            return busy(claim)
        case .none:
            if seat.exists { return busy(claim) }
            return witness(claim, yes, of: seat, at: now.monotonic)
        }
    }

    /// On its way down here: the other may begin when it is. Says no more than that this node hears it,
    /// since no claim has the number 0: who kept silent would be passed over in the end.
    private func busy(_ claim: Tenure) -> Message {
        .acknowledge(claim.instance, epoch: 0, isHeld: claim.isHeld)
    }

    /// A claim on what this node has no part in.
    private mutating func witness(
        _ claim: Tenure, _ yes: Message, of seat: Seat, at now: Instant
    ) -> Message {
        let known = seat.known
        if known.holder == claim.holder {
            guard claim.epoch >= known.epoch else { return .refuse(known) }
        } else {
            // Who holds it is here, if only for this node to hear.
            let isStale = isStale(seat, at: now)
            if !claim.isHeld, known.isHeld, !isStale, isHere(known.holder),
                !isGiven(claim, before: known)
            {
                return .refuse(known)
            }
            if known.outranks(claim), !isStale { return .refuse(known) }
        }
        know(claim, at: now)
        return yes
    }

    /// Somebody wants what runs here. It goes on here, unless the hub has moved it.
    private mutating func defend(_ claim: Tenure, at now: Moment) -> Message? {
        guard let seat = seats[claim.instance] else { return nil }
        if isGiven(claim, before: tenure(claim.instance, of: seat)) {
            yield(claim.instance, to: claim, at: now.monotonic)
            return nil
        }
        // The others took note of the higher claim, and have to hear of a higher one. By a plan that is
        // not here yet it may be right; that plan is on its way.
        if claim.plan <= plan?.version ?? .none {
            raise(claim.instance, above: claim.epoch, at: now.monotonic)
        }
        return seats[claim.instance].map { .refuse(tenure(claim.instance, of: $0)) }
    }

    /// Another one runs it as well. By facts that both know, both choose the same.
    private mutating func contest(_ claim: Tenure, at now: Moment) -> Message? {
        let id = claim.instance
        guard let seat = seats[id] else { return nil }
        let mine = tenure(id, of: seat)
        let since = seat.contestedAt ?? now.monotonic
        seats.update(id) { $0.contestedAt = since }
        let isOverdue = now.monotonic - since > limits.contest
        let wins =
            isGiven(mine, before: claim)
            || !isGiven(claim, before: mine)
                && (isOverdue ? mine.outranks(claim) : isPreferred(mine, to: claim, of: seat))
        if wins {
            raise(id, above: claim.epoch, at: now.monotonic)
        } else if claim.outranks(mine) || isGiven(claim, before: mine) {
            yield(id, to: claim, at: now.monotonic)
            return nil
        }
        return seats[id].map { .refuse(tenure(id, of: $0)) }
    }

    /// Whether the plan gives it to the one and, knowing of it, no longer to the other.
    private func isGiven(_ one: Tenure, before other: Tenure) -> Bool {
        guard let home = plan?.home(of: one.instance) else { return false }
        return isPlanned(one) && home.epoch > other.epoch && home.node != other.holder
    }

    private func isPreferred(_ mine: Tenure, to other: Tenure, of seat: Seat) -> Bool {
        guard mine.isReady == other.isReady else { return mine.isReady }
        let home = plan?.home(of: mine.instance)?.node
        func isOriginal(_ one: Tenure, before other: Tenure) -> Bool {
            if (one.holder == home) != (other.holder == home) { return one.holder == home }
            return other.outranks(one)
        }
        switch seat.workload.spec.disconnect?.reconcile ?? .keepOriginal {
        case .keepOriginal: return isOriginal(mine, before: other)
        case .keepReplacement: return isOriginal(other, before: mine)
        case .bestScore: return (mine.load, mine.holder) < (other.load, other.holder)
        case .longestRunning: return (mine.since, mine.holder) < (other.since, other.holder)
        }
    }

    // MARK: - Refusals

    /// A member says what stands against a claim of this node.
    private mutating func weigh(
        _ standing: Tenure, from member: NodeID, at now: Moment
    ) -> Message? {
        let id = standing.instance
        guard let seat = seats[id], let bid = seat.bid else {
            if standing.holder == member, let seat = seats[id], seat.part == .none, !seat.exists,
                standing.outranks(seat.known)
            {
                know(standing, at: now.monotonic)
            }
            return nil
        }
        let mine = tenure(id, of: seat)
        if seat.isHeld, standing.holder == member {
            return standing.isHeld ? contest(standing, at: now) : defend(standing, at: now)
        }
        if standing.holder == member {
            if standing.isHeld ? !isGiven(mine, before: standing) : standing.outranks(mine) {
                withdraw(id, for: standing, at: now.monotonic)
            }
        } else if standing.epoch >= bid.epoch, !seat.isHeld || !isHere(standing.holder) {
            // What a third one knows is a number to stay above; who holds it speaks for itself.
            raise(id, above: standing.epoch, at: now.monotonic)
        }
        return nil
    }

    // MARK: - Changes

    mutating func know(_ tenure: Tenure, at now: Instant) {
        seats.update(tenure.instance) { seat in
            seat.known = tenure
            seat.heardAt = now
            seat.isAssumed = false
            if tenure.isHeld { seat.orphanedAt = nil }
        }
    }

    private mutating func withdraw(_ id: InstanceID, for other: Tenure, at now: Instant) {
        seats.update(id) { $0.part = .none }
        know(other, at: now)
    }

    private mutating func yield(_ id: InstanceID, to other: Tenure, at now: Instant) {
        seats.update(id) { seat in
            seat.part = seat.exists ? .yielding : .none
            seat.contestedAt = nil
        }
        know(other, at: now)
    }

    private mutating func raise(_ id: InstanceID, above epoch: UInt64, at now: Instant) {
        let pause = limits.repeatFirst
        seats.update(id) { seat in
            seat.changeBid { bid in
                guard bid.epoch <= epoch else { return }
                bid.epoch = epoch + 1
                bid.repeatAnew(at: now, pause: pause)
            }
        }
        if let seat = seats[id] { know(tenure(id, of: seat), at: now) }
    }
}
