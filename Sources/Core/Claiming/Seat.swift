import Model

/// What a node knows of one instance, and its own part in it.
struct Seat: Equatable, Sendable {
    /// Its own part.
    enum Part: Equatable, Sendable {
        case none
        /// Wanted here, and not acknowledged by all.
        case claiming(Bid)
        case holding(Bid)
        /// On its way down here, since another goes on with it.
        case yielding
    }

    /// A claim of this node, while it is pursued or held.
    struct Bid: Equatable, Sendable {
        var epoch: UInt64
        var predecessor: NodeID?
        /// Made to take over; otherwise it was this node's before.
        var isTakeover: Bool
        var since: WallTime
        /// When this claim began to be pursued.
        var begunAt: Instant
        /// Who has acknowledged it as it stands.
        var acknowledged: Set<NodeID> = []
        /// Who had when it came to be held.
        var witnesses: Set<NodeID> = []
        /// When it is said again, and the pause after that.
        var dueAt: Instant
        var pause: Duration

        mutating func repeatAnew(at now: Instant, pause: Duration) {
            acknowledged = []
            dueAt = now
            self.pause = pause
        }
    }

    let workload: Workload
    /// The newest claim that is known, this node's own included.
    var known: Tenure
    var heardAt: Instant
    /// It is known from the plan, or from before its holder was away. The holder has to say it.
    var isAssumed: Bool
    var part = Part.none
    /// Something of it may run here.
    var exists = false
    var isReady = false
    var startedAt: WallTime?
    /// Since when nobody who is here holds it.
    var orphanedAt: Instant?
    /// Since when another node is known to hold it as well.
    var contestedAt: Instant?
    /// Until then it is not claimed again.
    var restsUntil: Instant?

    var tier: Tier { workload.spec.tier }

    var bid: Bid? {
        switch part {
        case .claiming(let bid), .holding(let bid): bid
        case .none, .yielding: nil
        }
    }

    var isHeld: Bool { if case .holding = part { true } else { false } }

    mutating func changeBid(_ change: (inout Bid) -> Void) {
        switch part {
        case .claiming(var bid):
            change(&bid)
            part = .claiming(bid)
        case .holding(var bid):
            change(&bid)
            part = .holding(bid)
        case .none, .yielding: break
        }
    }
}
