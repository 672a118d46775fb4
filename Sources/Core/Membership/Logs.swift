package import Model

/// The records of all members, one log an origin, without gaps; and what they come to.
///
/// What is known is the highest sequence of each log, so one vector of numbers says it exactly. An
/// origin may say what of its log still holds again and set a *floor*: what it said below counts no
/// more, and who was away for longer goes on from there.
package struct Logs: Sendable {
    /// What a record's arrival led to.
    enum Arrival: Equatable {
        case known
        /// It waits for those before it.
        case early
        /// These are new, in order: the record itself, and those that waited for it.
        case taken([Record])
        /// No room for what comes too far ahead.
        case refused
    }

    private struct Log: Sendable {
        /// The sequence of the first record that is still held.
        var first: UInt32 = 1
        var records: [Record] = []
        var early = Table<UInt32, Record>()
        /// The last record that set a floor.
        var floor: Record?

        var highest: UInt32 { first - 1 + UInt32(records.count) }
    }

    private let limits: Limits
    private var logs = Table<NodeID, Log>()
    package private(set) var registers = Table<String, Register>()
    /// Records whose stamps cannot be believed yet. They are known and passed on, and do not count.
    package private(set) var quarantined: [Record] = []
    /// All highest sequences in four bytes.
    private(set) var digest: UInt32 = 0
    private(set) var refused = 0
    /// Keys that each origin holds.
    private var owned = Table<NodeID, Int>()

    init(limits: Limits) { self.limits = limits }

    package func highest(of origin: NodeID) -> UInt32 { logs[origin]?.highest ?? 0 }

    /// The first sequence of a log that can still be handed on.
    func first(of origin: NodeID) -> UInt32 { logs[origin]?.first ?? 1 }

    /// Records of one log above `sequence`, as many as `bytes` hold. First the floor, where that is
    /// above: it is what allows the receiver to go on from there.
    func records(of origin: NodeID, above sequence: UInt32, bytes: Int) -> [Record] {
        guard let log = logs[origin], log.highest > sequence else { return [] }
        var room = bytes
        guard sequence + 1 >= log.first else {
            guard let floor = log.floor, floor.floor == log.first else { return [] }
            room -= floor.wireBytes
            return room < 0 ? [] : [floor] + records(of: origin, above: log.first - 1, bytes: room)
        }
        let start = Int(sequence + 1 - log.first)
        var end = start
        while end < log.records.count, log.records[end].wireBytes <= room {
            room -= log.records[end].wireBytes
            end += 1
        }
        return Array(log.records[start..<end])
    }

    /// Whether a record of its number is held, or waits for those before it.
    func isKnown(_ record: Record) -> Bool {
        guard let log = logs[record.origin] else { return false }
        return record.sequence <= log.highest || log.early[record.sequence] != nil
    }

    mutating func take(_ record: Record, clock: inout HybridClock, at wall: WallTime) -> Arrival {
        var log = logs[record.origin] ?? Log()
        guard record.sequence <= Record.sequenceMax else {
            refused += 1
            return .refused
        }
        guard record.sequence > log.highest, log.early[record.sequence] == nil else {
            return .known
        }
        if let floor = record.floor, floor > log.highest + 1 { raise(&log, to: floor, record) }
        guard record.sequence == log.highest + 1 else {
            guard log.early.count < limits.earlyRecordsMax || record.floor != nil else {
                refused += 1
                return .refused
            }
            log.early.insert(record, for: record.sequence)
            logs.insert(log, for: record.origin)
            return .early
        }
        let before = log.highest
        var taken = [record]
        log.records.append(record)
        while let following = log.early.remove(log.highest + 1) {
            log.records.append(following)
            taken.append(following)
        }
        for each in taken where each.floor != nil { log.floor = each }
        shorten(&log)
        logs.insert(log, for: record.origin)
        turnDigest(of: record.origin, from: before, to: log.highest)
        for each in taken { apply(each, clock: &clock, at: wall) }
        return .taken(taken)
    }

    /// Goes on from a floor that lies above what is here. What is below it was said again above it.
    private mutating func raise(_ log: inout Log, to floor: UInt32, _ record: Record) {
        turnDigest(of: record.origin, from: log.highest, to: floor - 1)
        log.first = floor
        log.records = []
        for sequence in log.early.keys where sequence < floor { log.early.remove(sequence) }
        logs.insert(log, for: record.origin)
    }

    /// Applies what was ahead of this clock and is not any more. Answers with those.
    mutating func release(clock: inout HybridClock, at wall: WallTime) -> [Record] {
        guard !quarantined.isEmpty else { return [] }
        let due = quarantined.filter { clock.believes($0.stamp, at: wall) }
        guard !due.isEmpty else { return [] }
        quarantined.removeAll { clock.believes($0.stamp, at: wall) }
        for record in due { apply(record, clock: &clock, at: wall) }
        return due
    }

    /// Takes up a log from its origin's own disk, without a gap between them, in the place of none.
    mutating func restore(_ records: [Record]) {
        guard let first = records.first, logs[first.origin] == nil else { return }
        var log = Log()
        log.first = first.sequence
        for record in records where record.sequence == log.highest + 1 {
            log.records.append(record)
            if record.floor != nil { log.floor = record }
            hold(record)
        }
        if let floor = log.floor { forget(below: floor) }
        logs.insert(log, for: first.origin)
        turnDigest(of: first.origin, from: 0, to: log.highest)
    }

    func isQuarantined(_ record: Record) -> Bool { quarantined.contains(record) }

    private mutating func apply(_ record: Record, clock: inout HybridClock, at wall: WallTime) {
        guard clock.believes(record.stamp, at: wall) else {
            quarantined.append(record)
            if quarantined.count > limits.quarantineMax { shed() }
            return
        }
        clock.observe(record.stamp, at: wall)
        if record.floor != nil { forget(below: record) } else { hold(record) }
    }

    /// Of those that wait for their time, one of the origin that has most of them goes: a clock that
    /// is wrong costs its own node.
    private mutating func shed() {
        var counts = Table<NodeID, Int>()
        for record in quarantined {
            counts.insert((counts[record.origin] ?? 0) + 1, for: record.origin)
        }
        let most = counts.rows.max() ?? 0
        guard let index = quarantined.firstIndex(where: { counts[$0.origin] == most }) else {
            return
        }
        quarantined.remove(at: index)
        refused += 1
    }

    /// Lets a key hold a record, unless it holds a later one. No origin has more keys than its log
    /// has room for records: it could not say them again.
    private mutating func hold(_ record: Record) {
        guard record.floor == nil else { return }
        let held = registers[record.key]
        if let held, !held.yields(to: record) { return }
        let isOwn = held?.record.origin == record.origin
        let count = owned[record.origin] ?? 0
        guard isOwn || count < limits.recordsPerOriginMax,
            held != nil || registers.count < limits.registersMax
        else {
            refused += 1
            return
        }
        if !isOwn {
            owned.insert(count + 1, for: record.origin)
            if let former = held?.record.origin { owned.update(former) { $0 -= 1 } }
        }
        registers.insert(Register(record: record), for: record.key)
    }

    /// Takes away what an origin held and did not say again.
    private mutating func forget(below record: Record) {
        guard let floor = record.floor else { return }
        for register in registers.rows
        where register.record.origin == record.origin && register.record.sequence < floor {
            registers.remove(register.record.key)
            owned.update(record.origin) { $0 -= 1 }
        }
    }

    // MARK: The own log

    /// What `origin` has to say again, its oldest first, before it can set a floor; nil while there
    /// is no need for one.
    func overdue(of origin: NodeID) -> [Record]? {
        guard let log = logs[origin], log.records.count > limits.recordsPerOriginMax / 2 else {
            return nil
        }
        let live = registers.rows.map(\.record).filter { $0.origin == origin && !$0.isTombstone }
        // What is said again now must not be overdue at once.
        let kept = max(log.records.count / 4, live.count + 8)
        guard log.records.count >= 2 * kept else { return nil }
        let middle = log.records[log.records.count - kept].sequence
        return live.filter { $0.sequence < middle }.sorted { $0.sequence < $1.sequence }
    }

    /// Where `origin` can set its floor: at the oldest of what holds, or at the floor's own record.
    func lowest(of origin: NodeID) -> UInt32 {
        registers.rows.map(\.record).filter { $0.origin == origin && !$0.isTombstone }
            .map(\.sequence).min() ?? highest(of: origin) + 1
    }

    /// Whether a record says something else than the one of its number that is held: its origin wrote
    /// twice, or somebody changed it.
    func isContradicted(by record: Record) -> Bool {
        guard let log = logs[record.origin], record.sequence >= log.first,
            record.sequence <= log.highest
        else { return false }
        let held = log.records[Int(record.sequence - log.first)]
        return held.signedBytes != record.signedBytes
    }

    private mutating func shorten(_ log: inout Log) {
        if let floor = log.floor?.floor, floor > log.first {
            log.records.removeFirst(min(log.records.count, Int(floor - log.first)))
            log.first = floor
        }
        let excess = log.records.count - limits.recordsPerOriginMax
        guard excess > limits.recordsPerOriginMax / 4 else { return }
        log.records.removeFirst(excess)
        log.first += UInt32(excess)
    }

    private mutating func turnDigest(of origin: NodeID, from: UInt32, to: UInt32) {
        let key = Membership.key(of: origin.text)
        for sequence in [from, to] where sequence > 0 { digest ^= share(key, sequence) }
    }
}
