import Model

// What a node claims, and when it may act on it.

extension Claimant {
    /// Claims again what is this node's own and does not run: after a start, or by a new plan.
    mutating func resume(at now: Moment) {
        guard isAble else { return }
        for (id, seat) in seats where seat.part == .none && seat.known.holder == node {
            guard seat.restsUntil.map({ $0 <= now.monotonic }) ?? true,
                plan?.places.contains(where: { $0.node == node }) == true
            else { continue }
            let bid = newBid(
                epoch: seat.known.epoch, of: seat.known.predecessor, at: now)
            seats.update(id) { $0.part = .claiming(bid) }
        }
    }

    /// A claim that all who are here have acknowledged is held from here on.
    mutating func conclude(at now: Moment) {
        guard isSettled(at: now.monotonic) else { return }
        let company = company
        for (id, seat) in seats {
            guard case .claiming(var bid) = seat.part else { continue }
            // Cut off from half of the mesh, it is likelier that the others go on.
            let mayHold = !bid.isTakeover || !isIsolated
            if mayHold, isAcknowledged(bid, by: company, at: now.monotonic) {
                // Said once more, so that all know that it is held.
                let witnesses = bid.acknowledged
                bid.repeatAnew(at: now.monotonic, pause: limits.repeatFirst)
                bid.witnesses = witnesses
                seats.update(id) {
                    $0.part = .holding(bid)
                    $0.orphanedAt = nil
                    $0.contestedAt = nil
                }
                know(tenure(id, of: seats[id] ?? seat), at: now.monotonic)
            } else if bid.isTakeover, now.monotonic - bid.begunAt > limits.patience {
                seats.update(id) {
                    $0.part = .none
                    $0.restsUntil = now.monotonic + limits.rest
                }
            }
        }
    }

    /// By all who are here; by most of them once somebody has kept silent for too long. Two claims that
    /// most of the same members acknowledge have a member in common, and that one refuses the second.
    private func isAcknowledged(_ bid: Seat.Bid, by company: [NodeID], at now: Instant) -> Bool {
        let missing = company.filter { !bid.acknowledged.contains($0) }
        guard !missing.isEmpty else { return true }
        // This node counts as well. Whoever says anything at all is not passed over.
        return now - bid.begunAt > limits.unison && missing.count * 2 < company.count + 1
            && missing.allSatisfy { spokeAt[$0].map { $0 < bid.begunAt } ?? true }
    }

    // MARK: - Taking over

    /// Claims what those who failed had, in the order of tiers, where it is this node's turn.
    mutating func takeOver(at now: Moment) {
        findOrphans(at: now.monotonic)
        guard isAble, !isIsolated, isSettled(at: now.monotonic), plan != nil else { return }
        let orphans = seats.filter { $0.1.orphanedAt != nil && $0.1.part == .none }
            .sorted { ($0.1.tier, $0.0) < ($1.1.tier, $1.0) }
        guard !orphans.isEmpty else { return }
        var loads = loads
        for (id, seat) in orphans {
            let candidates = candidates(for: id, seat.workload.spec, loads)
            if let best = candidates.first { loads[best, default: 0] += 1 }
            guard let turn = candidates.firstIndex(of: node), let since = seat.orphanedAt,
                permitted.contains(seat.tier), now.monotonic - since >= limits.turn * turn,
                seat.restsUntil.map({ $0 <= now.monotonic }) ?? true,
                mayClaim(seat.tier, at: now.monotonic)
            else { continue }
            let epoch = max(seat.known.epoch, plan?.home(of: id)?.epoch ?? 0) + 1
            let bid = newBid(
                epoch: epoch, of: seat.known.holder, isTakeover: true, at: now)
            seats.update(id) { $0.part = .claiming(bid) }
        }
    }

    /// What is held by nobody who is here.
    private mutating func findOrphans(at now: Instant) {
        for (id, seat) in seats {
            let isOrphan = seat.part == .none && isGone(seat, at: now)
            if !isOrphan {
                if seat.orphanedAt != nil, seat.bid == nil {
                    seats.update(id) { $0.orphanedAt = nil }
                }
            } else if seat.orphanedAt == nil {
                seats.update(id) { $0.orphanedAt = now }
            }
        }
    }

    /// Whether what is known was said too long ago to stand in anybody's way.
    func isStale(_ seat: Seat, at now: Instant) -> Bool {
        if seat.isAssumed { return now - seat.heardAt > limits.silence }
        return !seat.known.isHeld && now - seat.heardAt > limits.staleness
    }

    private func isGone(_ seat: Seat, at now: Instant) -> Bool {
        let holder = seat.known.holder
        guard holder != node else { return false }
        switch standings[holder] {
        case .alive, .quiet: return isStale(seat, at: now)
        case .failed:
            return failedSince[holder].map { now - $0 >= limits.hold } ?? false
        case .unknown, nil: return now - started >= limits.absence
        }
    }

    /// How many instances each member has, as far as is known.
    private var loads: [NodeID: Int] {
        var loads: [NodeID: Int] = [:]
        for seat in seats.rows {
            let holder = seat.bid == nil ? seat.known.holder : node
            if holder == node || isHere(holder) { loads[holder, default: 0] += 1 }
        }
        return loads
    }

    /// Who may have it, the best first, as all would say who see and know the same: those with fewer
    /// instances of the same workload, then with fewer at all.
    private func candidates(
        for id: InstanceID, _ spec: WorkloadSpec, _ loads: [NodeID: Int]
    ) -> [NodeID] {
        guard let plan else { return [] }
        var copies: [NodeID: Int] = [:]
        for (other, seat) in seats where other.workload == id.workload && other != id {
            copies[seat.bid == nil ? seat.known.holder : node, default: 0] += 1
        }
        return plan.places.map(\.node)
            .filter { ($0 == node || isHere($0)) && plan.admits($0, to: spec) }
            .sorted { left, right in
                (copies[left] ?? 0, loads[left] ?? 0, left)
                    < (copies[right] ?? 0, loads[right] ?? 0, right)
            }
    }

    /// Not while a more important one still has nobody, unless that takes too long.
    private func mayClaim(_ tier: Tier, at now: Instant) -> Bool {
        !seats.rows.contains { seat in
            guard seat.tier < tier, !seat.isHeld else { return false }
            if let since = seat.orphanedAt { return now - since < limits.tierWait }
            // Somebody is about to take it.
            return !seat.known.isHeld && now - seat.heardAt < limits.staleness
        }
    }

    // MARK: - Saying it

    /// What is due to members that have not acknowledged it.
    mutating func speak(at now: Moment) -> [Post] {
        var due: Table<NodeID, [Message]> = Table()
        let company = company
        for (id, seat) in seats {
            guard let bid = seat.bid, bid.dueAt <= now.monotonic else { continue }
            let missing = company.filter { !bid.acknowledged.contains($0) }
            guard !missing.isEmpty else { continue }
            let claim = Message.claim(tenure(id, of: seat))
            for member in missing { due.insert((due[member] ?? []) + [claim], for: member) }
            let next = min(bid.pause * 2, limits.repeatMax)
            let isUrgent = !seat.isHeld
            seats.update(id) { seat in
                seat.changeBid { bid in
                    bid.dueAt = now.monotonic + bid.pause
                    if !isUrgent { bid.pause = next }
                }
            }
        }
        return due.map { Post(to: $0, $1) }
    }
}
