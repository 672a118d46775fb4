package import Model

/// The records of all members, one log an origin, without gaps; and what they come to.
///
/// What is known is the highest sequence of each log, so one vector of numbers says it exactly.
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

    init(limits: Limits) { self.limits = limits }

    package func highest(of origin: NodeID) -> UInt32 { logs[origin]?.highest ?? 0 }

    /// The first sequence of a log that can still be handed on.
    func first(of origin: NodeID) -> UInt32 { logs[origin]?.first ?? 1 }

    /// Records of one log above `sequence`, as many as `bytes` hold.
    func records(of origin: NodeID, above sequence: UInt32, bytes: Int) -> ArraySlice<Record> {
        guard let log = logs[origin], log.highest > sequence, sequence + 1 >= log.first else {
            return []
        }
        let start = Int(sequence + 1 - log.first)
        var end = start
        var room = bytes
        while end < log.records.count, log.records[end].wireBytes <= room {
            room -= log.records[end].wireBytes
            end += 1
        }
        return log.records[start..<end]
    }

    /// Whether a record of its number is held, or waits for those before it.
    func isKnown(_ record: Record) -> Bool {
        guard let log = logs[record.origin] else { return false }
        return record.sequence <= log.highest || log.early[record.sequence] != nil
    }

    mutating func take(_ record: Record, clock: inout HybridClock, at wall: WallTime) -> Arrival {
        var log = logs[record.origin] ?? Log()
        guard record.sequence > log.highest, log.early[record.sequence] == nil else {
            return .known
        }
        guard record.sequence == log.highest + 1 else {
            guard log.early.count < limits.earlyRecordsMax else {
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
        shorten(&log)
        logs.insert(log, for: record.origin)
        turnDigest(of: record.origin, from: before, to: log.highest)
        for each in taken { apply(each, clock: &clock, at: wall) }
        return .taken(taken)
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
            if let held = registers[record.key], !held.yields(to: record) { continue }
            registers.insert(Register(record: record), for: record.key)
        }
        logs.insert(log, for: first.origin)
        turnDigest(of: first.origin, from: 0, to: log.highest)
    }

    func isQuarantined(_ record: Record) -> Bool { quarantined.contains(record) }

    private mutating func apply(_ record: Record, clock: inout HybridClock, at wall: WallTime) {
        guard clock.believes(record.stamp, at: wall) else {
            quarantined.append(record)
            // The oldest is the most likely to have come true; it counts without its stamp's say.
            if quarantined.count > limits.quarantineMax {
                quarantined.removeFirst()
                refused += 1
            }
            return
        }
        clock.observe(record.stamp, at: wall)
        if let held = registers[record.key], !held.yields(to: record) { return }
        guard registers.count < limits.registersMax || registers[record.key] != nil else {
            refused += 1
            return
        }
        registers.insert(Register(record: record), for: record.key)
    }

    private mutating func shorten(_ log: inout Log) {
        let excess = log.records.count - limits.recordsPerOriginMax
        guard excess > limits.recordsPerOriginMax / 4 else { return }
        log.records.removeFirst(excess)
        log.first += UInt32(excess)
    }

    private mutating func turnDigest(of origin: NodeID, from: UInt32, to: UInt32) {
        let key = Membership.key(of: origin.text)
        if from > 0 { digest ^= share(key, from) }
        digest ^= share(key, to)
    }
}
