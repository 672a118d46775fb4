package import Model

// How records spread: at once to a few, then with every pulse to whoever lacks them.

extension Mesh {
    package enum DraftError: Error, Hashable, Sendable {
        case tooLarge(bytesMax: Int)
        /// Others hold records of this node that it lost itself. They come back first.
        case catchingUp(behind: UInt32)
    }

    /// A record of this node that nobody has yet; sign it and give it back with `.publish`.
    package mutating func draft(
        key: String, value: [UInt8], isTombstone: Bool = false, at now: Moment
    ) throws(DraftError) -> Record {
        let held = try writable(at: now.monotonic)
        return try sized(
            Record(
                origin: me.id, sequence: held + 1, stamp: clock.next(at: now.wall), key: key,
                value: value, isTombstone: isTombstone))
    }

    /// What is next to be signed and published so that this node's log stays short: something that it
    /// said long ago and that still holds, then the floor. Nil while there is no need.
    package mutating func draftUpkeep(at now: Moment) throws(DraftError) -> Record? {
        guard let overdue = logs.overdue(of: me.id) else { return nil }
        let held = try writable(at: now.monotonic)
        if let record = overdue.first {
            return Record(
                origin: me.id, sequence: held + 1, stamp: record.stamp, key: record.key,
                value: record.value)
        }
        let floor = logs.lowest(of: me.id)
        guard floor > logs.first(of: me.id) else { return nil }
        return Record(
            origin: me.id, sequence: held + 1, stamp: clock.next(at: now.wall),
            key: Record.floorKey,
            value: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: floor >> $0 as UInt32) })
    }

    private func sized(_ record: Record) throws(DraftError) -> Record {
        guard record.isSmallEnough else { throw .tooLarge(bytesMax: Record.valueBytesMax) }
        return record
    }

    /// The last sequence of this node's own log, once it has back what it lost.
    ///
    /// Who says to hold more than this node has to show it within a minute: a liar would keep it silent
    /// for ever.
    private mutating func writable(at now: Instant) throws(DraftError) -> UInt32 {
        let held = logs.highest(of: me.id)
        let told = peers.compactMap(\.holds).compactMap { $0.first }.max() ?? 0
        guard told > held else {
            behind = nil
            return held
        }
        let since = behind.flatMap { $0.held == held ? $0.since : nil } ?? now
        behind = (held, since)
        guard now - since < .seconds(60) else { return held }
        throw .catchingUp(behind: told - held)
    }

    mutating func publish(_ record: Record, at now: Moment, into effects: inout [Effect]) {
        guard record.origin == me.id else { return }
        take([record], from: nil, at: now, into: &effects)
    }

    /// Has the signatures of what is new checked; what is known costs nothing.
    mutating func ask(
        about records: [Record], from slot: Int, at now: Instant, into effects: inout [Effect]
    ) {
        var new: [Record] = []
        for record in records {
            if logs.isKnown(record) {
                learn(slot, holds: record.sequence, of: record.origin)
                if logs.isContradicted(by: record) { tally.contradicted += 1 }
            } else if peers[slot].checks.take(1, at: now) {
                new.append(record)
            } else {
                tally.unchecked += 1
            }
        }
        guard !new.isEmpty else { return }
        effects.append(.check(new, from: peers[slot].member.id))
    }

    /// Takes what is new and hands it on at once.
    mutating func take(
        _ records: [Record], from slot: Int?, at now: Moment, into effects: inout [Effect]
    ) {
        var fresh: [Record] = []
        for record in records {
            if let slot { learn(slot, holds: record.sequence, of: record.origin) }
            if case .taken(let taken) = logs.take(record, clock: &clock, at: now.wall) {
                fresh += taken
            }
        }
        for record in fresh where !logs.isQuarantined(record) { effects.append(.taken(record)) }
        guard !fresh.isEmpty else { return }
        agreed.removeAll()
        agreedCount = 0
        logsChanged = now.monotonic
        // One or two are news. More are somebody's past, which goes the ordinary way.
        if fresh.count <= 2 { hasten(at: now.monotonic, keeping: 0.1) }
    }

    /// Notes who is known to hold what this node holds: by its own digest, or by the word of one
    /// whose digest is the same. A false word delays a record, since digests are compared later on.
    mutating func agree(with frame: Frame, from slot: Int) {
        guard frame.logs == logs.digest else {
            disagree(slot)
            return
        }
        var new = agreed.contains(slot) ? [] : [slot]
        if frame.members == membersDigest, frame.agreed.count == (order.count + 7) / 8 {
            for (index, subject) in order.enumerated()
            where subject >= 0 && frame.agreed[index >> 3] & (1 << UInt8(index & 7)) != 0
                && !agreed.contains(subject)
            {
                new.append(subject)
            }
        }
        guard !new.isEmpty else { return }
        let all = holds(versions)
        for subject in new {
            agreed.set(subject, true)
            agreedCount += 1
            peers[subject].holds = all
        }
    }

    mutating func disagree(_ slot: Int) {
        guard agreed.contains(slot) else { return }
        agreed.set(slot, false)
        agreedCount -= 1
    }

    /// Versions in the order of names, by slot.
    private func holds(_ versions: [UInt32]) -> [UInt32] {
        var holds = Array(repeating: UInt32(0), count: peers.count + 1)
        for (subject, version) in zip(order, versions) { holds[subject + 1] = version }
        return holds
    }

    /// A bit for each member in the order of names.
    func bits(where isSet: (Int) -> Bool) -> [UInt8] {
        var bits = [UInt8](repeating: 0, count: (order.count + 7) / 8)
        for (index, subject) in order.enumerated() where subject >= 0 && isSet(subject) {
            bits[index >> 3] |= 1 << UInt8(index & 7)
        }
        return bits
    }

    mutating func release(at now: Moment, into effects: inout [Effect]) {
        for record in logs.release(clock: &clock, at: now.wall) { effects.append(.taken(record)) }
    }

    // MARK: Who holds what

    /// Index in `holds`: this node's own log comes first.
    private func place(of origin: NodeID) -> Int? {
        origin == me.id ? 0 : slots[origin].map { $0 + 1 }
    }

    private func held(by slot: Int, of origin: NodeID) -> UInt32 {
        guard let holds = peers[slot].holds, let place = place(of: origin), place < holds.count
        else { return 0 }
        return holds[place]
    }

    func isKnown(_ record: Record, to slot: Int) -> Bool {
        slots[record.origin] == slot || held(by: slot, of: record.origin) >= record.sequence
    }

    private mutating func learn(_ slot: Int, holds sequence: UInt32, of origin: NodeID) {
        guard let place = place(of: origin), peers[slot].holds != nil else { return }
        let missing = place + 1 - (peers[slot].holds?.count ?? 0)
        if missing > 0 { peers[slot].holds? += Array(repeating: 0, count: missing) }
        if let held = peers[slot].holds?[place], held < sequence {
            peers[slot].holds?[place] = sequence
        }
    }

    /// The highest sequence of every log, in the order of names.
    var versions: [UInt32] {
        order.map { logs.highest(of: $0 < 0 ? me.id : peers[$0].member.id) }
    }

    mutating func readVersions(of frame: Frame, from slot: Int) {
        if frame.members == membersDigest, frame.versions.count == order.count {
            peers[slot].holds = holds(frame.versions)
        } else if frame.logs == logs.digest, !agreed.contains(slot) {
            peers[slot].holds = holds(versions)
        }
    }

    /// Records that the receiver lacks, in the order of their logs, as many as there is room for.
    mutating func records(for slot: Int, room: Int) -> [Record] {
        guard peers[slot].holds != nil else { return [] }
        var room = room
        var chosen: [Record] = []
        let start = Int(random.next() % UInt64(order.count))
        for index in order.indices {
            let subject = order[(start + index) % order.count]
            let origin = subject < 0 ? me.id : peers[subject].member.id
            guard origin != peers[slot].member.id || subject == slot else { continue }
            let lacking = logs.records(
                of: origin, above: held(by: slot, of: origin), bytes: room)
            chosen += lacking
            room -= lacking.reduce(0) { $0 + $1.wireBytes }
            guard room > 64 else { break }
        }
        return chosen
    }
}
