import Model

// What a datagram changes.

extension Mesh {
    mutating func receive(
        _ bytes: [UInt8], from sender: NodeID, address: String, at now: Moment,
        into effects: inout [Effect]
    ) {
        guard sender != me.id else {
            // Nobody else has this node's keys, unless the machine was copied.
            effects.append(.cloned(me.id))
            return
        }
        let known = slots[sender]
        if let known, !peers[known].intake.take(1, at: now.monotonic) {
            tally.flooded += 1
            return
        }
        guard let frame = read(bytes) else { return }
        guard let slot = known ?? meet(sender, address: address, frame, at: now.monotonic) else {
            tally.strangers += 1
            return
        }
        guard follow(slot, frame, at: now.monotonic, into: &effects) else { return }
        guard
            let account = peers[slot].reception.note(
                frame.sequence, isReturning: peers[slot].wasGone, at: now.monotonic)
        else {
            tally.replayed += 1
            return
        }
        tally.receivedFrames += 1
        wakeFromSilence(at: now.monotonic)
        estimate.account(received: account.received, expected: account.expected)
        accept(frame, from: slot, at: now, into: &effects)
    }

    /// After total silence the first to speak is one voice, and may have been deaf as well.
    private mutating func wakeFromSilence(at now: Instant) {
        if now - lastHeard > max(.seconds(2), ownTick * 6) {
            sickUntil = max(sickUntil, now + .seconds(2))
        }
        lastHeard = now
    }

    private mutating func read(_ bytes: [UInt8]) -> Frame? {
        do throws(FrameError) {
            return try Frame(
                bytes, bytesMax: limits.datagramBytesMax, origin: { node(key: $0) })
        } catch .tooLong {
            tally.oversized += 1
        } catch {
            tally.malformed += 1
        }
        return nil
    }

    private func node(key: UInt32) -> NodeID? {
        slotsByKey[key].map { $0 < 0 ? me.id : peers[$0].member.id }
    }

    /// A newcomer that introduces itself, where that is enough.
    private mutating func meet(
        _ sender: NodeID, address: String, _ frame: Frame, at now: Instant
    ) -> Int? {
        guard case .introductions = admission,
            let member = frame.introductions.first(where: { $0.id == sender })
        else { return nil }
        admit(member, at: now)
        return slots[sender]
    }

    /// Sorts out which run of the member speaks. False where the frame counts for nothing.
    private mutating func follow(
        _ slot: Int, _ frame: Frame, at now: Instant, into effects: inout [Effect]
    ) -> Bool {
        guard let sighting = peers[slot].sighting else {
            guard frame.run.incarnation <= Run.incarnationMax else {
                tally.formerRuns += 1
                return false
            }
            begin(slot, frame.run, counter: frame.counter, from: nil, at: now)
            return true
        }
        if frame.run == sighting.run { return true }
        if frame.run > sighting.run {
            // Nobody starts so often: whoever says so once would never be believed as itself again.
            guard frame.run.isReachable(from: sighting.run) else {
                tally.formerRuns += 1
                return false
            }
            peers[slot].rival = nil
            begin(slot, frame.run, counter: frame.counter, from: nil, at: now)
            return true
        }
        return confront(slot, frame, sighting, at: now, into: &effects)
    }

