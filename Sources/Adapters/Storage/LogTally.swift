import GRDB
import Model

/// What the cap of a node's log needs to know, kept so that a commit need not count rows.
struct LogTally: Sendable {
    /// The newest sequence ever appended, whether or not its entry is still there.
    private(set) var lastSequence: Int64
    /// Entries that the cap took.
    private(set) var shed: Int64
    private var entries: Int64

    init(_ database: GRDB.Database) throws {
        entries = try database.number("SELECT count(*) FROM log")
        shed = try database.counter("shed")
        lastSequence = max(
            try database.counter("lastSequence"),
            try database.number("SELECT max(sequence) FROM log"))
    }

    mutating func append(_ entry: LogEntry, to database: GRDB.Database) throws {
        let (body, sum) = try Record.encode(entry)
        let sequence = try column(entry.sequence)
        try database.run("DELETE FROM log WHERE sequence = ?", [sequence])
        entries -= Int64(database.changesCount)
        let (importance, subject) = rank(entry.body)
        try database.run(
            "INSERT INTO log VALUES (?, ?, ?, ?, ?)",
            [sequence, importance.rawValue, subject, sum, body])
        entries += 1
        lastSequence = max(lastSequence, sequence)
    }

    mutating func trim(through sequence: UInt64, in database: GRDB.Database) throws {
        try database.run(
            "DELETE FROM log WHERE sequence <= ?", [Int64(clamping: sequence)])
        try forget(database)
    }

    /// Brings the log below `cap`: events first, then statuses and decisions that a newer one about
    /// the same instance makes pointless, oldest first. Nothing else goes, even above the cap.
    ///
    /// It goes a sixteenth below, so that a full log is not searched at every commit.
    mutating func shedLog(in database: GRDB.Database, cap: Int) throws {
        guard entries > Int64(cap) else { return }
        let before = entries
        let target = Int64(cap - cap / 16)
        try database.run(
            """
            DELETE FROM log WHERE sequence IN (
                SELECT sequence FROM log WHERE importance = 0 ORDER BY sequence LIMIT ?)
            """, [entries - target])
        try forget(database)
        if entries > target {
            try database.run(
                """
                DELETE FROM log WHERE sequence IN (
                    SELECT sequence FROM log WHERE importance = 1 AND sequence NOT IN (
                        SELECT max(sequence) FROM log WHERE importance > 0 GROUP BY subject)
                    ORDER BY sequence LIMIT ?)
                """, [entries - target])
            try forget(database)
        }
        guard entries < before else { return }
        shed += before - entries
        try database.setCounter("shed", to: shed)
    }

    /// Accounts for the rows just deleted. The sequence is written down only here: as long as the
    /// newest entry is in the log, it says so itself, and an append touches one page less.
    private mutating func forget(_ database: GRDB.Database) throws {
        guard database.changesCount > 0 else { return }
        entries -= Int64(database.changesCount)
        try database.setCounter("lastSequence", to: lastSequence)
    }
}

/// What may go first when the log is over its cap. Lies on the disk.
private enum Importance: Int {
    case event = 0
    case status = 1
    case removal = 2
}

private func rank(_ body: LogEntry.Body) -> (Importance, subject: String) {
    switch body {
    case .event: (.event, "")
    case .decision(let decision): (.status, "decision \(decision.subject)")
    case .instance(let status): (.status, status.id.description)
    case .instanceRemoved(let id): (.removal, id.description)
    case .localChange(let change): (.removal, "change \(change.workload)")
    }
}
