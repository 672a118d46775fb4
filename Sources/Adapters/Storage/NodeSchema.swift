import GRDB

/// The tables of a node's store. A migration that has been released is never changed.
let nodeSchema = Schema(
    owner: "node",
    applicationID: 0x534b_4e44,  // "SKND"
    migrator: nodeMigrator(),
    highWaterMarks: { database in
        let tally = try LogTally(database)
        let policies = try database.counters(below: policyFloor).map {
            raising(policyFloor + $0.name, to: $0.value)
        }
        return [
            raising("lastSequence", to: tally.lastSequence),
            raising("epoch", to: try database.counter("epoch")),
        ] + policies
    })

private func nodeMigrator() -> DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("node-1") { database in
        try database.execute(
            sql: """
                CREATE TABLE counter (
                    name TEXT PRIMARY KEY, value INTEGER NOT NULL
                ) WITHOUT ROWID, STRICT;
                CREATE TABLE document (
                    kind TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL,
                    sum INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, name)
                ) STRICT;
                CREATE TABLE instance (
                    workload TEXT NOT NULL, ordinal INTEGER NOT NULL,
                    sum INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (workload, ordinal)
                ) STRICT;
                CREATE TABLE log (
                    sequence INTEGER PRIMARY KEY, importance INTEGER NOT NULL,
                    subject TEXT NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                """)
    }
    migrator.registerMigration("node-2") { database in
        try database.execute(
            sql: """
                CREATE TABLE localChange (
                    workload TEXT PRIMARY KEY, sequence INTEGER NOT NULL,
                    sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                """)
    }
    migrator.registerMigration("node-audit-1", migrate: makeAuditTables)
    return migrator
}

func raising(_ counter: String, to value: Int64) -> Schema.Statement {
    Schema.Statement(
        sql: """
            INSERT INTO counter VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)
            """, arguments: [counter, value])
}

/// What the counter of a policy's highest version is called, before the policy's name.
let policyFloor = "policy/"

extension GRDB.Database {
    /// The counters whose names begin so, by the rest of their names.
    func counters(below prefix: String) throws -> [(name: String, value: Int64)] {
        try Row.fetchAll(
            self, sql: "SELECT name, value FROM counter WHERE substr(name, 1, ?) = ?",
            arguments: [prefix.count, prefix]
        ).map { (String(($0["name"] as String).dropFirst(prefix.count)), $0["value"]) }
    }

    func counter(_ name: String) throws -> Int64 {
        try number("SELECT value FROM counter WHERE name = ?", [name])
    }

    func setCounter(_ name: String, to value: Int64) throws {
        try run("INSERT OR REPLACE INTO counter VALUES (?, ?)", [name, value])
    }
}