    /// A run below the current one speaks: a late packet, a lie about the current one, or a clone.
    private mutating func confront(
        _ slot: Int, _ frame: Frame, _ sighting: Sighting, at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        guard let rival = peers[slot].rival, rival.run == frame.run,
            now - rival.since < .seconds(120)
        else {
            peers[slot].rival = Peer.Rival(run: frame.run, counter: frame.counter, since: now)
            tally.formerRuns += 1
            tellOfLaterRun(slot, sighting, at: now, into: &effects)
            return false
        }
        // Packets on their way bring old counters. One that goes on counting has somebody behind it.
        let goneOn = Int64(frame.counter) - Int64(rival.counter)
        guard goneOn >= 20, now - rival.since >= .seconds(2) else {
            tally.formerRuns += 1
            tellOfLaterRun(slot, sighting, at: now, into: &effects)
            return false
        }
        if !sighting.isDirect {
            peers[slot].disowned = sighting.run
            peers[slot].rival = nil
            begin(slot, frame.run, counter: frame.counter, from: nil, at: now)
            return true
        }
        tally.formerRuns += 1
        if goneOn >= 50, now - rival.since >= .seconds(5) {
            let isNew = peers[slot].clonedAt.map { now - $0 > .seconds(60) } ?? true
            peers[slot].clonedAt = now
            if isNew { effects.append(.cloned(peers[slot].member.id)) }
        }
        return false
    }

    /// A stale claim is answered with the newer one, or its sender would stay unheard for ever.
    private mutating func tellOfLaterRun(
        _ slot: Int, _ sighting: Sighting, at now: Instant, into effects: inout [Effect]
    ) {
        if let asked = peers[slot].askedAt, now - asked < .seconds(1) { return }
        peers[slot].askedAt = now
        var frame = frame(to: slot, at: now)
        frame.entries = [
            Frame.Entry(key: peers[slot].key, run: sighting.run, counter: sighting.counter)
        ]
        send(frame.encoded, to: slot, at: now, into: &effects)
    }

    private mutating func begin(
        _ slot: Int, _ run: Run, counter: UInt32, from source: Int?, at now: Instant
    ) {
        if let former = peers[slot].sighting?.run { digest(former, of: peers[slot].key) }
        digest(run, of: peers[slot].key)
        runsChanged = now
        hasten(at: now, keeping: Mesh.welcome)
        disagree(slot)
        peers[slot].begin(run: run, counter: counter, from: source, at: now)
    }

    private mutating func accept(
        _ frame: Frame, from slot: Int, at now: Moment, into effects: inout [Effect]
    ) {
        let time = now.monotonic
        let wasAbsent = !peers[slot].isInRing
        // Who was held up itself finds everything late.
        if time >= sickUntil, !wasAbsent,
            let lateness = peers[slot].sighting?.lateness(of: frame.counter, at: time)
        {
            peers[slot].lateness.note(lateness, at: time)
        }
        peers[slot].sighting?.hear(counter: frame.counter, at: time)
        note(frame, from: slot, at: time)
        read(introductions: frame.introductions, from: slot, at: time)
        read(entries: frame.entries, from: slot, at: time, into: &effects)
        let holdsMeAbsent = readView(of: frame, from: slot, at: time)
        readVersions(of: frame, from: slot)
        ask(about: frame.records, from: slot, at: time, into: &effects)
        agree(with: frame, from: slot)
        look(at: time, into: &effects)
        if frame.flags.contains(.isAnswer) {
            if let index = asked.firstIndex(where: { $0.slot == slot }) {
                asked.remove(at: index)
                estimate.account(answered: true)
            }
        } else if wasAbsent || holdsMeAbsent || frame.flags.contains(.wantsAnswer) {
            pulse(to: slot, as: .isAnswer, at: time, into: &effects)
        }
    }

    private mutating func note(_ frame: Frame, from slot: Int, at now: Instant) {
        peers[slot].heardAt = now
        peers[slot].wasGone = false
        peers[slot].condition = frame.condition
        peers[slot].loss = frame.loss
        peers[slot].tick = frame.tick
        peers[slot].heard = frame.heard
        peers[slot].members = frame.members
        peers[slot].size = frame.size
        peers[slot].runs = frame.runs
        peers[slot].known =
            frame.known.isEmpty
            ? nil : Peer.Known(bits: frame.known, counter: frame.counter)
        peers[slot].logs = frame.logs
        peers[slot].isSick = frame.flags.contains(.isSick)
        peers[slot].threshold = threshold(of: slot)
    }

