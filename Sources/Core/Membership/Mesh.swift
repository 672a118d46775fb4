package import Model

/// One node's part in a mesh: who is here, and what they all should know.
///
/// Every node sends one datagram a tick to the next member of a shuffled ring. It holds the node's own
/// counter, how fresh every other member is as far as the node knows, and the records that the
/// receiver lacks. Any packet by any path proves that its origin lived, so a lost one costs nothing.
///
/// Holds always: the roster loses nobody by time; a member speaks for itself alone, and of others only
/// observations; no datagram costs more than its own length and the size of the roster.
package struct Mesh: Sendable {
    package enum Input: Sendable {
        /// A datagram that its seal shows to be `from` that member.
        case datagram(from: NodeID, address: String, bytes: [UInt8])
        /// A datagram that no seal fits.
        case unopened
        case timer
        /// The roster as the hub signed it, without or with this node.
        case roster([Member])
        case condition(Condition)
        /// A record of this node, made by `draft` and signed since.
        case publish(Record)
        /// Of those given out with `.check`, these were signed by their origins. `refused` were not.
        case checked([Record], from: NodeID, refused: Int)
        /// The incarnation asked for by `.raise` is durable.
        case raised(incarnation: UInt32)
    }

    package enum Effect: Hashable, Sendable {
        case send(to: String, node: NodeID?, bytes: [UInt8])
        /// The one time at which the next `.timer` is due.
        case wake(at: Instant)
        /// Those whose standing changed at once; a cut is one event.
        case changed([Change])
        /// Half of the members or more are gone: it is likelier that this node and its side are.
        case isolated(Bool)
        case taken(Record)
        /// Whether the origins of these signed them; answered with `.checked`.
        case check([Record], from: NodeID)
        /// This run's incarnation was used before. A higher one has to be durable before it speaks on.
        case raise(incarnation: UInt32)
        /// Two machines speak with the identity of this member at once.
        case cloned(NodeID)
    }

    package struct Change: Hashable, Sendable {
        package let node: NodeID
        package let from: Liveness
        package let to: Liveness
    }

    /// Who may come in.
    package enum Admission: Hashable, Sendable {
        /// Those of the roster.
        case roster
        /// Whoever the seal admits and who introduces itself; found through these addresses.
        case introductions(seeds: [String])
    }

    let me: Member
    let myKey: UInt32
    let limits: Limits
    let detector: Detector
    var admission: Admission
    var random: Random

    var run: Run
    var started: Instant
    /// Since this process runs, whatever run it is in.
    let booted: Instant
    var condition = Condition(health: 255, load: 0)

    /// By slot. Slots last as long as the process.
    var peers: [Peer] = []
    var slots = Table<NodeID, Int>()
    var slotsByKey = Table<UInt32, Int>()
    /// Slots in the order of names; -1 is this node. The order of every vector.
    var order: [Int] = [-1]
    var membersDigest: UInt32
    var runsDigest: UInt32 = 0

    var ring: [Int] = []
    var estimate = LossEstimate()
    var bucket: TokenBucket
    var nextPulse: Instant
    var nextProbe: Instant
    var nextHello: Instant
    /// Rounds of knocks at seeds so far; numbers of frames to members go on from there.
    var hellos: UInt32 = 0
    var nextLook: Instant
    var sickUntil: Instant
    /// When anything arrived last.
    var lastHeard: Instant
    var votesDue = false
    var verdictsDue = false
    var isFirstVote = true
    /// Pulses that go out before their time, since there is news.
    var hurry = 0
    /// Pulses that went out early and were not made up for.
    var debt = 0
    var skips = false
    /// Who holds the same logs as this node, and since when they are what they are.
    var agreed = SlotSet()
    var agreedCount = 0
    var logsChanged: Instant
    /// When this node heard last of a member or a run that it did not know.
    var runsChanged: Instant
    /// Since when others claim to hold more of this node's log than it does, and how much it holds.
    var behind: (held: UInt32, since: Instant)?
    var nextVotes: Instant
    var nextDoubt: Instant
    var asked: [(slot: Int, until: Instant)] = []
    var entryCursor = 0
    var isIsolated = false
    var raisedAt: Instant?

    var clock = HybridClock(aheadMax: .seconds(300))
    package var logs: Logs
    /// What arrived and left, and what was thrown away and why.
    package var tally = Tally()

    package init(
        _ me: Member, incarnation: UInt32, roster: [Member] = [], admission: Admission = .roster,
        own records: [Record] = [], limits: Limits = .production, random: Random, at now: Instant
    ) {
        self.me = me
        self.limits = limits
        self.admission = admission
        self.random = random
        myKey = Membership.key(of: me.id.text)
        run = Run(
            incarnation: incarnation, nonce: UInt16(truncatingIfNeeded: self.random.next()))
        started = now
        booted = now
        detector = Detector(limits: limits)
        bucket = TokenBucket(
            bytesPerSecond: limits.bytesPerSecond, depth: limits.burstBytes, at: now)
        membersDigest = share(myKey, 0)
        (nextPulse, nextProbe, nextHello, nextLook) = (now, now, now, now)
        // Who has just started knows too little of the loss to speak of others.
        sickUntil = now + .seconds(15)
        (lastHeard, nextVotes, nextDoubt) = (now, now, now)
        logsChanged = now + .seconds(-3600)
        runsChanged = logsChanged
        logs = Logs(limits: limits)
        logs.restore(records.filter { $0.origin == me.id })
        slotsByKey.insert(-1, for: myKey)
        digestOwnRun()
        for member in roster { admit(member, at: now) }
    }

    package mutating func handle(_ input: Input, at now: Moment, into effects: inout [Effect]) {
        switch input {
        case .datagram(let sender, let address, let bytes):
            receive(bytes, from: sender, address: address, at: now, into: &effects)
        case .unopened: tally.unopened += 1
        case .timer: tick(at: now, into: &effects)
        case .roster(let members): adopt(roster: members, at: now.monotonic)
        case .condition(let new): condition = new
        case .publish(let record): publish(record, at: now, into: &effects)
        case .checked(let records, let sender, let refused):
            tally.forged += refused
            guard let slot = slots[sender] else { break }
            // Honest members check what they hand on, so the next of this one's are checked more slowly.
            peers[slot].checks.charge(refused * limits.checksForged, at: now.monotonic)
            take(records, from: slot, at: now, into: &effects)
        case .raised(let incarnation): raise(to: incarnation, at: now.monotonic)
        }
        speakUp(at: now.monotonic, into: &effects)
    }

    /// How long this run has lasted, in the steps that it tells others.
    func counter(at now: Instant) -> UInt32 {
        UInt32(clamping: (now - started).nanoseconds / Sighting.unit)
    }

    // MARK: The roster

    mutating func admit(_ member: Member, at now: Instant) {
        guard member.id != me.id, slots.count < limits.membersMax else { return }
        if let slot = slots[member.id] {
            peers[slot].member = member
            return
        }
        var peer = Peer(member, limits: limits, at: now)
        peer.sent = hellos
        // Two names with one key would be taken for each other: the later one stays outside.
        guard slotsByKey[peer.key] == nil else {
            tally.refusedMembers += 1
            return
        }
        let slot = peers.count
        peers.append(peer)
        slots.insert(slot, for: member.id)
        slotsByKey.insert(slot, for: peer.key)
        membersDigest ^= share(peer.key, 0)
        arrange()
        runsChanged = now
        hasten(at: now, keeping: Mesh.welcome)
    }

    private mutating func adopt(roster: [Member], at now: Instant) {
        let kept = Set(roster.map(\.id))
        for (id, slot) in slots where !kept.contains(id) {
            peers[slot].isRemoved = true
            slots.remove(id)
            slotsByKey.remove(peers[slot].key)
            membersDigest ^= share(peers[slot].key, 0)
            if let run = peers[slot].sighting?.run { digest(run, of: peers[slot].key) }
            peers[slot].sighting = nil
            peers[slot].state = .unknown
        }
        for member in roster { admit(member, at: now) }
        arrange()
    }

    private mutating func arrange() {
        var all = slots
        all.insert(-1, for: me.id)
        order = all.rows
        ring = []
    }

    // MARK: Runs

    /// Adds a run to the digest, or takes it out.
    mutating func digest(_ run: Run, of key: UInt32) {
        runsDigest ^= share(key, run.incarnation, UInt32(run.nonce) + 1)
    }

    private mutating func digestOwnRun() { digest(run, of: myKey) }

    private mutating func raise(to incarnation: UInt32, at now: Instant) {
        guard incarnation > run.incarnation else { return }
        digestOwnRun()
        run = Run(incarnation: incarnation, nonce: UInt16(truncatingIfNeeded: random.next()))
        started = now
        digestOwnRun()
        for slot in peers.indices { peers[slot].sent = 0 }
    }
}
