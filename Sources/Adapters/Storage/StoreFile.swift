import Foundation
import GRDB
import Model
import Synchronization

/// What one kind of store keeps in its file, and how to tell its files from others.
struct Schema: Sendable {
    /// Names the owner to people: `node` or `hub`.
    let owner: String
    let applicationID: Int32
    let migrator: DatabaseMigrator
    /// Reads from a damaged store what must never go back: high-water marks, as statements for the
    /// store that takes its place.
    let highWaterMarks: @Sendable (GRDB.Database) throws -> [Statement]

    struct Statement {
        let sql: String
        let arguments: StatementArguments
    }
}

/// One SQLite file with one connection, which alone writes and checkpoints, and what keeps it
/// usable: the lock, the ballast, the snapshot and the repair.
final class StoreFile: Sendable {
    private enum Connection {
        case open(DatabaseQueue)
        /// The disk failed under it. Closed, and opened anew for the next commit.
        case doubtful
        case damaged(String)
        case closed
    }

    let directory: StateDirectory
    let opening: Opening
    let ballast: Ballast
    private let schema: Schema
    private let options: StoreOptions
    private let connection: Mutex<Connection>
    private let changed: Mutex<Bool>

    init(directory path: String, schema: Schema, options: StoreOptions) throws(StoreError) {
        let directory = try StateDirectory(path)
        let ballast = Ballast(directory, bytes: options.ballastBytes)
        let queue: DatabaseQueue
        (queue, opening) = try withBallast(ballast) { () throws(StoreError) in
            try openOrRepair(directory, schema, options)
        }
        ballast.rebuild()
        self.directory = directory
        self.ballast = ballast
        self.schema = schema
        self.options = options
        connection = Mutex(.open(queue))
        changed = Mutex(isNewerThanSnapshot(directory))
    }

    deinit {
        // Tidies up, no more: what was acknowledged is on the disk already.
        connection.withLock { state in
            if case .open(let queue) = state { shut(queue) }
        }
    }

    func read<Value: Sendable>(
        _ body: (GRDB.Database) throws -> Value
    ) throws(StoreError) -> Value {
        let outcome = connection.withLock { state -> Outcome<Value> in
            attempt(&state) { queue in try queue.read(body) }
        }
        return try outcome.result.get()
    }

    /// Runs `changes` in one transaction that is durable on return.
    ///
    /// On a full disk the ballast is given up and `changes` runs a second time.
    func write(_ changes: (GRDB.Database) throws -> Void) throws(StoreError) {
        let outcome = connection.withLock { state -> Outcome<Void> in
            let first = attempt(&state) { queue in try queue.write(changes) }
            guard first.isFull, releaseBallast(&state) else { return first }
            return attempt(&state) { queue in try queue.write(changes) }
        }
        try outcome.result.get()
        changed.withLock { $0 = true }
        boundLog()
        ballast.rebuild()
    }

    /// Copies the store to `store.snapshot`, unless that holds everything already. Answers whether
    /// it copied.
    ///
    /// The copy is what a damaged store is replaced with, so a damaged store is never copied.
    func takeSnapshot() throws(StoreError) -> Bool {
        guard changed.withLock({ $0 }) else { return false }
        guard directory.freeBytes >= storeBytes + options.ballastBytes else {
            throw .full(directory: directory.path)
        }
        let copy = directory.snapshot + ".new"
        try directory.remove(copy)
        // Before the copy: a commit that comes between the two is in the next one.
        changed.withLock { $0 = false }
        do {
            try copyStore(to: copy)
            try directory.adoptSnapshot(copy)
        } catch {
            changed.withLock { $0 = true }
            try directory.remove(copy)
            throw error
        }
        return true
    }

    /// Ends the use of the store. Reads and commits fail from here on; a second call does nothing.
    func close() {
        connection.withLock { state in
            if case .open(let queue) = state { shut(queue) }
            state = .closed
        }
        directory.unlock()
    }

    var storeBytes: Int { directory.size(of: directory.store) }
    var logBytes: Int { directory.size(of: directory.log) }

    // MARK: - One attempt

