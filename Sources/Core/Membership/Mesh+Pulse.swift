import Model

// What a node sends, and when.

extension Mesh {
    private static let lookEvery = Duration.milliseconds(200)
    private static let probeEvery = Duration.seconds(2)

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
        if votesDue, time >= nextVotes { vote(at: time, into: &effects) }
        if time >= nextPulse {
            hearOutward(at: time)
            // A node that was held up does not make up for the pulses that it missed.
            nextPulse = max(nextPulse + ownTick, time + .nanoseconds(ownTick.nanoseconds / 2))
            pulseAlongRing(at: time, into: &effects)
        }
        if time >= nextProbe {
            let jitter = random.duration(upTo: Self.probeEvery)
            nextProbe = time + Self.probeEvery * 0.5 + jitter
            probe(at: time, into: &effects)
        }
        if time >= nextHello { hello(at: time, into: &effects) }
        effects.append(.wake(at: min(nextPulse, min(nextProbe, min(nextHello, nextLook)))))
    }

    /// The time between two pulses of this node.
    var ownTick: Duration {
        detector.tick(loss: estimate.loss, frameBytes: 34 + order.count)
    }

    private mutating func hearOutward(at now: Instant) {
        estimate.hear(
            outwardPassed: peers.filter { $0.state == .alive && $0.heard != 255 }
                .map { Double($0.heard) / 254 })
    }

    private mutating func expireQuestions(at now: Instant) {
        for question in asked where question.until <= now {
            if peers[question.slot].state == .alive { estimate.account(answered: false) }
        }
        asked.removeAll { $0.until <= now }
    }

    private mutating func pulseAlongRing(at now: Instant, into effects: inout [Effect]) {
        guard let slot = nextInRing(at: now) else { return }
        let asks = estimate.loss < Detector.answersBelow && peers[slot].state == .alive
        pulse(to: slot, as: asks ? .wantsAnswer : [], at: now, into: &effects)
        if asks { asked.append((slot, now + .seconds(1))) }
    }

    /// The ring holds every member that answers, in an order of its own each round.
    private mutating func nextInRing(at now: Instant) -> Int? {
        for _ in 0..<2 {
            while let slot = ring.popLast() {
                if peers[slot].isInRing || isAwaited(slot, at: now) { return slot }
            }
            ring = peers.indices.filter { peers[$0].isInRing || isAwaited($0, at: now) }
            ring.shuffle(using: &random)
        }
        return nil
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

    /// Knocks at a seed: often while nobody is known, then rarely, since seeds may come late.
    private mutating func hello(at now: Instant, into effects: inout [Effect]) {
        guard case .introductions(let seeds) = admission else {
            nextHello = now + .seconds(3600)
            return
        }
        let isAlone = !peers.contains { $0.state == .alive }
        let wait: Duration = isAlone ? .milliseconds(250) : .seconds(30)
        nextHello = now + wait * 0.5 + random.duration(upTo: wait)
        let strange = seeds.filter { seed in
            seed != me.address && !peers.contains { $0.member.address == seed && $0.sighting != nil }
        }
        guard let seed = strange.randomElement(using: &random) else { return }
        var frame = frame(sequence: 1, heard: 255, at: now)
        frame.introductions = [me]
        send(frame.encoded, to: seed, node: nil, at: now, into: &effects)
    }

    /// Tells everybody at once whom this node holds quiet: the others' voices decide, and a member
    /// that is there answers.
    private mutating func vote(at now: Instant, into effects: inout [Effect]) {
        votesDue = false
        nextVotes = now + .milliseconds(500)
        let quiet = peers.indices.filter { peers[$0].state == .quiet && !peers[$0].isRemoved }
        guard !quiet.isEmpty else { return }
        var listeners = peers.indices.filter { peers[$0].isInRing }
        listeners.shuffle(using: &random)
        for slot in listeners.prefix(32) {
            var frame = frame(to: slot, at: now)
            frame.quiet = quiet.prefix(64).map { peers[$0].key }
            guard send(frame.encoded, to: slot, keeping: 0.1, at: now, into: &effects) else {
                return
            }
        }
    }

    /// One datagram with all that this receiver may need, within its length.
    mutating func pulse(
        to slot: Int, as flags: Frame.Flags, at now: Instant, into effects: inout [Effect]
    ) {
        var frame = frame(to: slot, at: now)
        frame.flags.formUnion(flags)
        let isAligned = peers[slot].members == membersDigest
        if isAligned { frame.vector = vector(at: now) }
        var room = limits.datagramBytesMax - 60 - frame.vector.count
        frame.entries = entries(for: slot, isAligned: isAligned, room: room / 2)
        room -= frame.entries.count * Self.entryBytes
        if !isAligned, case .introductions = admission {
            frame.introductions = introductions(room: room)
            room -= frame.introductions.reduce(0) { $0 + Self.bytes(of: $1) }
        }
        if isAligned, peers[slot].logs != logs.digest {
            frame.versions = versions
            room -= frame.versions.count * 5
            frame.records = records(for: slot, room: room)
        }
        send(frame.encoded, to: slot, at: now, into: &effects)
    }

    /// What every frame begins with.
    mutating func frame(to slot: Int, at now: Instant) -> Frame {
        peers[slot].sent &+= 1
        let passed = peers[slot].reception.passed.map { UInt8($0 * 254) } ?? 255
        return frame(sequence: peers[slot].sent, heard: passed, at: now)
    }

    private func frame(sequence: UInt32, heard: UInt8, at now: Instant) -> Frame {
        Frame(
            flags: now < sickUntil ? .isSick : [], sequence: sequence, run: run,
            counter: counter(at: now), members: membersDigest, runs: runsDigest,
            logs: logs.digest, condition: condition, loss: UInt8(estimate.loss * 255),
            tick: UInt8(clamping: ownTick.nanoseconds / 20_000_000), heard: heard)
    }

    private func vector(at now: Instant) -> [UInt8] {
        order.map { slot in
            guard slot >= 0 else { return Frame.Mark.sender }
            guard let sighting = peers[slot].sighting else { return Frame.Mark.unknown }
            switch peers[slot].state {
            case .failed: return Frame.Mark.failed
            case .quiet: return Frame.Mark.quiet
            case .alive, .unknown: return UInt8(sighting.counter % Frame.Mark.modulus)
            }
        }
    }

    private static let entryBytes = 4 + 2 + 2 + 3

    /// Runs that the receiver may not know: those it said it lacks, the latest, and some in turn.
    private mutating func entries(for slot: Int, isAligned: Bool, room: Int) -> [Frame.Entry] {
        guard !isAligned || peers[slot].runs != runsDigest else { return [] }
        let most = min(room / Self.entryBytes, isAligned ? 12 : 40)
        let known = peers.indices.filter {
            $0 != slot && peers[$0].sighting != nil && peers[$0].state != .failed
        }
        guard !known.isEmpty else { return [] }
        var chosen = known.filter { peers[slot].lacks.contains($0) }
        chosen.shuffle(using: &random)
        entryCursor &+= 1
        let turned = known.indices.map { known[($0 + entryCursor) % known.count] }
        for subject in turned where chosen.count < most && !chosen.contains(subject) {
            chosen.append(subject)
        }
        return chosen.prefix(most).compactMap { subject in
            peers[subject].sighting.map {
                Frame.Entry(key: peers[subject].key, run: $0.run, counter: $0.counter)
            }
        }
    }

    private static func bytes(of member: Member) -> Int {
        2 + member.id.text.utf8.count + member.address.utf8.count
    }

    /// This node itself, and others by chance.
    private mutating func introductions(room: Int) -> [Member] {
        var members = [me]
        var room = room - Self.bytes(of: me)
        for slot in peers.indices.filter({ !peers[$0].isRemoved }).shuffled(using: &random) {
            let cost = Self.bytes(of: peers[slot].member)
            guard cost <= room, members.count < 24 else { break }
            room -= cost
            members.append(peers[slot].member)
        }
        return members
    }

    @discardableResult
    mutating func send(
        _ bytes: [UInt8], to slot: Int, keeping reserve: Double = 0, at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        send(
            bytes, to: peers[slot].member.address, node: peers[slot].member.id, keeping: reserve,
            at: now, into: &effects)
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
