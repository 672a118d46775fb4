import Model

/// A token bucket over new sessions: a fleet that returns at once is let in at a bounded rate, and
/// the rest is told when its turn comes.
struct Admission: Equatable, Sendable {
    enum Verdict: Equatable, Sendable {
        case admit
        case refuse(retryAfter: Duration)
    }

    private let interval: Duration
    private let burst: Int
    /// When the bucket will be full again; tokens are the room between now and then.
    private var fullAt = Instant(nanoseconds: 0)

    init(perSecond: Int, burst: Int) {
        precondition(perSecond > 0 && burst > 0, "an admission that admits nobody has no use")
        interval = .nanoseconds(1_000_000_000 / Int64(perSecond))
        self.burst = burst
    }

    /// Asks for one place. The retry time is when a place will be free, given those already told.
    mutating func request(at now: Instant) -> Verdict {
        let base = max(fullAt, now)
        let backlog = (base - now).nanoseconds / interval.nanoseconds
        guard backlog < Int64(burst) else {
            return .refuse(retryAfter: interval * Double(backlog - Int64(burst) + 1))
        }
        fullAt = base + interval
        return .admit
    }
}