    /// Runs `body` on the connection and keeps in `state` what its failure says about it.
    private func attempt<Value: Sendable>(
        _ state: inout Connection, _ body: (DatabaseQueue) throws -> Value
    ) -> Outcome<Value> {
        do {
            let queue = try live(&state)
            return Outcome(.success(try body(queue)))
        } catch let error as StoreError {
            return Outcome(.failure(error))
        } catch let error as DatabaseError {
            return Outcome(.failure(judge(error, &state)))
        } catch {
            return Outcome(.failure(.unstorable(reason: "\(error)")))
        }
    }

    private func live(_ state: inout Connection) throws -> DatabaseQueue {
        switch state {
        case .open(let queue):
            return queue
        case .closed:
            throw StoreError.closed(directory: directory.path)
        case .damaged(let reason):
            throw StoreError.damaged(directory: directory.path, reason: reason)
        case .doubtful:
            try directory.rewriteLog()
            let queue = try connect(directory, schema, options)
            state = .open(queue)
            return queue
        }
    }

    private func judge(_ error: DatabaseError, _ state: inout Connection) -> StoreError {
        let reason = words(error)
        switch error.resultCode {
        case .SQLITE_FULL:
            return .full(directory: directory.path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            retire(&state, as: .damaged(reason))
            return .damaged(directory: directory.path, reason: reason)
        case .SQLITE_TOOBIG, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH:
            return .unstorable(reason: reason)
        default:
            retire(&state, as: .doubtful)
            return .disk(doing: "using the store at \(directory.path)", reason: reason)
        }
    }

    private func retire(_ state: inout Connection, as next: Connection) {
        if case .open(let queue) = state { shut(queue) }
        state = next
    }

    // MARK: - Space

    private func releaseBallast(_ state: inout Connection) -> Bool {
        do {
            guard try ballast.release() else { return false }
        } catch {
            // Then the disk stays full, and the commit that met it says so.
            return false
        }
        // With a short log there is the most room for what follows. If it fails, so will the
        // commit that is tried next, and that one reports.
        _ = attempt(&state, checkpoint)
        return true
    }

    /// Keeps the log near its cap. SQLite checkpoints by itself after a commit, but says nothing
    /// when that fails, and the log then grows until the disk is full.
    private func boundLog() {
        guard logBytes > 4 * options.walBytesMax else { return }
        connection.withLock { state in
            // The commit before this is durable whatever happens here; a failure that matters is
            // kept in `state` and met by the next commit.
            if attempt(&state, checkpoint).isFull, releaseBallast(&state) {
                _ = attempt(&state, checkpoint)
            }
        }
    }

    private func checkpoint(_ queue: DatabaseQueue) throws {
        try queue.writeWithoutTransaction { database in
            _ = try database.checkpoint(.truncate)
        }
    }

    private func copyStore(to copy: String) throws(StoreError) {
        let outcome = connection.withLock { state -> Outcome<Void> in
            attempt(&state) { queue in
                try queue.writeWithoutTransaction { database in
                    // What lies in memory says nothing about the disk.
                    database.releaseMemory()
                    try quickCheck(database)
                    try database.execute(sql: "VACUUM INTO ?", arguments: [copy])
                }
            }
        }
        try outcome.result.get()
    }
}

/// The end of one attempt, with the error typed: closures that rethrow lose the type.
private struct Outcome<Value: Sendable>: Sendable {
    let result: Result<Value, StoreError>

    init(_ result: Result<Value, StoreError>) { self.result = result }

    var isFull: Bool {
        if case .failure(.full) = result { true } else { false }
    }
}

private func shut(_ queue: DatabaseQueue) {
    do {
        try queue.close()
    } catch {
        // Nothing rests on a tidy close: what was acknowledged is in the store or in its log.
        return
    }
}

private func isNewerThanSnapshot(_ directory: StateDirectory) -> Bool {
    guard let snapshot = directory.modified(directory.snapshot) else { return true }
    return [directory.store, directory.log].contains { file in
        directory.modified(file).map { $0 >= snapshot } ?? false
    }
}

private func withBallast<Value>(
    _ ballast: Ballast, _ body: () throws(StoreError) -> Value
) throws(StoreError) -> Value {
    do {
        return try body()
    } catch .full(let directory) {
        guard try ballast.release() else { throw .full(directory: directory) }
        return try body()
    }
}
