import Model

/// A set of members by their slots.
struct SlotSet: Hashable, Sendable {
    private var words: [UInt64] = []

    mutating func removeAll() { words = [] }

    func contains(_ slot: Int) -> Bool {
        slot >> 6 < words.count && words[slot >> 6] & (1 << UInt64(slot & 63)) != 0
    }

    mutating func set(_ slot: Int, _ isIn: Bool) {
        if slot >> 6 >= words.count {
            guard isIn else { return }
            words += Array(repeating: 0, count: (slot >> 6) + 1 - words.count)
        }
        let bit: UInt64 = 1 << UInt64(slot & 63)
        if isIn { words[slot >> 6] |= bit } else { words[slot >> 6] &= ~bit }
    }
}

/// What a node holds of one other member.
struct Peer: Sendable {
    var member: Member
    let key: UInt32
    /// Left the roster. Slots are not used again, so that no set of slots ever means another member.
    var isRemoved = false

    let admitted: Instant
    var sighting: Sighting?
    var state = Liveness.unknown
    var since: Instant
    /// The age beyond which it is quiet; its own loss and pace make it.
    var threshold: Duration = .seconds(10)
    /// A run other than the current that speaks.
    var rival: Rival?
    /// A run that others told of and that the member itself gave the lie to.
    var disowned: Run?
    var clonedAt: Instant?
    /// When it was last asked for a sign, being older than usual.
    var askedAt: Instant?

    var heardAt: Instant?
    /// It was quiet or failed after its last own frame.
    var wasGone = false
    var reception = Reception()
    var lateness = Lateness()
    var intake: TokenBucket
    var checks: TokenBucket
    var sent: UInt32 = 0

    // What it said of itself and of others in its last frame.
    var condition = Condition(health: 255, load: 0)
    var loss: UInt8 = 128
    var tick: UInt8 = 10
    var heard: UInt8 = 255
    var members: UInt32?
    var size: UInt32 = 0
    var runs: UInt32 = 0
    var logs: UInt32?
    var isSick = false
    var quiet = SlotSet()
    var failed = SlotSet()
    var lacks = SlotSet()
    /// Which runs it knows, as it said while the digests differed.
    var known: Known?
    /// Whom it hears itself.
    var earshot = SlotSet()
    var viewedAt: Instant?
    /// The highest sequence of each log that it is known to hold, by slot; nil before it said so.
    var holds: [UInt32]?

    /// A set of runs, each by one bit.
    struct Known: Hashable, Sendable {
        private(set) var bits: [UInt8]
        let counter: UInt32

        private func place(_ run: UInt32) -> Int {
            Int(share(run, counter)) % (bits.count * 8)
        }

        mutating func insert(_ run: UInt32) {
            let place = place(run)
            bits[place >> 3] |= 1 << UInt8(place & 7)
        }

        func contains(_ run: UInt32) -> Bool {
            let place = place(run)
            return bits[place >> 3] & (1 << UInt8(place & 7)) != 0
        }
    }

    /// How late its frames come at times. Fades within a minute.
    struct Lateness: Hashable, Sendable {
        private var most = Duration.zero
        private var at = Instant.seconds(0)

        func value(at now: Instant) -> Duration {
            let left = max(0, 60_000_000_000 - (now - at).nanoseconds)
            return .nanoseconds(Int64(Double(most.nanoseconds) * Double(left) / 60e9))
        }

        mutating func note(_ lateness: Duration, at now: Instant) {
            guard lateness > value(at: now) else { return }
            most = lateness
            at = now
        }
    }

    /// A second voice under one name.
    struct Rival: Hashable, Sendable {
        let run: Run
        let counter: UInt32
        let since: Instant
    }

    init(_ member: Member, limits: Limits, at now: Instant) {
        self.member = member
        key = Membership.key(of: member.id.text)
        since = now
        admitted = now
        intake = TokenBucket(
            bytesPerSecond: limits.datagramsPerSecondMax, depth: limits.datagramsAtOnceMax, at: now)
        checks = TokenBucket(
            bytesPerSecond: limits.checksPerSecondMax, depth: limits.checksAtOnceMax, at: now)
    }

    /// Its opinion of others counts.
    var isFresh: Bool { state == .alive && !isSick && !isRemoved }

    /// A member that is asked along the ring, as opposed to one that is only probed.
    var isInRing: Bool { !isRemoved && (state == .alive || state == .quiet) }

    /// Nothing of what an earlier run said holds for a new one.
    mutating func begin(run: Run, counter: UInt32, from source: Int?, at now: Instant) {
        sighting = Sighting(run: run, counter: counter, from: source, at: now)
        reception = Reception()
        holds = nil
        quiet = SlotSet()
        failed = SlotSet()
    }
}
