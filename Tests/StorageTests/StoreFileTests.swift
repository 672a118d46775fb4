import Foundation
import GRDB
import Model
import Storage
import Testing

/// What both stores share: the lock, versions, repair, and what is not written.
@Suite struct StoreFileTests {
    @Test func `a second opening of the same directory is refused and names the holder`() throws {
        try withDirectory { directory in
            let first = try NodeStore(directory: directory, options: .tight)
            let error = #expect(throws: StoreError.self) {
                try NodeStore(directory: directory, options: .tight)
            }
            #expect(error == .inUse(directory: directory, process: getpid()))
            #expect(
                error?.description.contains(
                    "the store at \(directory) is in use by process \(getpid())") == true)
            first.close()
            let second = try NodeStore(directory: directory, options: .tight)
            #expect(second.opening == .clean)
        }
    }

    @Test func `a store of a newer version is refused and left as it was`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            try store.commit([[.epoch(5)]])
            store.close()
            try edit(directory) { database in
                try database.execute(sql: "INSERT INTO grdb_migrations VALUES ('node-99')")
            }
            let file = directory + "/store.sqlite"
            let before = try Data(contentsOf: URL(fileURLWithPath: file))
            #expect(throws: StoreError.newer(directory: directory)) {
                try NodeStore(directory: directory, options: .tight)
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
        }
    }

    @Test func `a hub does not take the store of a node`() throws {
        try withDirectory { directory in
            try NodeStore(directory: directory, options: .tight).close()
            #expect(throws: StoreError.foreign(directory: directory, expected: "hub")) {
                try HubStore(directory: directory, options: .tight)
            }
        }
    }

    @Test func `a store that was never closed loses nothing`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            try store.commit([[.document(document("a", revision: 3)), .epoch(2)]])
            // The files as a killed process leaves them: its log not yet in the store.
            let copy = directory + "/killed"
            try FileManager.default.createDirectory(
                atPath: copy, withIntermediateDirectories: true)
            for name in ["store.sqlite", "store.sqlite-wal"] {
                try FileManager.default.copyItem(
                    atPath: "\(directory)/\(name)", toPath: "\(copy)/\(name)")
            }
            let again = try NodeStore(directory: copy, options: .tight)
            #expect(again.opening == .clean)
            #expect(try again.load() == store.load())
        }
    }

    @Test func `a damaged store is set aside and its snapshot takes its place`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            try store.commit([[.document(document("a", revision: 1)), .appliedRevision(1)]])
            #expect(try store.snapshot())
            try store.commit([[.appliedRevision(2), .append(entry(8, .event(event("late"))))]])
            store.close()
            try damage(directory + "/store.sqlite", at: 8192, count: 3 * 4096)

            let repaired = try NodeStore(directory: directory, options: .tight)
            guard case .recoveredFromSnapshot(let lost) = repaired.opening else {
                Issue.record("opened as \(repaired.opening)")
                return
            }
            #expect(lost.contains("later changes are lost"))
            let snapshot = try repaired.load()
            #expect(snapshot.documents == [document("a", revision: 1)])
            #expect(snapshot.appliedRevision == 1)
            let files = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(files.contains { $0.contains(".corrupt-") })
            try repaired.commit([[.epoch(3)]])
            repaired.close()
            let later = try NodeStore(directory: directory, options: .tight)
            #expect(later.opening == .clean)
        }
    }

    @Test func `sequences and epoch go on in the place of a store that is damaged elsewhere`()
        throws
    {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            let wide = document("wide", revision: 1, text: String(repeating: "x", count: 40_000))
            try store.commit([[.append(entry(1, .event(event("early"))))]])
            _ = try store.snapshot()
            try store.commit([[.document(wide), .epoch(7)]])
            try store.commit([[.append(entry(90, .event(event("late"))))]])
            store.close()
            try damageTable("document", in: directory)

            let repaired = try NodeStore(directory: directory, options: .tight)
            let snapshot = try repaired.load()
            #expect(snapshot.documents.isEmpty)
            #expect(snapshot.nextSequence == 91, "a sequence must not be used twice")
            #expect(snapshot.epoch == 7)
        }
    }

    @Test func `without a snapshot a damaged store becomes an empty one that says so`() throws {
        try withDirectory { directory in
            let store = try HubStore(directory: directory, options: .tight)
            try store.commit([[.epoch(1)]])
            store.close()
            try damage(directory + "/store.sqlite", at: 0, count: 4096)
            let repaired = try HubStore(directory: directory, options: .tight)
            guard case .fresh(let lost?) = repaired.opening else {
                Issue.record("opened as \(repaired.opening)")
                return
            }
            #expect(lost.contains("damaged"))
            #expect(try repaired.load() == HubSnapshot())
        }
    }

    @Test func `a missing store comes back from its snapshot`() throws {
        try withDirectory { directory in
            let store = try HubStore(directory: directory, options: .tight)
            try store.commit([[.epoch(4)]])
            _ = try store.snapshot()
            store.close()
            try FileManager.default.removeItem(atPath: directory + "/store.sqlite")
            let repaired = try HubStore(directory: directory, options: .tight)
            #expect(try repaired.load().epoch == 4)
            guard case .recoveredFromSnapshot = repaired.opening else {
                Issue.record("opened as \(repaired.opening)")
                return
            }
        }
    }

    @Test func `damage under a running store is found by the daily snapshot, which stays good`()
        throws
    {
        try withDirectory { directory in
            try NodeStore(directory: directory, options: .tight).close()
            let first = try NodeStore(directory: directory, options: .tight)
            try first.commit([[.document(document("a", revision: 1)), .epoch(1)]])
            _ = try first.snapshot()
            first.close()
            let store = try NodeStore(directory: directory, options: .tight)
            try store.commit([[.epoch(2)]])
            try damage(directory + "/store.sqlite", at: 4096, count: store.size - 4096)

            for _ in 0..<2 {
                let error = #expect(throws: StoreError.self) { try store.snapshot() }
                guard case .damaged = error else {
                    Issue.record("threw \(String(describing: error))")
                    return
                }
            }
            #expect(throws: StoreError.self) { try store.commit([[.epoch(3)]]) }
            store.close()
            let repaired = try NodeStore(directory: directory, options: .tight)
            #expect(try repaired.load().documents == [document("a", revision: 1)])
        }
    }

    @Test func `only a few damaged stores are kept`() throws {
        try withDirectory { directory in
            for _ in 0..<6 {
                let store = try NodeStore(directory: directory, options: .tight)
                try store.commit([[.epoch(1)]])
                store.close()
                try damage(directory + "/store.sqlite", at: 0, count: 4096)
            }
            try NodeStore(directory: directory, options: .tight).close()
            let files = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(files.filter { $0.contains(".corrupt-") }.count == 3)
        }
    }

    @Test func `a row that changed on the disk is left out, named and asked for again`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            try store.commit([
                [.document(document("a", revision: 4)), .document(document("b", revision: 6))],
                [.appliedRevision(6)],
            ])
            store.close()
            try edit(directory) { database in
                try database.execute(
                    sql: """
                        UPDATE document SET body = CAST(replace(body, '"a"', '"z"') AS BLOB)
                        WHERE name = 'a'
                        """)
            }
            let again = try NodeStore(directory: directory, options: .tight)
            let snapshot = try again.load()
            #expect(snapshot.documents == [document("b", revision: 6)])
            #expect(snapshot.appliedRevision == 3)
            #expect(again.damaged.map(\.key) == ["Site/a"])
        }
    }

    @Test func `a row that a newer version wrote is left out, reported and kept`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            try store.commit([[.document(document("a", revision: 4)), .appliedRevision(4)]])
            store.close()
            // `{}` with its checksum: right bytes, but no document that this version knows.
            try edit(directory) { database in
                try database.execute(
                    sql: "INSERT INTO document VALUES ('Later', 'x', 3, ?, ?)",
                    arguments: [fnv1a("{}"), Data("{}".utf8)])
            }
            let again = try NodeStore(directory: directory, options: .tight)
            let snapshot = try again.load()
            #expect(snapshot.documents == [document("a", revision: 4)])
            #expect(snapshot.appliedRevision == 4)
            #expect(again.damaged.map(\.key) == ["Later/x"])
            again.close()
            try edit(directory) { database in
                let rows = try Int.fetchOne(database, sql: "SELECT count(*) FROM document")
                #expect(rows == 2)
            }
        }
    }

    @Test func `a snapshot is taken only when something changed`() throws {
        try withDirectory { directory in
            let store = try HubStore(directory: directory, options: .tight)
            try store.commit([[.epoch(1)]])
            #expect(try store.snapshot())
            #expect(try !store.snapshot())
            try store.commit([[.epoch(2)]])
            #expect(try store.snapshot())
        }
    }

    @Test func `the write-ahead log stays near its cap`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            var largest = 0
            for revision in 1...200 as ClosedRange<UInt64> {
                let text = String(repeating: "x", count: 3000)
                try store.commit([[.document(document("a", revision: revision, text: text))]])
                largest = max(largest, store.walBytes)
            }
            #expect(largest < 4 * 8 * 4120)
            #expect(store.size < 200_000)
        }
    }

    @Test func `a directory that cannot be made is a sentence, not a crash`() throws {
        try withDirectory { directory in
            try Data().write(to: URL(fileURLWithPath: directory))
            let error = #expect(throws: StoreError.self) {
                try NodeStore(directory: directory + "/below", options: .tight)
            }
            #expect(error?.description.contains("creating the state directory") == true)
        }
    }
}

/// Changes a closed store behind its back.
private func edit(_ directory: String, _ body: (GRDB.Database) throws -> Void) throws {
    var configuration = Configuration()
    // The recorder of other tests may be in place, which has no shared memory to offer.
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
    let queue = try DatabaseQueue(
        path: directory + "/store.sqlite", configuration: configuration)
    try queue.write(body)
    try queue.close()
}

/// Overwrites the root page of a table.
private func damageTable(_ table: String, in directory: String) throws {
    var page = 0
    try edit(directory) { database in
        page = try #require(
            try Int.fetchOne(
                database, sql: "SELECT rootpage FROM sqlite_master WHERE name = ?",
                arguments: [table]))
    }
    try damage(directory + "/store.sqlite", at: UInt64(page - 1) * 4096, count: 4096)
}

private func fnv1a(_ text: String) -> Int64 {
    Int64(
        bitPattern: text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        })
}
