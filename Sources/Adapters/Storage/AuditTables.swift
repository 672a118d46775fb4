import Foundation
import GRDB
package import Model

/// A row of an audit log as it lies in the store, whether or not it is what was once written there.
package struct AuditRow: Sendable {
    package let index: UInt64
    /// Nil where it is no hash at all.
    package let hash: AuditHash?
    package let text: [UInt8]

    /// The entry to show; what is no text is shown as far as it is.
    package var entry: AuditEntry? {
        hash.map { AuditEntry(index: index, hash: $0, text: String(decoding: text, as: UTF8.self)) }
    }
}

/// What a store holds to check an audit log with.
package struct AuditAnchors: Sendable {
    /// Where it begins since it was pruned; nil where it was not, or where that is not kept.
    package let start: AuditCheckpoint?
    /// In the order of their records.
    package let checkpoints: [AuditCheckpoint]
    /// The first and last rows; zero where there is none.
    package let first: UInt64
    package let last: UInt64
}

/// The tables are the same in both kinds of store. No row has a checksum: the chain is one.
func makeAuditTables(_ database: GRDB.Database) throws {
    try database.execute(
        sql: """
            CREATE TABLE audit (
                number INTEGER PRIMARY KEY, hash BLOB NOT NULL, body TEXT NOT NULL
            ) STRICT;
            CREATE TABLE auditCheckpoint (
                number INTEGER PRIMARY KEY, kept INTEGER NOT NULL, body TEXT NOT NULL
            ) STRICT;
            """)
}

func apply(_ write: AuditWrite, to database: GRDB.Database) throws {
    switch write {
    case .append(let entry):
        try database.run(
            "INSERT OR REPLACE INTO audit VALUES (?, ?, ?)",
            [try column(entry.index), entry.hash.withBytes { Data($0) }, entry.text])
    case .checkpoint(let checkpoint, let isKept):
        try database.run("DELETE FROM auditCheckpoint WHERE kept = 0")
        try database.run(
            "INSERT OR REPLACE INTO auditCheckpoint VALUES (?, ?, ?)",
            [
                try column(checkpoint.index), isKept,
                String(decoding: try Record.encode(checkpoint).body, as: UTF8.self),
            ])
    case .prune(let index):
        let index = try column(index)
        try database.run("DELETE FROM audit WHERE number <= ?", [index])
        try database.run("DELETE FROM auditCheckpoint WHERE number < ?", [index])
        try database.setCounter("auditStart", to: index)
    }
}

func auditTail(_ database: GRDB.Database) throws -> AuditTail {
    let anchors = try auditAnchors(database)
    let head = try Data.fetchOne(
        database, sql: "SELECT hash FROM audit ORDER BY number DESC LIMIT 1")
    return AuditTail(
        index: anchors.last, head: head.flatMap { AuditHash(Array($0)) },
        start: anchors.start, newest: anchors.checkpoints.last,
        kept: try Int64.fetchAll(
            database, sql: "SELECT number FROM auditCheckpoint WHERE kept = 1 ORDER BY number"
        ).map(counter))
}

/// A checkpoint that cannot be read is left out: that the log has one too few is found then.
func auditAnchors(_ database: GRDB.Database) throws -> AuditAnchors {
    let bodies = try String.fetchAll(
        database, sql: "SELECT body FROM auditCheckpoint ORDER BY number")
    let checkpoints = bodies.compactMap { body -> AuditCheckpoint? in
        do {
            return try JSONDecoder().decode(AuditCheckpoint.self, from: Data(body.utf8))
        } catch {
            return nil
        }
    }
    let start = counter(try database.counter("auditStart"))
    return AuditAnchors(
        start: start == 0 ? nil : checkpoints.first { $0.index == start },
        checkpoints: checkpoints,
        first: counter(try database.number("SELECT min(number) FROM audit")),
        last: counter(try database.number("SELECT max(number) FROM audit")))
}

/// At most `limit` rows from `index` on.
func auditRows(
    _ database: GRDB.Database, from index: UInt64, limit: Int
) throws -> [AuditRow] {
    var rows: [AuditRow] = []
    let statement = try database.cachedStatement(
        sql: "SELECT number, hash, body FROM audit WHERE number >= ? ORDER BY number LIMIT ?")
    let cursor = try Row.fetchCursor(statement, arguments: [Int64(clamping: index), limit])
    while let row = try cursor.next() {
        rows.append(
            AuditRow(
                index: counter(row[0]), hash: AuditHash([UInt8](row[1] as Data)),
                text: [UInt8](row[2] as Data)))
    }
    return rows
}

/// A store with an audit log in it, to be read while others write.
package protocol AuditStore: Sendable {
    func auditAnchors() throws(StoreError) -> AuditAnchors
    func auditRows(from index: UInt64, limit: Int) throws(StoreError) -> [AuditRow]
    func close()
}
