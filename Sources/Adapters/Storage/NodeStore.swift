import Foundation
import GRDB
package import Model
import Synchronization

/// What a node must still know after a crash: its documents, its instances and its log.
///
/// One process, one store: a second one is refused. Calls block for as long as the disk takes and
/// belong off the decision path; they may come from any thread.
package final class NodeStore: Sendable {
    private let file: StoreFile
    private let options: StoreOptions
    /// What the next commit needs to know of the log; nil where a failure left it in doubt. Held
    /// for the whole of a commit, hence the copies below for those who only look.
    private let tally: Mutex<LogTally?>
    private let dropped = Mutex<UInt64>(0)
    private let unreadable = Mutex<[DamagedRow]>([])

    package init(
        directory: String, options: StoreOptions = .production
    ) throws(StoreError) {
        self.options = options
        file = try StoreFile(directory: directory, schema: nodeSchema, options: options)
        let tally = try file.read(LogTally.init)
        self.tally = Mutex(tally)
        dropped.withLock { $0 = counter(tally.shed) }
    }

    package var opening: Opening { file.opening }
    /// Rows that the last `load` left out.
    package var damaged: [DamagedRow] { unreadable.withLock { $0 } }
    /// Entries that the cap took from the log since the store was made.
    package var shed: UInt64 { dropped.withLock { $0 } }
    /// False while the disk is so full that the reserve is in use.
    package var ballastIsHeld: Bool { file.ballast.isHeld }
    /// Bytes of the store, without its write-ahead log.
    package var size: Int { file.storeBytes }
    package var walBytes: Int { file.logBytes }

    /// Everything that was committed. Rows that cannot be read are left out; see `damaged`.
    package func load() throws(StoreError) -> NodeSnapshot {
        let (snapshot, rows) = try file.read(loadNode)
        unreadable.withLock { $0 = rows }
        return snapshot
    }

    /// Makes all batches durable together, or none of them.
    ///
    /// After `.disk` it is not known whether they are; every write may be committed again.
    package func commit(_ batches: [[NodeWrite]]) throws(StoreError) {
        guard batches.contains(where: { !$0.isEmpty }) else { return }
        try tally.withLock { (held: inout LogTally?) throws(StoreError) in
            let known = held
            var next = known
            held = nil
            // A disk in need keeps less history, so that intent still finds room.
            let cap = ballastIsHeld ? options.logEntries : max(1, options.logEntries / 4)
            try file.write { database in
                var tally = try known ?? LogTally(database)
                for write in batches.joined() { try apply(write, to: database, &tally) }
                try tally.shedLog(in: database, cap: cap)
                next = tally
            }
            held = next
            dropped.withLock { $0 = counter(next?.shed ?? 0) }
        }
    }

    /// Refreshes the copy that a damaged store is replaced with; false where nothing changed. To
    /// be called once a day and before `close`: each copy writes the size of the store.
    package func snapshot() throws(StoreError) -> Bool { try file.takeSnapshot() }

    /// Takes back the reserve once the disk has room, where no commit comes by to do it.
    package func rebuildBallast() { file.ballast.rebuild() }

    package func close() { file.close() }
}

extension NodeStore: AuditStore {
    package func auditAnchors() throws(StoreError) -> AuditAnchors {
        try file.read(Storage.auditAnchors)
    }

    package func auditRows(from index: UInt64, limit: Int) throws(StoreError) -> [AuditRow] {
        try file.read { try Storage.auditRows($0, from: index, limit: limit) }
    }
}

