import Audit
import Foundation
import GRDB
import Host
import Model
import Storage

private let records = 100_000
private let rounds = 3
/// Records in one commit, on both sides.
private let atOnce = 500

private func act(_ number: Int) -> AuditAct {
    AuditAct(
        who: "user/ann", action: "apply", target: "Workload/route-optimizer-\(number % 50)",
        reasons: ["staff/operator/0"], policies: [PolicyReference(name: "staff", version: 12)],
        request: "4f00c1d2a5b6e7\(number % 90 + 10)")
}

/// Through the same log, writer and store as in a node; each batch is one commit with one signature.
private func append(to store: NodeStore, _ log: AuditLog) async throws -> Duration {
    let writer = StoreWriter<NodeWrite>(failpoint: "bench") { batches in
        try log.commit(batches) { try store.commit($0) }
    }
    let clock = ContinuousClock()
    return try await clock.measure {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await writer.run(persisted: { _ in }, failing: { _ in }, working: {}) }
            for number in 1...records {
                // As many as a busy node has waiting; the last is durable before the next are made.
                let isLast = number.isMultiple(of: atOnce) || number == records
                let receipt =
                    isLast
                    ? await log.appendDurably(act(number), to: writer)
                    : log.append(act(number), to: writer)
                precondition(receipt == (isLast ? .durable : .appended), "none is left out")
            }
            writer.finish()
            try await group.waitForAll()
        }
    }
}

/// The same texts into a table of their own, so many in each transaction.
private func insertPlainly(in directory: String, batch: Int) throws -> Duration {
    try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
    var configuration = Configuration()
    configuration.prepareDatabase { database in
        try database.execute(
            sql: """
                PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;
                PRAGMA cache_size = -1024
                """)
        _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        try database.execute(sql: "PRAGMA wal_autocheckpoint = 64")
    }
    let queue = try DatabaseQueue(path: directory + "/plain.sqlite", configuration: configuration)
    try queue.write {
        try $0.execute(sql: "CREATE TABLE plain (number INTEGER PRIMARY KEY, body TEXT) STRICT")
    }
    let head = AuditChain.origin(of: "node/bench")
    let time = WallTime(milliseconds: 1_795_000_000_000)
    return try ContinuousClock().measure {
        for start in stride(from: 0, to: records, by: batch) {
            try queue.write { database in
                let statement = try database.cachedStatement(
                    sql: "INSERT INTO plain VALUES (?, ?)")
                for number in start..<min(start + batch, records) {
                    let record = AuditRecord(
                        act(number), index: UInt64(number + 1),
                        after: String(head.description.prefix(16)), at: time)
                    let text = String(decoding: record.canonical, as: UTF8.self)
                    try statement.execute(arguments: [number, text])
                }
            }
        }
    }
}

private func perSecond(_ duration: Duration) -> Double {
    Double(records) / (Double(duration.nanoseconds) / 1e9)
}

/// Answers whether a goal was missed.
func measureLog(in directory: String) async throws -> Bool {
    guard let key = AuditKey(seed: [UInt8](repeating: 3, count: 32)) else {
        preconditionFailure("32 bytes are a seed")
    }
    var chained = 0.0
    var plain = 0.0
    var verified = 0.0
    for round in 1...rounds {
        let place = directory + "-\(round)"
        let store = try NodeStore(directory: place)
        let log = AuditLog(
            of: "node/bench", key: key, tail: AuditTail(), retention: 10 * records)
        chained = max(chained, perSecond(try await append(to: store, log)))
        let reading = AuditReading(log: "node/bench", key: key.verifier, store: store)
        var verdict: AuditVerdict?
        let took = try ContinuousClock().measure { verdict = try reading.verdict() }
        precondition(verdict?.fault == nil, "what was just written is whole")
        precondition(verdict?.last == UInt64(records), "and all of it is there")
        verified = max(verified, perSecond(took))
        store.close()
        plain = max(plain, perSecond(try insertPlainly(in: place + "-plain", batch: atOnce)))
    }
    print("best of \(rounds) rounds of \(records) records, about \(atOnce) a commit:")
    print("  chained, signed and durable     \(Int(chained)) a second, goal 20000")
    print("  plain inserts                   \(Int(plain)) a second")
    print("  verified from the store         \(Int(verified)) a second, goal 200000")
    return chained < 20_000 || verified < 200_000
}
