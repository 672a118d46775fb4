import GRDB
import Model

/// The tables of a hub's store. A migration that has been released is never changed.
let hubSchema = Schema(
    owner: "hub",
    applicationID: 0x534b_4855,  // "SKHU"
    migrator: hubMigrator(),
    highWaterMarks: { database in
        var marks = try ["epoch", "metEpoch", "generationFloor"].map {
            raising($0, to: try database.counter($0))
        }
        let rows = try Row.fetchCursor(database, sql: "SELECT node, head FROM position")
        while let row = try rows.next() {
            marks.append(
                Schema.Statement(
                    // A node that the snapshot does not know starts anew.
                    sql: "UPDATE position SET head = max(head, ?) WHERE node = ?",
                    arguments: [row["head"] as Int64, row["node"] as String]))
        }
        return marks
    })

private func hubMigrator() -> DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("hub-1") { database in
        try database.execute(
            sql: """
                CREATE TABLE counter (
                    name TEXT PRIMARY KEY, value INTEGER NOT NULL
                ) WITHOUT ROWID, STRICT;
                CREATE TABLE site (
                    name TEXT PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                CREATE TABLE node (
                    name TEXT PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                CREATE TABLE workload (
                    name TEXT PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                CREATE TABLE token (
                    name TEXT PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                CREATE TABLE placement (
                    workload TEXT NOT NULL, node TEXT NOT NULL,
                    sum INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (workload, node)
                ) STRICT;
                CREATE TABLE position (
                    node TEXT PRIMARY KEY, head INTEGER NOT NULL DEFAULT 0,
                    applied INTEGER NOT NULL DEFAULT 0, acknowledged INTEGER NOT NULL DEFAULT 0,
                    lastSeen INTEGER
                ) WITHOUT ROWID, STRICT;
                CREATE TABLE feed (
                    node TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
                    revision INTEGER NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL,
                    PRIMARY KEY (node, kind, name)
                ) STRICT;
                CREATE TABLE instance (
                    node TEXT NOT NULL, workload TEXT NOT NULL, ordinal INTEGER NOT NULL,
                    sum INTEGER NOT NULL, body BLOB NOT NULL,
                    PRIMARY KEY (node, workload, ordinal)
                ) STRICT;
                CREATE TABLE event (
                    id INTEGER PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                """)
    }
    migrator.registerMigration("hub-2") { database in
        try database.execute(
            sql: """
                CREATE TABLE decision (
                    id INTEGER PRIMARY KEY, standing TEXT NOT NULL,
                    sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                CREATE INDEX standingDecision ON decision (standing, id);
                """)
    }
    migrator.registerMigration("hub-3") { database in
        try database.execute(
            sql: """
                CREATE TABLE replacement (
                    name TEXT PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                CREATE TABLE localChange (
                    node TEXT NOT NULL, workload TEXT NOT NULL,
                    sum INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (node, workload)
                ) STRICT;
                """)
    }
    migrator.registerMigration("hub-4") { database in
        try database.execute(
            sql: """
                CREATE TABLE policy (
                    name TEXT NOT NULL, version INTEGER NOT NULL,
                    sum INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (name, version)
                ) STRICT;
                """)
    }
    migrator.registerMigration("hub-return-1") { database in
        try database.makeTable("claims", key: "node")
    }
    migrator.registerMigration("hub-return-2") { database in
        try database.makeTable("timeline", key: "node")
    }
    migrator.registerMigration("hub-return-3") { database in
        try database.makeTable("policies", key: "site")
        try database.makeTable("compliance", key: "site")
    }
    migrator.registerMigration("hub-identity-1") { database in
        try database.makeTable("credential", key: "node")
    }
    migrator.registerMigration("hub-secrets-1") { database in
        try database.makeTable("secret", key: "name")
    }
    migrator.registerMigration("hub-mesh-1") { database in
        try database.makeTable("roster", key: "site")
    }
    migrator.registerMigration("hub-mesh-2") { database in
        try database.makeTable("plan", key: "site")
    }
    migrator.registerMigration("hub-audit-1", migrate: makeAuditTables)
    migrator.registerMigration("hub-audit-2") { database in
        try database.execute(
            sql: """
                CREATE TABLE auditWitness (
                    node TEXT PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                CREATE TABLE auditLeaf (
                    number INTEGER PRIMARY KEY, log TEXT NOT NULL, record INTEGER NOT NULL,
                    hash BLOB NOT NULL, body TEXT NOT NULL
                ) STRICT;
                CREATE INDEX auditLeafOfRecord ON auditLeaf (log, record);
                CREATE TABLE auditTree (
                    name TEXT PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                """)
    }
    migrator.registerMigration("hub-people-1") { database in
        try database.makeTable("userToken", key: "name")
    }
    migrator.registerMigration("hub-identity-2") { database in
        try database.makeTable("pending", key: "name")
        try database.makeTable("revocations", key: "name")
    }
    migrator.registerMigration("hub-people-2") { database in
        try database.makeTable("approval", key: "name")
    }
    return migrator
}

extension GRDB.Database {
    /// A table of records by one key. Part of migrations, so never changed either.
    fileprivate func makeTable(_ name: String, key: String) throws {
        try execute(
            sql: """
                CREATE TABLE \(name) (
                    \(key) TEXT PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL
                ) STRICT;
                """)
    }
}