    private mutating func read(introductions: [Member], from slot: Int, at now: Instant) {
        guard case .introductions = admission else { return }
        for member in introductions where slots[member.id] == nil || member.id == id(of: slot) {
            admit(member, at: now)
        }
    }

    private func id(of slot: Int) -> NodeID { peers[slot].member.id }

    private mutating func read(
        entries: [Frame.Entry], from reporter: Int, at now: Instant, into effects: inout [Effect]
    ) {
        for entry in entries {
            guard let subject = slotsByKey[entry.key] else { continue }
            if subject < 0 {
                hearOfMyself(entry.run, at: now, into: &effects)
            } else if subject != reporter {
                read(entry, of: subject, from: reporter, at: now)
            }
        }
    }

    private mutating func read(
        _ entry: Frame.Entry, of subject: Int, from reporter: Int, at now: Instant
    ) {
        peers[reporter].lacks.set(subject, false)
        guard let sighting = peers[subject].sighting else {
            guard entry.run.incarnation <= Run.incarnationMax else { return }
            begin(subject, entry.run, counter: entry.counter, from: reporter, at: now)
            peers[subject].threshold = threshold(of: subject)
            return
        }
        if entry.run == sighting.run {
            peers[subject].sighting?.hear(hearsay: entry.counter, at: now)
        } else if entry.run > sighting.run, entry.run != peers[subject].disowned,
            entry.run.isReachable(from: sighting.run)
        {
            begin(subject, entry.run, counter: entry.counter, from: reporter, at: now)
        }
    }

    /// Others know of a later run of this node than this one: its disk was put back.
    private mutating func hearOfMyself(
        _ other: Run, at now: Instant, into effects: inout [Effect]
    ) {
        // A liar could use the numbers up, hence the two bounds.
        guard other > run, other.isReachable(from: run),
            raisedAt.map({ now - $0 > .seconds(30) }) ?? true
        else { return }
        raisedAt = now
        effects.append(.raise(incarnation: other.incarnation + 1))
    }

    /// What the sender sees of others. True where it does not see this node.
    private mutating func readView(of frame: Frame, from slot: Int, at now: Instant) -> Bool {
        for key in frame.quiet + frame.failed {
            guard let subject = slotsByKey[key], subject >= 0 else { continue }
            peers[slot].quiet.set(subject, true)
            peers[slot].viewedAt = now
        }
        for key in frame.failed {
            guard let subject = slotsByKey[key], subject >= 0 else { continue }
            peers[slot].failed.set(subject, true)
        }
        guard frame.members == membersDigest, frame.vector.count == order.count else {
            return frame.quiet.contains(myKey) || frame.failed.contains(myKey)
        }
        peers[slot].viewedAt = now
        if frame.earshot.count == (order.count + 7) / 8 {
            for (index, subject) in order.enumerated() where subject >= 0 {
                let hears = frame.earshot[index >> 3] & (1 << UInt8(index & 7)) != 0
                peers[slot].earshot.set(subject, hears)
            }
        }
        let sameRuns = frame.runs == runsDigest
        var holdsMeAbsent = false
        for (subject, byte) in zip(order, frame.vector) {
            if subject < 0 {
                holdsMeAbsent = (Frame.Mark.unknown...Frame.Mark.failed).contains(byte)
                continue
            }
            guard subject != slot else { continue }
            peers[slot].quiet.set(
                subject, byte == Frame.Mark.quiet || byte == Frame.Mark.failed)
            peers[slot].failed.set(subject, byte == Frame.Mark.failed)
            peers[slot].lacks.set(subject, byte == Frame.Mark.unknown)
            guard byte < Frame.Mark.unknown, let learned = peers[subject].sighting?.runLearned
            else { continue }
            // The byte may count an earlier run, whose last digits mean nothing here.
            guard sameRuns || now - learned > .seconds(30) else { continue }
            peers[subject].sighting?.hear(residue: byte, at: now)
        }
        return holdsMeAbsent
    }
}
