import Audit
import Foundation
import Host
import Machines
import Model
import Storage
import Synchronization
import Testing

/// The log as a process keeps it: in order, durable when it says so, bounded, and whole all the time.
@Suite(.timeLimit(.minutes(2))) struct AuditLogTests {
    private struct Full: Error {}

    private final class Flag: Sendable {
        private let state = Mutex(true)
        var isUp: Bool { state.withLock { $0 } }
        func lower() { state.withLock { $0 = false } }
    }

    private let scratch: Scratch
    private let key: AuditKey

    init() throws {
        scratch = try Scratch()
        key = try #require(AuditKey(seed: [UInt8](repeating: 1, count: 32)))
    }

    private func log(_ store: NodeStore, retention: Int = 1_000) throws -> AuditLog {
        AuditLog(of: "node/n1", key: key, tail: try store.load().audit, retention: retention)
    }

    private func verdict(_ store: NodeStore) throws -> AuditVerdict {
        try AuditReading(log: "node/n1", key: key.verifier, store: store).verdict()
    }

    /// Runs a writer on `store` while `body` runs.
    private func writing(
        _ log: AuditLog, to store: NodeStore, fails: (@Sendable () -> Bool)? = nil,
        working: @escaping @Sendable () -> Void = {},
        _ body: (StoreWriter<NodeWrite>) async -> Void
    ) async {
        let writer = StoreWriter<NodeWrite>(failpoint: "test") { batches in
            if fails?() == true { throw Full() }
            try log.commit(batches) { try store.commit($0) }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await writer.run(
                    persisted: { _ in }, failing: { _ in log.noteStore(fails: true) },
                    working: {
                        log.noteStore(fails: false)
                        working()
                    })
            }
            await body(writer)
            writer.finish()
        }
    }

    @Test func `many who append at once make one chain, also over a restart`() async throws {
        for start in 1...2 {
            let store = try NodeStore(directory: scratch.path + "/s")
            let log = try log(store)
            await writing(log, to: store) { writer in
                await withTaskGroup(of: Void.self) { group in
                    for number in 1...200 {
                        group.addTask {
                            if number.isMultiple(of: 4) {
                                #expect(
                                    await log.appendDurably(act(number), to: writer) == .durable)
                            } else {
                                log.append(act(number), to: writer)
                            }
                        }
                    }
                }
                _ = await log.appendDurably(act(0), to: writer)
            }
            let verdict = try verdict(store)
            #expect(verdict.fault == nil)
            #expect(verdict.last == UInt64(201 * start))
            #expect(verdict.newest?.index == verdict.last)
            store.close()
        }
    }

    @Test func `what was appended is durable before what is written after it`() async throws {
        let store = try NodeStore(directory: scratch.path + "/s")
        let log = try log(store)
        let writer = StoreWriter<NodeWrite>(failpoint: "test") { batches in
            try log.commit(batches) { try store.commit($0) }
        }
        log.append(act(1), to: writer)
        // Nobody has rung for it yet: it rides with what comes of it.
        writer.add(.init(number: 1), [.epoch(7)])
        await writer.run(
            persisted: { _ in writer.finish() }, failing: { _ in }, working: {})
        let snapshot = try store.load()
        #expect(snapshot.epoch == 7)
        #expect(snapshot.audit.index == 1)
        #expect(try verdict(store).fault == nil)
        store.close()
    }

    @Test func `what is left at the end is written at the end`() throws {
        let store = try NodeStore(directory: scratch.path + "/s")
        let log = try log(store)
        let writer = StoreWriter<NodeWrite>(failpoint: "test") { batches in
            try log.commit(batches) { try store.commit($0) }
        }
        log.append(act(1), to: writer)
        try writer.flush()
        #expect(try verdict(store).last == 1)
        store.close()
    }

    @Test func `a store that fails is told to who waits, and takes all of it once it works`()
        async throws
    {
        let store = try NodeStore(directory: scratch.path + "/s")
        let log = try log(store)
        let fails = Flag()
        let (works, bell) = AsyncStream.makeStream(of: Void.self)
        let story: (StoreWriter<NodeWrite>) async -> Void = { writer in
            #expect(await log.appendDurably(act(1), to: writer) == .storeFails)
            #expect(await log.appendDurably(act(2), to: writer) == .storeFails)
            var receipt = AuditLog.Receipt.appended
            for number in 3...5_000 { receipt = log.append(act(number), to: writer) }
            #expect(receipt == .full)
            fails.lower()
            for await _ in works {}
        }
        await writing(
            log, to: store, fails: { fails.isUp }, working: { bell.finish() }, story)
        let verdict = try verdict(store)
        #expect(verdict.fault == nil)
        #expect(verdict.last == 4_096)
        store.close()
    }

    @Test func `the oldest records go, and the log stays whole and says so`() async throws {
        let store = try NodeStore(directory: scratch.path + "/s")
        let log = try log(store, retention: 1_000)
        await writing(log, to: store) { writer in
            for number in 1...4_000 {
                if number.isMultiple(of: 50) {
                    _ = await log.appendDurably(act(number), to: writer)
                } else {
                    log.append(act(number), to: writer)
                }
            }
            _ = await log.appendDurably(act(0), to: writer)
        }
        let whole = try verdict(store)
        #expect(whole.fault == nil)
        #expect(whole.first > 2_000)
        #expect(whole.last - whole.first < 1_600)
        // Whoever cuts off more passes it off as pruning in vain.
        let anchors = try store.auditAnchors()
        let later = try #require(anchors.checkpoints.first { $0.index > whole.first + 200 })
        try store.commit([[.audit(.prune(through: later.index))]])
        let cut = try verdict(store)
        #expect(cut.fault?.kind == .removed)
        #expect(cut.fault?.index == later.index)
        store.close()
    }
}

private func act(_ number: Int) -> AuditAct {
    AuditAct(who: "user/ann", action: "apply", target: "Workload/w-\(number)")
}
