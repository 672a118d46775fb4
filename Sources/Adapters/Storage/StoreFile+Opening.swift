import Foundation
import GRDB
import Model

/// Opens the store, or what can be put in its place when it is damaged.
func openOrRepair(
    _ directory: StateDirectory, _ schema: Schema, _ options: StoreOptions
) throws(StoreError) -> (DatabaseQueue, Opening) {
    guard directory.hasStore else {
        return try replace(nil, in: directory, schema, options)
    }
    do {
        return (try connect(directory, schema, options), .clean)
    } catch .damaged(_, let reason) {
        let marks = salvage(directory, schema, options)
        let kept = try directory.setAside(at: now())
        let damage = Damage(reason: reason, kept: kept, marks: marks)
        return try replace(damage, in: directory, schema, options)
    }
}

/// What is known of a damaged store once it is out of the way.
private struct Damage {
    let reason: String
    let kept: String
    let marks: [Schema.Statement]
}

/// Opens the last snapshot in place of the store, or an empty store where there is none.
private func replace(
    _ damage: Damage?, in directory: StateDirectory, _ schema: Schema, _ options: StoreOptions
) throws(StoreError) -> (DatabaseQueue, Opening) {
    try directory.blank()
    let story =
        damage.map { "the store was damaged (\($0.reason)) and is kept as \($0.kept)" }
        ?? "the store was missing"
    if directory.hasSnapshot {
        let taken = directory.modified(directory.snapshot).map(\.description) ?? "unknown age"
        do {
            try directory.restoreSnapshot()
            let queue = try connect(directory, schema, options)
            try raise(queue, damage?.marks ?? [])
            let lost = "\(story); the snapshot of \(taken) took its place, later changes are lost"
            return (queue, .recoveredFromSnapshot(lost: lost))
        } catch .damaged {
            try directory.remove(directory.snapshot)
            try directory.blank()
        }
    }
    let queue = try connect(directory, schema, options)
    try raise(queue, damage?.marks ?? [])
    // The store's own entry in the directory must be as durable as its content.
    try directory.sync(directory.path)
    return (queue, .fresh(lost: damage == nil ? nil : "\(story); there was no snapshot of it"))
}

/// The connection: checked, of this kind of store, and at this version's schema.
func connect(
    _ directory: StateDirectory, _ schema: Schema, _ options: StoreOptions
) throws(StoreError) -> DatabaseQueue {
    do {
        let queue = try DatabaseQueue(
            path: directory.store, configuration: configuration(options, label: schema.owner))
        try queue.writeWithoutTransaction { database in
            try quickCheck(database)
            try claim(database, in: directory, as: schema)
        }
        if try !queue.read(schema.migrator.hasCompletedMigrations) {
            try schema.migrator.migrate(queue)
        }
        return queue
    } catch let error as StoreError {
        throw error
    } catch let error as DatabaseError {
        throw failure(opening: directory, error)
    } catch {
        throw .disk(doing: "opening the store at \(directory.path)", reason: "\(error)")
    }
}

private func configuration(_ options: StoreOptions, label: String) -> Configuration {
    var configuration = Configuration()
    configuration.label = "skerry.\(label)"
    configuration.foreignKeysEnabled = false
    let synchronous = options.durability == .full ? "FULL" : "NORMAL"
    let pages = options.walPages
    let cap = options.walBytesMax
    configuration.prepareDatabase { database in
        // Exclusive, and before the first use of the log: SQLite then keeps the log's index in its
        // own memory, no other connection can come in, and no file is mapped.
        try database.execute(
            sql: """
                PRAGMA locking_mode = EXCLUSIVE;
                PRAGMA mmap_size = 0;
                PRAGMA synchronous = \(synchronous);
                PRAGMA temp_store = MEMORY;
                PRAGMA cache_size = -1024;
                PRAGMA cell_size_check = ON;
                PRAGMA trusted_schema = OFF;
                """)
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw DatabaseError(
                resultCode: .SQLITE_IOERR, message: "the file system cannot hold a log")
        }
        try database.execute(
            sql: "PRAGMA wal_autocheckpoint = \(pages); PRAGMA journal_size_limit = \(cap)")
    }
    return configuration
}

func quickCheck(_ database: GRDB.Database) throws {
    let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
    guard verdict == "ok" else {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict)
    }
}

/// Refuses, before anything is written, what another kind of store or a newer version left here,
/// and puts the mark of this kind on an empty store.
private func claim(
    _ database: GRDB.Database, in directory: StateDirectory, as schema: Schema
) throws {
    let id = try database.number("PRAGMA application_id")
    let isEmpty = try database.number("SELECT count(*) FROM sqlite_master") == 0
    guard id == schema.applicationID || (id == 0 && isEmpty) else {
        throw StoreError.foreign(directory: directory.path, expected: schema.owner)
    }
    guard try !schema.migrator.hasBeenSuperseded(database) else {
        throw StoreError.newer(directory: directory.path)
    }
    // By itself and first: GRDB makes its own table before any migration runs, and a power cut
    // between the two would leave a store that is neither empty nor ours.
    if id == 0 { try database.execute(sql: "PRAGMA application_id = \(schema.applicationID)") }
}

private func failure(opening directory: StateDirectory, _ error: DatabaseError) -> StoreError {
    switch error.resultCode {
    case .SQLITE_FULL:
        .full(directory: directory.path)
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
        .damaged(directory: directory.path, reason: words(error))
    default:
        .disk(doing: "opening the store at \(directory.path)", reason: words(error))
    }
}

/// What the damaged store can still say about its counters; nothing where it cannot be read.
private func salvage(
    _ directory: StateDirectory, _ schema: Schema, _ options: StoreOptions
) -> [Schema.Statement] {
    do {
        let queue = try DatabaseQueue(
            path: directory.store, configuration: configuration(options, label: schema.owner))
        return try queue.read(schema.highWaterMarks)
    } catch {
        return []
    }
}

private func raise(_ queue: DatabaseQueue, _ marks: [Schema.Statement]) throws(StoreError) {
    do {
        try queue.write { database in
            for mark in marks { try database.run(mark.sql, mark.arguments) }
        }
    } catch {
        throw .disk(doing: "repairing the store", reason: "\(error)")
    }
}

func words(_ error: DatabaseError) -> String {
    error.message ?? error.extendedResultCode.description
}

private func now() -> WallTime {
    WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
}
