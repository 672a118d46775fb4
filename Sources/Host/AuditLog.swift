import Audit
import Model
import Storage
import Synchronization

/// The audit log of this process: gives each act its place in the chain, and says when it is durable.
///
/// Acts reach the store in the order of the chain, since both happen under one lock. Whatever a machine
/// wants durable after an act was appended is never durable before it: both go through one writer.
final class AuditLog: Sendable {
    /// A checkpoint is kept for good after so many records, or so long.
    static let keptEvery: UInt64 = 256
    static let keptWithin = Duration.seconds(60)
    /// How long what need not be durable at once waits for company.
    static let patience = Duration.milliseconds(50)
    /// Records that a store which fails may make wait.
    private static let pendingMax: UInt64 = 4096

    /// How an act was taken.
    enum Receipt: Sendable { case appended, durable, storeFails, full }

    /// What held where and when it was decided.
    struct Circumstances: Sendable {
        var staleness = Staleness.fresh
        var policyAge = Duration.zero
        var mode = AuditMode.online
    }

    private struct State {
        var chain: AuditChain
        var durable: UInt64
        /// Up to where it was pruned.
        var start: UInt64
        /// Where a checkpoint is kept for good.
        var kept: [UInt64]
        var keptAt: WallTime?
        /// The newest checkpoint that is durable.
        var newest: AuditCheckpoint?
        var storeFails = false
        var waiting: [UInt64: CheckedContinuation<Receipt, Never>] = [:]
    }

    let key: AuditKey
    private let owner: String
    private let retention: UInt64
    private let state: Mutex<State>

    /// - Parameters:
    ///   - log: what it is called where the store holds none yet.
    ///   - retention: how many records are kept, give or take a sixteenth.
    init(of log: String, key: AuditKey, tail: AuditTail, retention: Int) {
        self.key = key
        self.retention = UInt64(retention)
        owner = log
        state = Mutex(
            State(
                chain: AuditLog.resume(log, tail), durable: tail.index,
                start: tail.start?.index ?? 0, kept: tail.kept,
                keptAt: tail.newest.flatMap { tail.kept.last == $0.index ? $0.at : nil },
                newest: tail.newest))
    }

    /// A checkpoint ahead of the last record means that records are gone. It goes on behind it, so that
    /// the gap stays to be seen.
    private static func resume(_ log: String, _ tail: AuditTail) -> AuditChain {
        let log = tail.newest?.log ?? log
        if let newest = tail.newest, newest.index >= tail.index {
            return AuditChain(of: log, index: newest.index, head: newest.head)
        }
        return tail.head.map { AuditChain(of: log, index: tail.index, head: $0) }
            ?? AuditChain(of: log)
    }

    /// What the log calls itself.
    var name: String { state.withLock(\.chain.log) }
    /// The newest checkpoint that is durable.
    var newest: AuditCheckpoint? { state.withLock(\.newest) }

    /// Appends without waiting.
    @discardableResult
    func append<Write: AuditedWrite>(
        _ act: AuditAct, in circumstances: Circumstances = Circumstances(),
        isUrgent: Bool = false, to writer: StoreWriter<Write>
    ) -> Receipt {
        state.withLock { take(act, circumstances, isUrgent, writer, &$0).receipt }
    }

    /// Appends, and returns once it is durable, or once it is known that the store fails.
    func appendDurably<Write: AuditedWrite>(
        _ act: AuditAct, in circumstances: Circumstances = Circumstances(),
        to writer: StoreWriter<Write>
    ) async -> Receipt {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                let (receipt, index) = take(act, circumstances, true, writer, &state)
                guard receipt == .appended, !state.storeFails else {
                    continuation.resume(returning: receipt == .appended ? .storeFails : receipt)
                    return
                }
                state.waiting[index] = continuation
            }
        }
    }

    private func take<Write: AuditedWrite>(
        _ act: AuditAct, _ circumstances: Circumstances, _ isUrgent: Bool,
        _ writer: StoreWriter<Write>, _ state: inout State
    ) -> (receipt: Receipt, index: UInt64) {
        guard state.chain.index - state.durable < AuditLog.pendingMax else {
            return (.full, state.chain.index)
        }
        let now = SystemClock.now().wall
        let entry = state.chain.append(
            act, at: now, staleness: circumstances.staleness,
            policyAge: Interval(circumstances.policyAge), mode: circumstances.mode)
        var writes: [AuditWrite] = [.append(entry)]
        writes += prune(&state, at: now)
        writer.add(writes.map(Write.audit), within: isUrgent ? .zero : AuditLog.patience)
        return (.appended, entry.index)
    }

    /// The oldest records go once there are a sixteenth too many. A record tells of it, so that nobody can
    /// pass off a cut as pruning.
    private func prune(_ state: inout State, at now: WallTime) -> [AuditWrite] {
        guard state.chain.index > state.start + retention + retention / 16,
            let through = state.kept.last(where: { $0 <= state.chain.index - retention }),
            through > state.start
        else { return [] }
        state.start = through
        state.kept.removeAll { $0 < through }
        let entry = state.chain.append(
            AuditVerifier.pruning(through: through, by: owner), at: now)
        return [.append(entry), .prune(through: through)]
    }

    // MARK: - On its way to disk

    /// Commits batches with a signature over the last record in them.
    func commit<Write: AuditedWrite>(
        _ batches: [[Write]], _ store: ([[Write]]) throws -> Void
    ) throws {
        guard let last = batches.lazy.joined().reversed().compactMap(\.appended).first else {
            return try store(batches)
        }
        let now = SystemClock.now().wall
        let (log, isKept) = state.withLock { state in
            let isDue =
                last.index >= (state.kept.last ?? 0) + AuditLog.keptEvery
                || state.keptAt.map { now - $0 >= AuditLog.keptWithin || now < $0 } ?? true
            return (state.chain.log, isDue)
        }
        let checkpoint = key.sign(
            AuditCheckpoint(log: log, index: last.index, head: last.hash, at: now))
        try store(batches + [[Write.audit(.checkpoint(checkpoint, isKept: isKept))]])
        noteDurable(checkpoint, isKept: isKept)
    }

    private func noteDurable(_ checkpoint: AuditCheckpoint, isKept: Bool) {
        let told = state.withLock { state in
            state.durable = max(state.durable, checkpoint.index)
            state.newest = checkpoint
            state.storeFails = false
            if isKept {
                state.kept.append(checkpoint.index)
                state.keptAt = checkpoint.at
            }
            let told = state.waiting.filter { $0.key <= checkpoint.index }
            for index in told.keys { state.waiting[index] = nil }
            return told.values
        }
        for continuation in told { continuation.resume(returning: .durable) }
    }

    func noteStore(fails: Bool) {
        let told = state.withLock { state in
            state.storeFails = fails
            guard fails else { return [CheckedContinuation<Receipt, Never>]() }
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in told { continuation.resume(returning: .storeFails) }
    }
}

/// A write to a store that may be one to the audit log in it.
protocol AuditedWrite: Sendable {
    static func audit(_ write: AuditWrite) -> Self
    var audited: AuditWrite? { get }
}

extension AuditedWrite {
    fileprivate var appended: AuditEntry? {
        if case .append(let entry)? = audited { entry } else { nil }
    }
}

extension NodeWrite: AuditedWrite {
    var audited: AuditWrite? {
        if case .audit(let write) = self { write } else { nil }
    }
}

extension HubWrite: AuditedWrite {
    var audited: AuditWrite? {
        if case .audit(let write) = self { write } else { nil }
    }
}
