import Model

// What a node sends, and when.

extension Mesh {
    private static let lookEvery = Duration.milliseconds(200)
    private static let probeEvery = Duration.seconds(2)
    private static let eagerPulses = 4
    private static let votePeers = 32
    private static let verdictPeers = 8
    /// For so long after a record came, pulses go first to those who may lack it.
    private static let comfort = 0.4
    /// The part of the bucket that news of members leaves alone.
    static let welcome = 0.4
    static let hot = Duration.seconds(3)

    mutating func tick(at now: Moment, into effects: inout [Effect]) {
        let time = now.monotonic
        let late = time - nextLook
        if late > .milliseconds(250) {
            // What did not arrive while this node slept is no sign of anything out there.
            sickUntil = time + min(late, .seconds(3)) + .milliseconds(500)
        }
        nextLook = time + Self.lookEvery
        expireQuestions(at: time)
        release(at: now, into: &effects)
        look(at: time, into: &effects)
        if time >= nextPulse {
            hearOutward(at: time)
            // A node that was held up does not make up for the pulses that it missed.
            nextPulse = max(nextPulse + ownTick, time + .nanoseconds(ownTick.nanoseconds / 2))
            if !repays(at: time) { pulseAlongRing(at: time, into: &effects) }
        }
        if time >= nextProbe {
            let jitter = random.duration(upTo: Self.probeEvery)
            nextProbe = time + Self.probeEvery * 0.5 + jitter
            probe(at: time, into: &effects)
        }
        if time >= nextHello { hello(at: time, into: &effects) }
        effects.append(.wake(at: min(nextPulse, min(nextProbe, min(nextHello, nextLook)))))
    }

    /// News is paid for by leaving out every other pulse, where there is little else to pay with.
    private mutating func repays(at now: Instant) -> Bool {
        guard debt > 0 else { return false }
        // Calm pulses are too far apart to be left out, and there is room for more of them.
        guard estimate.loss >= Detector.answersBelow || bucket.fill(at: now) < Self.comfort else {
            debt = 0
            return false
        }
        skips.toggle()
        if skips { debt -= 1 }
        return skips
    }

    /// The time between two pulses of this node.
    var ownTick: Duration {
        detector.tick(loss: estimate.loss, frameBytes: 34 + order.count)
    }

    private mutating func hearOutward(at now: Instant) {
        estimate.hear(
            outwardPassed: peers.filter { $0.state == .alive && $0.heard != 255 }
                .map { Double($0.heard) / 254 })
        estimate.hear(
            lateness: peers.filter { $0.state == .alive }.map { $0.lateness.value(at: now) })
    }

    private mutating func expireQuestions(at now: Instant) {
        for question in asked where question.until <= now {
            if peers[question.slot].state == .alive { estimate.account(answered: false) }
        }
        asked.removeAll { $0.until <= now }
    }

    private mutating func pulseAlongRing(
        asking mayAsk: Bool = true, at now: Instant, into effects: inout [Effect]
    ) {
        guard let slot = nextInRing(at: now) else { return }
        let asks = mayAsk && estimate.loss < Detector.answersBelow && peers[slot].state == .alive
        pulse(to: slot, as: asks ? .wantsAnswer : [], at: now, into: &effects)
        if asks { asked.append((slot, now + .seconds(1))) } else { estimate.fade() }
    }

    /// The ring holds every member that answers, in an order of its own each round.
    private mutating func nextInRing(at now: Instant) -> Int? {
        for _ in 0..<2 {
            while let slot = popRing(at: now) {
                if peers[slot].isInRing || isAwaited(slot, at: now) { return slot }
            }
            ring = peers.indices.filter { peers[$0].isInRing || isAwaited($0, at: now) }
            ring.shuffle(using: &random)
        }
        return nil
    }

    /// The next of this round; those first who may lack what is new.
    private mutating func popRing(at now: Instant) -> Int? {
        if now - logsChanged < Self.hot, let index = ring.lastIndex(where: { !agreed.contains($0) })
        {
            return ring.remove(at: index)
        }
        if now - runsChanged < Self.hot, let index = ring.lastIndex(where: { lacksMembers($0) }) {
            return ring.remove(at: index)
        }
        return ring.popLast()
    }

    /// What it said last shows that it does not know of all members and runs that this node knows.
    private func lacksMembers(_ slot: Int) -> Bool {
        peers[slot].members != membersDigest || peers[slot].runs != runsDigest
    }

    /// Right after the start everybody may be there.
    private func isAwaited(_ slot: Int, at now: Instant) -> Bool {
        !peers[slot].isRemoved && peers[slot].state == .unknown && now - booted < .seconds(30)
    }

