import GRDB
import Model

/// What the caps of events and decisions need to know, kept so that a commit need not count rows.
struct HistoryTally: Sendable {
    /// Events and decisions that the caps took.
    private(set) var shed: Int64
    private var events: Int64
    private var decisions: Int64

    init(_ database: GRDB.Database) throws {
        events = try database.number("SELECT count(*) FROM event")
        decisions = try database.number("SELECT count(*) FROM decision")
        shed = try database.counter("shed")
    }

    mutating func append(_ event: Event, to database: GRDB.Database) throws {
        let (body, sum) = try Record.encode(event)
        try database.run("INSERT INTO event (sum, body) VALUES (?, ?)", [sum, body])
        events += 1
    }

    mutating func append(_ decision: Decision, to database: GRDB.Database) throws {
        let (body, sum) = try Record.encode(decision)
        // A refusal changes nothing, so what stood before it still stands.
        let standing = decision.passed ? decision.subject.description : ""
        try database.run(
            "INSERT INTO decision (standing, sum, body) VALUES (?, ?, ?)", [standing, sum, body])
        decisions += 1
    }

    /// Takes the oldest events above `cap`.
    mutating func shedEvents(in database: GRDB.Database, cap: Int) throws {
        guard events > Int64(cap) else { return }
        try database.run(
            "DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT ?)",
            [events - Int64(cap)])
        events -= Int64(database.changesCount)
        try account(for: database.changesCount, in: database)
    }

    /// Takes the oldest decisions above `cap` that no longer say why something is as it is. Those that
    /// do may be as many again; beyond that the oldest go, whatever they say.
    ///
    /// It goes a sixteenth below, so that a full table is not searched at every commit.
    mutating func shedDecisions(in database: GRDB.Database, cap: Int) throws {
        guard decisions > Int64(cap) else { return }
        let target = Int64(cap - cap / 16)
        try database.run(
            """
            DELETE FROM decision WHERE id IN (
                SELECT id FROM decision AS old
                WHERE standing = '' OR EXISTS (
                    SELECT 1 FROM decision WHERE standing = old.standing AND id > old.id)
                ORDER BY id LIMIT ?)
            """, [decisions - target])
        decisions -= Int64(database.changesCount)
        try account(for: database.changesCount, in: database)
        guard decisions > 2 * Int64(cap) else { return }
        try database.run(
            "DELETE FROM decision WHERE id IN (SELECT id FROM decision ORDER BY id LIMIT ?)",
            [decisions - 2 * target])
        decisions -= Int64(database.changesCount)
        try account(for: database.changesCount, in: database)
    }

    private mutating func account(for gone: Int, in database: GRDB.Database) throws {
        guard gone > 0 else { return }
        shed += Int64(gone)
        try database.setCounter("shed", to: shed)
    }
}
