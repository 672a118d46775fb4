import Model

/// How fresh a member is: the highest counter that it is known to have reached, and when that was.
///
/// Counters are facts of the member itself, passed on by others. Ages would not do: each hop would
/// forget its own delay, and a dead node would stay young for as long as it is talked about.
struct Sighting: Hashable, Sendable {
    /// One step of a counter.
    static let unit: Int64 = 100_000_000
    /// By how much a counter may lie ahead of what its member's own word makes likely.
    private static let slack: Int64 = 8
    /// The most that a clock and its time on the wire may be off, in nanoseconds.
    private static let far: Int64 = 60_000_000_000

    private(set) var run: Run
    /// Whether the run is the member's own word. Others' word of it gives way.
    private(set) var isDirect: Bool
    private(set) var counter: UInt32
    /// When the member's counter was 0, by this node's clock and with the least delay seen.
    private(set) var zero: Instant
    private(set) var runLearned: Instant
    /// A counter far from what this run's time makes likely, and when it came.
    private var odd: Odd?

    private struct Odd: Hashable, Sendable {
        let counter: UInt32
        let at: Instant

        /// Whether this is the same clock some time later.
        func isContinued(by heard: UInt32, at now: Instant) -> Bool {
            let counted = (Int64(heard) - Int64(counter)) * Sighting.unit
            return abs(counted - (now - at).nanoseconds) < 5_000_000_000
        }
    }

    init(run: Run, counter: UInt32, from source: Int?, at now: Instant) {
        self.run = run
        self.counter = counter
        isDirect = source == nil
        zero = now + .nanoseconds(-Int64(counter) * Self.unit)
        runLearned = now
    }

    func age(at now: Instant) -> Duration {
        max(.zero, now - zero + .nanoseconds(-Int64(counter) * Self.unit))
    }

    /// How much later than the quickest of its member a frame comes; nil where clocks are behind it.
    func lateness(of heard: UInt32, at now: Instant) -> Duration? {
        let seen = now + .nanoseconds(-Int64(heard) * Self.unit)
        guard isDirect, seen >= zero, seen - zero < .seconds(30) else { return nil }
        return seen - zero
    }

    /// The member's own frame. Its clock is followed slowly upward, at once downward: least delay
    /// is nearest to the truth, and clocks drift.
    ///
    /// A minute off is a fault, a lie, or a clock that drifted for months: it counts when it was said
    /// twice, and one number alone cannot make all that follow look old.
    mutating func hear(counter heard: UInt32, at now: Instant) {
        let seen = now + .nanoseconds(-Int64(heard) * Self.unit)
        let later = (seen - zero).nanoseconds
        if isDirect, abs(later) > Self.far {
            defer { odd = Odd(counter: heard, at: now) }
            guard let odd, odd.isContinued(by: heard, at: now) else { return }
            zero = seen
            counter = heard
            return
        }
        guard heard >= counter || !isDirect else { return }
        // A second late is a clock that stood still, not a slow packet: all behind it would be late too.
        let follows = isDirect && later > 0 && later < 1_000_000_000
        zero = follows ? zero + .nanoseconds(later / 64) : seen
        isDirect = true
        counter = heard
    }

    /// Another member's word of the counter's last digits.
    mutating func hear(residue: UInt8, at now: Instant) {
        let modulus = Int64(Frame.Mark.modulus)
        let expected = (now - zero).nanoseconds / Self.unit
        // The one number with these digits that is neither in the future nor older than a round.
        let top = expected + Self.slack
        var distance = (top - Int64(residue)) % modulus
        if distance < 0 { distance += modulus }
        guard let candidate = UInt32(exactly: top - distance) else { return }
        hear(hearsay: candidate, at: now)
    }

    mutating func hear(hearsay candidate: UInt32, at now: Instant) {
        let expected = (now - zero).nanoseconds / Self.unit
        guard Int64(candidate) <= expected + Self.slack else {
            guard !isDirect else { return }
            // Nobody's own word yet: the first to say more knows better.
            zero = now + .nanoseconds(-Int64(candidate) * Self.unit)
            counter = candidate
            return
        }
        counter = max(counter, candidate)
    }
}

/// What arrives from one member: which of its numbered frames came, and what part of all.
struct Reception: Hashable, Sendable {
    /// Frames this far behind the newest are taken for replays.
    private static let window: UInt32 = 64
    /// How many frames can have been sent at once, and in a second since: a number beyond is a fault or
    /// a lie, and would make all that follow look like replays.
    private static let leap = (atOnce: Int64(512), perSecond: Int64(64))

    private(set) var highest: UInt32 = 0
    /// With which the row began.
    private var first: UInt32 = 0
    private var seen: UInt64 = 0
    private var received = 0.0
    private var expected = 0.0
    private var risenAt: Instant?

    /// The part that arrives, once enough were due to tell.
    var passed: Double? { expected >= 8 ? min(1, received / expected) : nil }

    /// What a frame tells of the loss.
    struct Account: Hashable, Sendable {
        let received: Double
        let expected: Double
    }

    /// Notes a frame's number. Answers with how many frames are thereby accounted for, nil for a replay.
    ///
    /// `isReturning`: the member was gone. What it sent meanwhile says nothing of chance.
    mutating func note(_ sequence: UInt32, isReturning: Bool, at now: Instant) -> Account? {
        if sequence > highest {
            let gap = sequence - highest
            if let risenAt {
                let waited = (now - risenAt).nanoseconds / 1_000_000_000
                guard Int64(gap) <= Self.leap.atOnce + waited * Self.leap.perSecond else {
                    return nil
                }
            }
            risenAt = now
            seen = gap >= 64 ? 1 : seen << UInt64(gap) | 1
            let isFirst = highest == 0 || isReturning
            highest = sequence
            // The first of a row came, or there would be no row: it tells nothing of those before it.
            if isFirst { first = sequence }
            return count(received: isFirst ? 0 : 1, expected: isFirst ? 0 : min(gap, 256))
        }
        let back = highest - sequence
        guard back < Self.window, seen & (1 << UInt64(back)) == 0 else { return nil }
        seen |= 1 << UInt64(back)
        // Late, not lost: its gap was counted when a later one came, unless that was the first.
        return count(received: sequence > first ? 1 : 0, expected: 0)
    }

    private mutating func count(received one: Double, expected gap: UInt32) -> Account {
        received += one
        expected += Double(gap)
        if expected > 48 {
            received /= 2
            expected /= 2
        }
        return Account(received: one, expected: Double(gap))
    }
}