    /// Absent members are asked for ever, one at a time: what comes back after months is found in seconds.
    private mutating func probe(at now: Instant, into effects: inout [Effect]) {
        let absent = peers.indices.filter {
            !peers[$0].isRemoved && !peers[$0].isInRing && !isAwaited($0, at: now)
        }
        guard let slot = absent.randomElement(using: &random) else { return }
        pulse(to: slot, as: [], at: now, into: &effects)
    }

    /// Knocks at the seeds: at all of them, often, while nobody is known; then at one, rarely, since
    /// seeds may come late.
    private mutating func hello(at now: Instant, into effects: inout [Effect]) {
        guard case .introductions(let seeds) = admission else {
            nextHello = now + .seconds(3600)
            return
        }
        let isAlone = !peers.contains { $0.state == .alive }
        let wait: Duration = isAlone ? .milliseconds(250) : .seconds(30)
        nextHello = now + wait * 0.5 + random.duration(upTo: wait)
        var strange = seeds.filter { seed in
            seed != me.address
                && !peers.contains { $0.member.address == seed && $0.sighting != nil }
        }
        strange.shuffle(using: &random)
        let isNew = now - booted < .seconds(5)
        // Each round has a number: the same again would be taken for a replay, and not answered.
        hellos += 1
        for seed in strange.prefix(isAlone && isNew ? 3 : 1) {
            knock(at: seed, now, into: &effects)
        }
    }

    private mutating func knock(
        at seed: String, _ now: Instant, into effects: inout [Effect]
    ) {
        if let slot = peers.firstIndex(where: { $0.member.address == seed }) {
            pulse(to: slot, as: [], at: now, into: &effects)
            return
        }
        var frame = frame(sequence: hellos, heard: 255, at: now)
        frame.introductions = [me]
        send(frame.encoded, to: seed, node: nil, at: now, into: &effects)
    }

    /// Sends what cannot wait for the next tick.
    mutating func speakUp(at now: Instant, into effects: inout [Effect]) {
        while hurry > 0 {
            hurry -= 1
            debt = min(debt + 1, Self.eagerPulses)
            pulseAlongRing(asking: false, at: now, into: &effects)
        }
        if verdictsDue || votesDue && now >= nextVotes { vote(at: now, into: &effects) }
    }

    /// There is news: a few pulses go out at once.
    mutating func hasten(at now: Instant, keeping reserve: Double) {
        if bucket.fill(at: now) > reserve { hurry = Self.eagerPulses }
    }

    /// Tells everybody at once whom this node holds quiet: the others' voices decide, and a member
    /// that is there answers. Verdicts go to a few, who need three of them.
    private mutating func vote(at now: Instant, into effects: inout [Effect]) {
        let quiet = peers.indices.filter { peers[$0].state == .quiet && !peers[$0].isRemoved }
        let failed = peers.indices.filter {
            peers[$0].state == .failed && now - peers[$0].since < .seconds(3)
        }
        // Votes leave room for pulses: a node that spends its last byte on others looks dead itself.
        let reserve = isFirstVote || verdictsDue ? 0.4 : 0.6
        var listeners = peers.indices.filter { peers[$0].isInRing }
        listeners.shuffle(using: &random)
        let most = verdictsDue ? Self.verdictPeers : Self.votePeers
        for slot in listeners.prefix(most) {
            var frame = frame(to: slot, at: now)
            frame.quiet = quiet.prefix(64).map { peers[$0].key }
            frame.failed = failed.prefix(64).map { peers[$0].key }
            send(frame.encoded, to: slot, keeping: reserve, at: now, into: &effects)
        }
        verdictsDue = false
        isFirstVote = quiet.isEmpty
        votesDue = !quiet.isEmpty
        nextVotes = now + .seconds(1)
    }

    @discardableResult
    mutating func send(
        _ bytes: [UInt8], to slot: Int, keeping reserve: Double = 0, at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        let isSent = send(
            bytes, to: peers[slot].member.address, node: peers[slot].member.id, keeping: reserve,
            at: now, into: &effects)
        // A number that was not used would count as a loss over there.
        if !isSent { peers[slot].sent &-= 1 }
        return isSent
    }

    @discardableResult
    private mutating func send(
        _ bytes: [UInt8], to address: String, node: NodeID?, keeping reserve: Double = 0,
        at now: Instant, into effects: inout [Effect]
    ) -> Bool {
        let cost = bytes.count + limits.overheadBytes
        guard bucket.take(cost, keeping: reserve, at: now) else {
            tally.withheld += 1
            return false
        }
        tally.sentFrames += 1
        tally.sentBytes += cost
        effects.append(.send(to: address, node: node, bytes: bytes))
        return true
    }
}
