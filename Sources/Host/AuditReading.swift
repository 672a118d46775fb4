package import Audit
package import Model
package import Storage

/// Reads an audit log from its store, some rows at a time, so that commits come in between.
package struct AuditReading: Sendable {
    private static let rowsAtOnce = 2_000

    let log: String
    let key: AuditVerifyingKey
    let store: any AuditStore

    package init(log: String, key: AuditVerifyingKey, store: any AuditStore) {
        self.log = log
        self.key = key
        self.store = store
    }

    /// - Parameter limit: so many of the newest, or from `index` on.
    func page(from index: UInt64?, limit: Int) throws(StoreError) -> [AuditEntry] {
        let anchors = try store.auditAnchors()
        let newest = anchors.last >= UInt64(limit) ? anchors.last - UInt64(limit) + 1 : 1
        return try store.auditRows(from: index ?? newest, limit: limit).compactMap(\.entry)
    }

    /// Goes through the whole log.
    ///
    /// What is appended meanwhile is left out: the checkpoints that are there at the start say how far.
    /// - Parameters:
    ///   - witnessed: a checkpoint of this log that the hub holds as well.
    ///   - testimonies: what neighbours hold of it.
    package func verdict(
        witnessed: AuditCheckpoint? = nil, _ testimonies: [AuditTestimony] = []
    ) throws(StoreError) -> AuditVerdict {
        let (verdict, start) = try go(witnessed, testimonies)
        guard verdict.fault != nil else { return verdict }
        // What was pruned meanwhile is not missing.
        let again = try store.auditAnchors().start
        return again == start ? verdict : try go(witnessed, testimonies).verdict
    }

    private func go(
        _ witnessed: AuditCheckpoint?, _ testimonies: [AuditTestimony]
    ) throws(StoreError) -> (verdict: AuditVerdict, start: AuditCheckpoint?) {
        let anchors = try store.auditAnchors()
        let others =
            anchors.checkpoints + (witnessed.map { [$0] } ?? []) + testimonies.map(\.checkpoint)
        var verifier = AuditVerifier(
            log: log, key: key, start: anchors.start,
            checkpoints: others.sorted { $0.index < $1.index })
        var next = anchors.first
        while !verifier.isDone, next <= anchors.last, anchors.last > 0 {
            let rows = try store.auditRows(from: next, limit: AuditReading.rowsAtOnce)
            for row in rows where row.index <= anchors.last {
                verifier.take(index: row.index, hash: row.hash, text: row.text)
            }
            guard let last = rows.last else { break }
            next = last.index + 1
        }
        let fault = anchors.last == 0 ? emptiness(anchors) : verifier.finish()
        return (
            AuditVerdict(
                log: log, first: anchors.first, last: anchors.last,
                checkpoints: anchors.checkpoints.count, newest: anchors.checkpoints.last,
                fault: fault, witnessed: witnessed?.index,
                neighbours: testimonies.isEmpty
                    ? nil
                    : Dictionary(testimonies.map { ($0.node.text, $0.checkpoint.index) }) {
                        max($0, $1)
                    }), anchors.start
        )
    }

    /// A log tells of the first start of its owner, so it is never empty.
    private func emptiness(_ anchors: AuditAnchors) -> AuditFault {
        AuditFault(
            .truncated, at: 1,
            anchors.checkpoints.last.map {
                "the log is empty, and a checkpoint of \($0.at) covers record \($0.index)"
            } ?? "the log is empty, without even the first start of its owner")
    }

    // MARK: - For a witness

    /// What is to be said of the log to who holds its checkpoint at `held`; nil where there is no news.
    func report(newest: AuditCheckpoint?, held: UInt64) throws(StoreError) -> AuditReport? {
        guard let newest, newest.index != held else { return nil }
        let anchors = try store.auditAnchors()
        var below: AuditMark?
        if held > 0, let row = try store.auditRows(from: held, limit: 1).first, row.index == held {
            below = row.hash.map { AuditMark(index: held, head: $0) }
        } else if let start = anchors.start, start.index == held {
            below = AuditMark(index: held, head: start.head)
        }
        return AuditReport(key: key.text, newest: newest, below: below, start: anchors.start)
    }

    // MARK: - Proofs

    /// The most records in one proof.
    private static let proofRecords: UInt64 = 2_048

    /// What ties a record to the checkpoint that `wanted` picks, or to the next there is.
    func proof(
        of index: UInt64, upTo wanted: AuditCheckpoint?
    ) throws(StoreError) -> AuditProof? {
        let anchors = try store.auditAnchors()
        let near = anchors.checkpoints.first { $0.index >= index }
        let reachable = wanted.flatMap {
            (index...(index + AuditReading.proofRecords)).contains($0.index) ? $0 : nil
        }
        guard index >= 1, let checkpoint = reachable ?? near,
            checkpoint.index - index <= AuditReading.proofRecords
        else { return nil }
        let before: AuditHash?
        if index == 1 {
            before = AuditChain.origin(of: log)
        } else if let start = anchors.start, start.index == index - 1 {
            before = start.head
        } else {
            before = try store.auditRows(from: index - 1, limit: 1).first
                .flatMap { $0.index == index - 1 ? $0.hash : nil }
        }
        let count = Int(checkpoint.index - index) + 1
        let entries = try store.auditRows(from: index, limit: count).compactMap(\.entry)
        guard let before, entries.first?.index == index, entries.last?.index == checkpoint.index
        else { return nil }
        return AuditProof(
            log: log, key: key.text, before: before, entries: entries, checkpoint: checkpoint)
    }
}
