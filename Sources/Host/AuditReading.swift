import Audit
import Model
import Storage

/// Reads an audit log from its store, some rows at a time, so that commits come in between.
struct AuditReading: Sendable {
    private static let rowsAtOnce = 2_000

    let log: String
    let key: AuditVerifyingKey
    let store: any AuditStore

    /// - Parameter limit: so many of the newest, or from `index` on.
    func page(from index: UInt64?, limit: Int) throws(StoreError) -> [AuditEntry] {
        let anchors = try store.auditAnchors()
        let newest = anchors.last >= UInt64(limit) ? anchors.last - UInt64(limit) + 1 : 1
        return try store.auditRows(from: index ?? newest, limit: limit).compactMap(\.entry)
    }

    /// Goes through the whole log.
    ///
    /// What is appended meanwhile is left out: the checkpoints that are there at the start say how far.
    func verdict() throws(StoreError) -> AuditVerdict {
        let anchors = try store.auditAnchors()
        var verifier = AuditVerifier(
            log: log, key: key, start: anchors.start, checkpoints: anchors.checkpoints)
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
        return AuditVerdict(
            log: log, first: anchors.first, last: anchors.last,
            checkpoints: anchors.checkpoints.count, newest: anchors.checkpoints.last, fault: fault)
    }

    /// A log tells of the first start of its owner, so it is never empty.
    private func emptiness(_ anchors: AuditAnchors) -> AuditFault {
        AuditFault(
            .truncated, at: 1,
            anchors.checkpoints.last.map {
                "the log is empty, and a checkpoint of \($0.at) covers record \($0.index)"
            } ?? "the log is empty, without even the first start of its owner")
    }
}
