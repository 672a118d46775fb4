package import Model

/// One node's part in the agreement of a mesh on who runs what, with nobody above.
///
/// What a plan gave to a node that is held failed is claimed by the node that all who are here would
/// name; it acts on its claim once every one of them has acknowledged it. Whoever holds an instance
/// refuses, so two that can hear each other, by whomever, do not both come to hold it. Two that could
/// not are parted by the workload's own rule when they meet: the winner raises its claim, and whoever
/// sees a higher one that is held stops.
///
/// Holds always: nothing is granted that was not acknowledged by all members who are here, unless it
/// runs already; a member is believed about itself alone; nothing is acknowledged while it runs here.
package struct Claimant: Equatable, Sendable {
    package let node: NodeID
    let limits: Limits
    let started: Instant
    package internal(set) var plan: SitePlan?
    var seats: Table<InstanceID, Seat> = Table()
    /// What this node had by claims before it stopped.
    private var kept: Table<InstanceID, Tenure> = Table()

    // Who is here.
    var standings: Table<NodeID, Liveness> = Table()
    /// Since when each of those that failed has.
    var failedSince: Table<NodeID, Instant> = Table()
    var isIsolated = false
    /// When each member last said anything about claims.
    var spokeAt: Table<NodeID, Instant> = Table()

    // What this node may do.
    var isAble = false
    var permitted: Set<Tier> = []

    /// `kept`: what this node's own records say that it had claimed.
    package init(
        node: NodeID, kept: [Tenure] = [], limits: Limits = .production, at now: Instant
    ) {
        self.node = node
        self.limits = limits
        started = now
        for tenure in kept where tenure.holder == node {
            self.kept.insert(tenure, for: tenure.instance)
        }
    }

    // MARK: - What it is told

    /// Takes a plan that was checked, unless it is no newer.
    package mutating func adopt(_ next: SitePlan, at now: Moment) {
        guard next.version > plan?.version ?? .none else { return }
        plan = next
        let planned = Set(next.homes.map(\.instance))
        for id in seats.keys where !planned.contains(id) { seats.remove(id) }
        for home in next.homes {
            guard let workload = next.workload(home.instance.workload) else { continue }
            settle(home, of: workload, at: now)
        }
    }

    /// How the members of the mesh are held.
    package mutating func see(
        _ view: [NodeID: Liveness], isIsolated: Bool, at now: Instant
    ) {
        self.isIsolated = isIsolated
        for (member, liveness) in view.sorted(by: { $0.key < $1.key }) {
            let was = standings[member] ?? .unknown
            standings.insert(liveness, for: member)
            if liveness == .failed {
                if failedSince[member] == nil { failedSince.insert(now, for: member) }
            } else {
                failedSince.remove(member)
            }
            // It may have lost what it knew, and is told anew.
            if was.isHere != liveness.isHere {
                forgetAnswers(of: member, at: now)
                if liveness.isHere { doubt(member, at: now) }
            }
        }
        for member in standings.keys where view[member] == nil {
            standings.remove(member)
            failedSince.remove(member)
        }
    }

    /// How an instance is doing here.
    package struct Presence: Hashable, Sendable {
        package var isReady: Bool
        package var startedAt: WallTime?

        package init(isReady: Bool, startedAt: WallTime?) {
            self.isReady = isReady
            self.startedAt = startedAt
        }
    }

    /// What may exist here of what the plan names, by the engine; and which tiers this node may take
    /// over at present. Not `isAble` while the engine does not answer.
    package mutating func note(
        _ present: [InstanceID: Presence], isAble: Bool, permitted: Set<Tier>, at now: Moment
    ) {
        self.isAble = isAble
        self.permitted = permitted
        for id in seats.keys {
            let presence = present[id]
            let mayHold = seats[id]?.known.holder == node
            seats.update(id) { seat in
                seat.exists = presence != nil
                seat.isReady = presence?.isReady ?? false
                seat.startedAt = presence?.startedAt
                if case .yielding = seat.part, !seat.exists { seat.part = .none }
            }
            // What runs already goes on: to stop it and ask first would help nobody.
            if presence != nil, mayHold { keep(id, at: now) }
        }
    }

    // MARK: - What follows

    /// What may run here.
    package var grants: [Tenure] {
        seats.filter { $0.1.isHeld }.map { tenure($0.0, of: $0.1) }
    }

    /// Whether an instance may run here.
    package func grants(_ id: InstanceID) -> Bool { seats[id]?.isHeld == true }

    /// What is this node's to run, or was and has to be claimed anew.
    package var wanted: [InstanceID] {
        seats.filter { _, seat in
            switch seat.part {
            case .holding: true
            case .claiming(let bid): !bid.isTakeover
            case .none: seat.known.holder == node
            case .yielding: false
            }
        }.map(\.0)
    }

    /// What is known of who has an instance; nil where the plan does not name it.
    package func tenure(of id: InstanceID) -> Tenure? {
        seats[id].map { $0.bid == nil ? $0.known : tenure(id, of: $0) }
    }

    /// Who has acknowledged the claim on an instance that this node holds, by name.
    package func witnesses(of id: InstanceID) -> [NodeID] {
        seats[id]?.bid?.witnesses.sorted() ?? []
    }

    /// Whether the plan leaves this workload to the mesh.
    package func governs(_ workload: WorkloadID) -> Bool {
        seats.keys.contains { $0.workload == workload }
    }

    package func workload(of id: InstanceID) -> Workload? { seats[id]?.workload }

    /// Everything that is known of who holds what.
    package var tenures: [Tenure] {
        seats.map { id, seat in
            var tenure = tenure(id, of: seat)
            if seat.bid == nil, tenure.holder == node { tenure.isHeld = false }
            return tenure
        }
    }

    /// Pursues claims, begins those that are due, and says what is to be said. Called after anything
    /// changed, and at `nextStep`.
    package mutating func step(at now: Moment) -> [Post] {
        resume(at: now)
        takeOver(at: now)
        conclude(at: now)
        return speak(at: now)
    }

    /// When `step` has something to do though nothing changed.
    package func nextStep(at now: Instant) -> Instant? {
        var times = seats.rows.compactMap { seat in waits(seat) ? seat.bid?.dueAt : nil }
        if hasPending(at: now) {
            times.append(now + limits.repeatFirst)
        } else if seats.rows.contains(where: { $0.orphanedAt != nil || !$0.known.isHeld }) {
            // Nobody can have it for now.
            times.append(now + limits.repeatMax)
        }
        if !isSettled(at: now), !seats.isEmpty { times.append(now + limits.repeatFirst) }
        for since in failedSince.rows where now - since < limits.hold {
            times.append(since + limits.hold)
        }
        return times.min().map { max($0, now + .milliseconds(50)) }
    }

    /// Whether anything is about to be decided.
    private func hasPending(at now: Instant) -> Bool {
        seats.rows.contains { seat in
            if case .claiming = seat.part { return true }
            if let since = seat.orphanedAt { return now - since < limits.patience * 2 }
            return now - seat.heardAt < limits.silence * 2 && (!seat.known.isHeld || seat.isAssumed)
        }
    }

    // MARK: - Facts

    /// The members that have to acknowledge: those of the plan that are here.
    var company: [NodeID] {
        guard let plan else { return [] }
        return plan.places.map(\.node).filter { $0 != node && isHere($0) }
    }

    func isHere(_ member: NodeID) -> Bool { standings[member]?.isHere == true }

    /// Whether this node has had the time to hear of everybody.
    func isSettled(at now: Instant) -> Bool {
        if now - started >= limits.settling { return true }
        guard let plan else { return false }
        return plan.places.allSatisfy { place in
            place.node == node || standings[place.node].map { $0 != .unknown } == true
        }
    }

    /// This node's own claim, as others are told of it.
    func tenure(_ id: InstanceID, of seat: Seat) -> Tenure {
        guard let bid = seat.bid else { return seat.known }
        return Tenure(
            instance: id, epoch: bid.epoch, holder: node, isHeld: seat.isHeld,
            predecessor: bid.predecessor, plan: plan?.version ?? .none,
            since: seat.startedAt ?? bid.since,
            isReady: seat.isReady, load: ownLoad)
    }

    private var ownLoad: Int { seats.rows.count { $0.bid != nil } }

    /// Whether the plan itself gives the instance to whoever claims it.
    func isPlanned(_ claim: Tenure) -> Bool {
        guard let home = plan?.home(of: claim.instance) else { return false }
        return home.node == claim.holder && claim.epoch >= home.epoch
    }

    private func waits(_ seat: Seat) -> Bool {
        guard let bid = seat.bid else { return false }
        return company.contains { !bid.acknowledged.contains($0) }
    }

    // MARK: - Plans

    private mutating func settle(
        _ home: SitePlan.Home, of workload: Workload, at now: Moment
    ) {
        let id = home.instance
        let base = Tenure(instance: id, epoch: home.epoch, holder: home.node, isHeld: true)
        var seat = Seat(
            workload: workload, known: base, heardAt: now.monotonic,
            isAssumed: home.node != node)
        guard let before = seats[id] else {
            if let kept = kept[id], kept.epoch > base.epoch {
                seat.known = kept
                seat.isAssumed = false
            }
            return seats.insert(seat, for: id)
        }
        seat.known = before.known
        seat.heardAt = before.heardAt
        seat.isAssumed = before.isAssumed
        seat.part = before.part
        seat.exists = before.exists
        seat.isReady = before.isReady
        seat.startedAt = before.startedAt
        seat.orphanedAt = before.orphanedAt
        if base.epoch > before.known.epoch {
            seat.known = base
            seat.heardAt = now.monotonic
            seat.isAssumed = home.node != node
            seat.orphanedAt = nil
            if home.node == node {
                seat.changeBid {
                    $0.epoch = home.epoch
                    $0.repeatAnew(at: now.monotonic, pause: limits.repeatFirst)
                }
            } else {
                seat.part = before.exists ? .yielding : .none
            }
        }
        seats.insert(seat, for: id)
    }

    private mutating func forgetAnswers(of member: NodeID, at now: Instant) {
        for id in seats.keys {
            seats.update(id) { seat in
                seat.changeBid { bid in
                    bid.acknowledged.remove(member)
                    bid.dueAt = now
                    bid.pause = limits.repeatFirst
                }
            }
        }
    }

    /// Who was away may have lost what it held, and says so if it has not.
    private mutating func doubt(_ member: NodeID, at now: Instant) {
        for (id, seat) in seats where seat.known.holder == member && seat.bid == nil {
            seats.update(id) {
                $0.isAssumed = true
                $0.heardAt = now
            }
        }
    }

    private mutating func keep(_ id: InstanceID, at now: Moment) {
        guard let seat = seats[id] else { return }
        switch seat.part {
        case .holding, .yielding: return
        case .claiming(let bid):
            // Taken over and not acknowledged: it does not run by that.
            if !bid.isTakeover { seats.update(id) { $0.part = .holding(bid) } }
        case .none:
            let bid = newBid(epoch: seat.known.epoch, of: seat.known.predecessor, at: now)
            seats.update(id) { $0.part = .holding(bid) }
        }
    }

    func newBid(
        epoch: UInt64, of predecessor: NodeID?, isTakeover: Bool = false, at now: Moment
    ) -> Seat.Bid {
        Seat.Bid(
            epoch: epoch, predecessor: predecessor, isTakeover: isTakeover, since: now.wall,
            begunAt: now.monotonic,
            dueAt: now.monotonic, pause: limits.repeatFirst)
    }
}

extension Liveness {
    /// Heard of, and not called gone: one that is quiet for a moment is still asked.
    var isHere: Bool { self == .alive || self == .quiet }
}
