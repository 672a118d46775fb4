import Model

// What a frame holds.

extension Mesh {
    /// One datagram with all that this receiver may need, within its length.
    mutating func pulse(
        to slot: Int, as flags: Frame.Flags, at now: Instant, into effects: inout [Effect]
    ) {
        var frame = frame(to: slot, at: now)
        frame.flags.formUnion(flags)
        let isAligned = peers[slot].members == membersDigest
        frame.vector = vector(at: now)
        // Changes slowly, so now and then is enough.
        if frame.sequence % 4 == 1 { frame.earshot = bits { isInEarshot($0, at: now) } }
        var room = limits.datagramBytesMax - 60 - frame.vector.count
        // With little left to spend, the ring goes on and the rest waits.
        let isPoor = bucket.fill(at: now) < 0.25
        if !isAligned || peers[slot].runs != runsDigest {
            frame.known = knownRuns(counter: frame.counter)
        }
        room -= frame.known.count
        frame.entries = entries(
            for: slot, isAligned: isAligned, room: isPoor ? max(22, order.count) : room / 2, at: now
        )
        room -= frame.entries.count * Self.entryBytes
        if !isAligned, case .introductions = admission {
            frame.introductions = introductions(for: slot, room: isPoor ? 60 : room, at: now)
            room -= frame.introductions.reduce(0) { $0 + Self.bytes(of: $1) }
        }
        addLogs(to: &frame, for: slot, isAligned: isAligned, room: room, at: now)
        // The ring comes first: who spends all on answers falls silent for everybody else.
        // A newcomer has nobody else to ask.
        let isNews = peers[slot].members != membersDigest && peers[slot].size < UInt32(order.count)
        let reserve = flags.contains(.isAnswer) && !isNews ? 0.25 : 0
        send(frame.encoded, to: slot, keeping: reserve, at: now, into: &effects)
    }

    private mutating func addLogs(
        to frame: inout Frame, for slot: Int, isAligned: Bool, room: Int, at now: Instant
    ) {
        var room = room
        let isHot = now - logsChanged < Self.hot
        if isAligned, isHot {
            frame.agreed = bits { agreed.contains($0) }
            room -= frame.agreed.count + 3
        }
        guard peers[slot].logs != logs.digest, !agreed.contains(slot) else { return }
        // While a record is on its way round, that two logs differ is no reason to compare them.
        if isAligned, !isHot || peers[slot].holds == nil {
            frame.versions = versions
            room -= frame.versions.count * 5 + 3
        }
        // Most have a hot record after the first second, and half the chance finds the others. While
        // it is known of few, it would be lost without this node.
        let isRare = agreedCount * 4 < order.count
        let chance = isRare ? 1 : bucket.fill(at: now) < 0.25 ? 0.25 : 0.5
        guard !isHot || random.chance(chance) else { return }
        frame.records = records(for: slot, room: room - 3)
    }

    /// What every frame begins with.
    mutating func frame(to slot: Int, at now: Instant) -> Frame {
        peers[slot].sent &+= 1
        let passed = peers[slot].reception.passed.map { UInt8($0 * 254) } ?? 255
        return frame(sequence: peers[slot].sent, heard: passed, at: now)
    }