private func apply(
    _ write: NodeWrite, to database: GRDB.Database, _ tally: inout LogTally
) throws {
    switch write {
    case .document(let document):
        let (body, sum) = try Record.encode(document)
        try database.run(
            "INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?)",
            [document.key.kind, document.key.name, try column(document.revision), sum, body])
        if case .policy(let bundle) = document.content, let policy = bundle.claimed {
            let floor = raising(policyFloor + policy.name, to: try column(policy.version))
            try database.run(floor.sql, floor.arguments)
        }
    case .removeDocument(let key):
        try database.run(
            "DELETE FROM document WHERE kind = ? AND name = ?", [key.kind, key.name])
    case .appliedRevision(let revision):
        try database.setCounter("appliedRevision", to: try column(revision))
    case .instance(let record):
        let (body, sum) = try Record.encode(record)
        try database.run(
            "INSERT OR REPLACE INTO instance VALUES (?, ?, ?, ?)",
            [record.id.workload.text, record.id.ordinal, sum, body])
    case .removeInstance(let id):
        try database.run(
            "DELETE FROM instance WHERE workload = ? AND ordinal = ?",
            [id.workload.text, id.ordinal])
    case .append(let entry):
        try tally.append(entry, to: database)
    case .trimLog(let sequence):
        try tally.trim(through: sequence, in: database)
    case .localChange(let change):
        let (body, sum) = try Record.encode(change)
        try database.run(
            "INSERT OR REPLACE INTO localChange VALUES (?, ?, ?, ?)",
            [change.workload.text, try column(change.sequence), sum, body])
    case .forgetLocalChanges(let sequence):
        try database.run(
            "DELETE FROM localChange WHERE sequence <= ?", [Int64(clamping: sequence)])
    case .epoch(let epoch):
        try database.setCounter("epoch", to: try column(epoch))
    case .contact(let reading):
        try database.setCounter("contactWall", to: reading.wall.milliseconds)
        try database.setCounter("contactMonotonic", to: reading.monotonic.nanoseconds)
        try database.setCounter("contactBoot", to: Int64(bitPattern: reading.boot))
    case .run(let run):
        try database.setCounter("run", to: try column(run))
    case .audit(let write):
        try apply(write, to: database)
    case .auditSeen(let seen):
        let (body, sum) = try Record.encode(seen)
        try database.run("INSERT OR REPLACE INTO auditSeen VALUES ('hub', ?, ?)", [sum, body])
    }
}

private func loadNode(_ database: GRDB.Database) throws -> (NodeSnapshot, [DamagedRow]) {
    var reader = Reader(database, decoder: Record.keepingDecoder)
    var snapshot = NodeSnapshot()
    var applied = try database.counter("appliedRevision")
    try reader.values(
        Document.self, of: "document", key: ["kind", "name"],
        "SELECT * FROM document ORDER BY kind, name",
        // What is gone is missing: the node must ask for it again.
        altered: { row in applied = min(applied, max(0, (row["revision"] as Int64) - 1)) },
        each: { _, document in snapshot.documents.append(document) })
    try reader.values(
        InstanceRecord.self, of: "instance", key: ["workload", "ordinal"],
        "SELECT * FROM instance ORDER BY workload, ordinal",
        each: { _, record in snapshot.instances.append(record) })
    try reader.values(
        LogEntry.self, of: "log", key: ["sequence"], "SELECT * FROM log ORDER BY sequence",
        each: { _, entry in snapshot.log.append(entry) })
    try reader.values(
        LocalChange.self, of: "localChange", key: ["workload"],
        "SELECT * FROM localChange ORDER BY workload",
        each: { _, change in snapshot.localChanges.append(change) })
    snapshot.appliedRevision = counter(applied)
    snapshot.nextSequence = counter(try LogTally(database).lastSequence) + 1
    snapshot.epoch = counter(try database.counter("epoch"))
    for (name, version) in try database.counters(below: policyFloor) {
        snapshot.policyFloors[name] = counter(version)
    }
    let run = counter(try database.counter("run"))
    snapshot.run = run == 0 ? nil : run
    let wall = try database.counter("contactWall")
    if wall != 0 {
        let moment = Moment(
            monotonic: Instant(nanoseconds: try database.counter("contactMonotonic")),
            wall: WallTime(milliseconds: wall))
        snapshot.contact = Reading(
            moment, boot: UInt64(bitPattern: try database.counter("contactBoot")))
    }
    snapshot.audit = try auditTail(database)
    try reader.values(
        AuditSeen.self, of: "auditSeen", key: ["name"], "SELECT * FROM auditSeen",
        each: { _, seen in snapshot.auditSeen = seen })
    return (snapshot, reader.damaged)
}
