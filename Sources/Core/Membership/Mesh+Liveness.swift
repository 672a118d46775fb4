import Model

// Who is alive, quiet, failed.

extension Mesh {
    /// The age beyond which a member is quiet: by its own loss and pace, and by the mesh's.
    func threshold(of slot: Int) -> Duration {
        let tick = Duration.milliseconds(20 * Int64(max(1, peers[slot].tick)))
        return detector.threshold(
            loss: Double(peers[slot].loss) / 255, tick: tick, mesh: estimate.loss,
            members: order.count)
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
        peers[slot].askedAt = now
        pulse(to: slot, as: .wantsAnswer, at: now, into: &effects)
    }

    private func isOld(_ sighting: Sighting, _ slot: Int, at now: Instant) -> Bool {
        let threshold = peers[slot].threshold
        if sighting.age(at: now) > threshold { return true }
        // One voice alone cannot keep a dead member fresh for ever, where there would be others.
        guard order.count > 4, !sighting.isDirect || sighting.counter != sighting.confirmed else {
            return false
        }
        return sighting.confirmedAge(at: now) > max(threshold * 3, .seconds(10))
    }

    /// Quiet members whom most of the fresh observers hold quiet have failed.
    private mutating func judge(at now: Instant, _ changes: inout [Change]) {
        guard now >= sickUntil else { return }
        // A quiet member's own opinion does not count, so the fresh ones are the same for all.
        let fresh = peers.indices.filter { peers[$0].isFresh }
        for slot in peers.indices where peers[slot].state == .quiet && !peers[slot].isRemoved {
            guard isAgreed(slot, by: fresh, at: now) else { continue }
            change(slot, to: .failed, at: now, &changes)
            verdictsDue = true
        }
    }

    private func isAgreed(_ subject: Int, by fresh: [Int], at now: Instant) -> Bool {
        guard !fresh.isEmpty else {
            // Who hears nobody is deaf, as far as it can tell, until that has lasted too long for it.
            let last = peers.compactMap(\.heardAt).max() ?? booted
            return now - last > .seconds(30)
        }
        var votes = 1
        var verdicts = 0
        for observer in fresh {
            guard let viewed = peers[observer].viewedAt, now - viewed < .seconds(15) else {
                continue
            }
            if peers[observer].quiet.contains(subject) { votes += 1 }
            if peers[observer].failed.contains(subject) { verdicts += 1 }
        }
        // Three who counted a majority each are taken at their word; two liars are not enough.
        return votes * 2 > fresh.count + 1 || verdicts >= 3
    }

    private mutating func change(
        _ slot: Int, to state: Liveness, at now: Instant, _ changes: inout [Change]
    ) {
        changes.append(
            Change(node: peers[slot].member.id, from: peers[slot].state, to: state))
        let joinsRing = !peers[slot].isInRing
        peers[slot].state = state
        peers[slot].since = now
        // A member that comes back is asked within this round, not after it.
        if joinsRing, state == .alive {
            ring.insert(slot, at: Int.random(in: 0...ring.count, using: &random))
        }
    }
}
