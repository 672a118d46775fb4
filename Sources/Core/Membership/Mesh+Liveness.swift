import Model

// Who is alive, quiet, failed.

extension Mesh {
    /// The age beyond which a member is quiet: by its own loss and pace, and by the mesh's.
    func threshold(of slot: Int) -> Duration {
        let tick = Duration.milliseconds(20 * Int64(max(1, peers[slot].tick)))
        return detector.threshold(
            loss: Double(peers[slot].loss) / 255, tick: tick, mesh: estimate.loss,
            members: order.count, lateness: estimate.lateness)
    }

    /// Compares every member's age with its threshold, and counts voices.
    mutating func look(at now: Instant, into effects: inout [Effect]) {
        var changes: [Change] = []
        var alive = 1
        var known = 1
        for slot in peers.indices where !peers[slot].isRemoved {
            guard let sighting = peers[slot].sighting else { continue }
            known += 1
            let isOld = isOld(sighting, slot, at: now)
            switch peers[slot].state {
            case .unknown, .quiet, .failed:
                if !isOld { change(slot, to: .alive, at: now, &changes) }
            case .alive:
                if isOld, now >= sickUntil {
                    change(slot, to: .quiet, at: now, &changes)
                    votesDue = true
                } else if sighting.age(at: now) > peers[slot].threshold * 0.87 {
                    doubt(slot, at: now, into: &effects)
                }
            }
            if peers[slot].state == .alive { alive += 1 }
        }
        judge(at: now, &changes)
        if !changes.isEmpty { effects.append(.changed(changes)) }
        let isolated = alive * 2 <= known && known > 1
        if isolated != isIsolated {
            isIsolated = isolated
            effects.append(.isolated(isolated))
        }
    }

    /// Asks a member itself before it is said to be quiet. One answer spares everybody's vote.
    private mutating func doubt(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
        if let asked = peers[slot].askedAt, now - asked < .seconds(1) { return }
        // Who doubts everybody is likely to be deaf, and should not spend its voice on it.
        guard now >= nextDoubt, bucket.fill(at: now) > 0.5 else { return }
        nextDoubt = now + .milliseconds(200)
        peers[slot].askedAt = now
        pulse(to: slot, as: .wantsAnswer, at: now, into: &effects)
    }

    private func isOld(_ sighting: Sighting, _ slot: Int, at now: Instant) -> Bool {
        if sighting.age(at: now) > peers[slot].threshold { return true }
        // What nobody hears itself is kept fresh by somebody's invention. Two may lie, three do not.
        guard order.count > 4, !isInEarshot(slot, at: now) else { return false }
        return peers.count { $0.isFresh && $0.earshot.contains(slot) } < 3
    }

    /// Whether this node heard the member itself: chance alone keeps one out less than once in 10⁸ times.
    func isInEarshot(_ slot: Int, at now: Instant) -> Bool {
        guard let heard = peers[slot].heardAt ?? peers[slot].sighting?.runLearned else {
            return false
        }
        let round = ownTick * Double(order.count) / max(0.1, 1 - estimate.loss)
        return now - heard < max(.seconds(60), round * 20)
    }

    /// Quiet members whom most observers hold quiet have failed. Observers are the fresh ones, and
    /// for a while those that went quiet themselves: who sees everybody go is more likely deaf.
    private mutating func judge(at now: Instant, _ changes: inout [Change]) {
        guard now >= sickUntil else { return }
        let fresh = peers.indices.filter { peers[$0].isFresh }
        let doubtful = peers.indices.count { isDoubtful($0, at: now) }
        for slot in peers.indices where peers[slot].state == .quiet && !peers[slot].isRemoved {
            let others = doubtful - (isDoubtful(slot, at: now) ? 1 : 0)
            guard isAgreed(slot, by: fresh, of: fresh.count + others + 1, at: now) else {
                continue
            }
            change(slot, to: .failed, at: now, &changes)
            verdictsDue = true
        }
    }

    private func isDoubtful(_ slot: Int, at now: Instant) -> Bool {
        peers[slot].state == .quiet && now - peers[slot].since < Self.doubtfulFor
    }

    private static let doubtfulFor = Duration.seconds(8)

    private func isAgreed(
        _ subject: Int, by fresh: [Int], of observers: Int, at now: Instant
    ) -> Bool {
        guard !fresh.isEmpty else {
            // Who hears nobody is deaf, as far as it can tell, until that has lasted too long for it.
            return now - lastHeard > .seconds(30)
        }
        guard let sighting = peers[subject].sighting else { return false }
        // A member out of everybody's earshot has an age that somebody made up.
        let age = sighting.age(at: now)
        let span = age > peers[subject].threshold ? age : .seconds(15)
        let lastSign = now + .nanoseconds(-span.nanoseconds)
        var votes = 1
        var verdicts = 0
        for observer in fresh {
            // What it thought before the last sign of life was about something else.
            guard let viewed = peers[observer].viewedAt, viewed > lastSign else { continue }
            if peers[observer].quiet.contains(subject) { votes += 1 }
            if peers[observer].failed.contains(subject) { verdicts += 1 }
        }
        // Three who counted a majority each are taken at their word; two liars are not enough.
        return votes * 2 > observers || verdicts >= 3
    }

    private mutating func change(
        _ slot: Int, to state: Liveness, at now: Instant, _ changes: inout [Change]
    ) {
        changes.append(
            Change(node: peers[slot].member.id, from: peers[slot].state, to: state))
        let joinsRing = !peers[slot].isInRing
        peers[slot].state = state
        if state != .alive { peers[slot].wasGone = true }
        peers[slot].since = now
        // A member that comes back is asked within this round, not after it.
        if joinsRing, state == .alive {
            ring.insert(slot, at: Int.random(in: 0...ring.count, using: &random))
        }
    }
}