    func frame(sequence: UInt32, heard: UInt8, at now: Instant) -> Frame {
        Frame(
            flags: now < sickUntil ? .isSick : [], sequence: sequence, run: run,
            counter: counter(at: now), size: UInt32(order.count), members: membersDigest,
            runs: runsDigest,
            logs: logs.digest, condition: condition,
            loss: UInt8((estimate.loss * 255).rounded(.up)),
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
    private mutating func entries(
        for slot: Int, isAligned: Bool, room: Int, at now: Instant
    ) -> [Frame.Entry] {
        guard !isAligned || peers[slot].runs != runsDigest else { return [] }
        let most = min(room / Self.entryBytes, max(12, order.count / 4))
        let known = peers.indices.filter {
            $0 != slot && peers[$0].sighting != nil && peers[$0].state != .failed
        }
        guard !known.isEmpty else { return [] }
        var chosen = known.filter { peers[slot].lacks.contains($0) || isUnknown($0, to: slot) }
        chosen.shuffle(using: &random)
        if peers[slot].members != nil {
            let gap = runsDigest ^ peers[slot].runs
            for subject in missing(from: known, gap: gap, share: { runShare($0) })
            where !chosen.contains(subject) { chosen.insert(subject, at: 0) }
        }
        entryCursor &+= 1
        let turned = known.indices.map { known[($0 + entryCursor) % known.count] }
        let newest = turned.filter { isRunNew($0, at: now) }
        // Who said what it knows is told the rest, and two more for those that hid.
        let end = peers[slot].known == nil ? most : min(most, chosen.count + 2)
        for subject in newest + turned where chosen.count < end && !chosen.contains(subject) {
            chosen.append(subject)
        }
        return chosen.prefix(most).compactMap { subject in
            peers[subject].sighting.map {
                Frame.Entry(key: peers[subject].key, run: $0.run, counter: $0.counter)
            }
        }
    }

    /// Four bits a member: of what the other side lacks, one in five hides behind something that it has.
    /// The places change with the counter, so that it is another one the next time.
    private func knownRuns(counter: UInt32) -> [UInt8] {
        var known = Peer.Known(
            bits: Array(repeating: 0, count: max(16, (order.count + 1) / 2)), counter: counter)
        known.insert(Membership.share(myKey, run.incarnation, UInt32(run.nonce) + 1))
        for slot in peers.indices where peers[slot].sighting != nil { known.insert(runShare(slot)) }
        return known.bits
    }

    /// Whether a member said, by leaving it out, that it does not know the run of another.
    private func isUnknown(_ subject: Int, to slot: Int) -> Bool {
        guard let known = peers[slot].known, subject != slot, peers[subject].sighting != nil else {
            return false
        }
        return !known.contains(runShare(subject))
    }

    /// Few have heard of a run that this node learned of just now.
    private func isRunNew(_ slot: Int, at now: Instant) -> Bool {
        peers[slot].sighting.map { now - $0.runLearned < .seconds(10) } ?? false
    }

    private static func bytes(of member: Member) -> Int {
        2 + member.id.text.utf8.count + member.address.utf8.count
    }

    /// This node itself, the newest, and others by chance: as many as the receiver seems to lack.
    private mutating func introductions(for slot: Int, room: Int, at now: Instant) -> [Member] {
        let lacking = max(0, order.count - Int(clamping: peers[slot].size))
        let isStrange = peers[slot].members == nil && peers[slot].sighting == nil
        var others = peers.indices.filter { !peers[$0].isRemoved && $0 != slot }
        others.shuffle(using: &random)
        let gap = membersDigest ^ (peers[slot].members ?? 0)
        let named = missing(from: others, gap: gap, share: { Membership.share(peers[$0].key, 0) })
        others.removeAll { named.contains($0) }
        let lacked = others.filter { isUnknown($0, to: slot) }
        others.removeAll { isUnknown($0, to: slot) }
        let newest = others.filter { now - peers[$0].admitted < .seconds(10) }
        let older = others.filter { now - peers[$0].admitted >= .seconds(10) }
        let most =
            isStrange ? 1 : peers[slot].known == nil ? 4 + lacking : 3 + named.count + lacked.count
        var members = [me]
        var room = room - Self.bytes(of: me)
        for other in named + lacked + newest.prefix(4) + older + newest.dropFirst(4) {
            let cost = Self.bytes(of: peers[other].member)
            guard cost <= room, members.count < most else { break }
            room -= cost
            members.append(peers[other].member)
        }
        return members
    }

    private func runShare(_ slot: Int) -> UInt32 {
        peers[slot].sighting.map {
            Membership.share(peers[slot].key, $0.run.incarnation, UInt32($0.run.nonce) + 1)
        } ?? 0
    }

    /// Which one or two shares make up the gap between two digests: what the other side lacks, found
    /// without asking. More than two are found by turns.
    private func missing(
        from all: [Int], gap: UInt32, share: (Int) -> UInt32
    ) -> [Int] {
        guard gap != 0, all.count <= 64 else { return [] }
        let shares = all.map(share)
        if let one = shares.firstIndex(of: gap) { return [all[one]] }
        for first in shares.indices {
            for second in shares.indices.dropFirst(first + 1)
            where shares[first] ^ shares[second] == gap {
                return [all[first], all[second]]
            }
        }
        return []
    }
}
