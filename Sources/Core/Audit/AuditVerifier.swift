package import Model

/// Goes through a log from its start and names the first record that is not as it was appended.
///
/// Fed with the rows of a store in the order of their numbers. What is wrong in a row is told from what
/// the row itself says; what was made anew from some record on, by the signed checkpoints.
package struct AuditVerifier: Sendable {
    private let log: String
    private let first: UInt64
    private let checkpoints: [AuditCheckpoint]
    private var nextCheckpoint = 0
    /// The last record that a signed checkpoint vouches for.
    private var vouched: UInt64
    private var chain: AuditChain
    private var fault: AuditFault?
    /// A record that was not in its place; it may stand in a later row.
    private var missing: (index: UInt64, found: UInt64)?
    /// Up to where the newest pruning that the log itself tells of went.
    private var pruned: UInt64 = 0
    private var lastRow: UInt64 = 0

    /// - Parameters:
    ///   - start: the checkpoint where a pruned log begins; nil where nothing was pruned.
    ///   - checkpoints: in the order of their records.
    package init(
        log: String, key: AuditVerifyingKey, start: AuditCheckpoint?,
        checkpoints: [AuditCheckpoint]
    ) {
        self.log = log
        self.checkpoints = checkpoints.filter { $0.index > start?.index ?? 0 }
        chain =
            start.map { AuditChain(of: log, index: $0.index, head: $0.head) }
            ?? AuditChain(of: log)
        first = chain.index + 1
        vouched = chain.index
        lastRow = chain.index
        for checkpoint in (start.map { [$0] } ?? []) + checkpoints
        where checkpoint.log != log || !key.verifies(checkpoint) {
            fault = AuditFault(
                .forged, at: checkpoint.index,
                "the checkpoint at record \(checkpoint.index) does not bear the signature of "
                    + "this log's key")
            break
        }
    }

    /// Whether anything was found, so that the rest need not be read.
    package var isDone: Bool { fault != nil && missing == nil }

    package mutating func take(index: UInt64, hash: AuditHash?, text: [UInt8]) {
        lastRow = max(lastRow, index)
        if let lost = missing {
            if claimedIndex(of: text) == lost.index { noteReordered(lost, in: index) }
            return
        }
        guard fault == nil else { return }
        let before = chain
        guard index == chain.index + 1 else {
            fault = AuditFault(
                .removed, at: chain.index + 1, "record \(chain.index + 1) is missing")
            return
        }
        chain.take(text)
        guard chain.head == hash else { return judge(index, hash, text, after: before) }
        if text.starts(with: AuditVerifier.pruning) { notePruning(text) }
        checkCheckpoint()
    }

    /// The hashes do not follow from each other: which record it is, is told by what the records say.
    private mutating func judge(
        _ index: UInt64, _ hash: AuditHash?, _ text: [UInt8], after before: AuditChain
    ) {
        guard let claimed = claimedIndex(of: text) else {
            fault = AuditFault(.edited, at: index, "record \(index) cannot be read")
            return
        }
        guard claimed == index else {
            missing = (index, claimed)
            fault = AuditFault(
                .removed, at: index,
                "record \(index) is missing: record \(claimed) stands in its place")
            return
        }
        guard index > first, let predecessor = claimedPredecessor(of: text),
            !text[predecessor].elementsEqual(before.head.abbreviated.utf8),
            !isMended(text, at: predecessor, before, hash)
        else {
            fault = AuditFault(
                .edited, at: index, "record \(index) is not the one that was appended")
            return
        }
        // It still follows on the record that once was before it.
        fault = AuditFault(
            .edited, at: index - 1,
            "record \(index - 1) is not the one that record \(index) was appended to")
    }

    /// Whether nothing but what the record says of the one before it was changed.
    private func isMended(
        _ text: [UInt8], at predecessor: Range<Int>, _ before: AuditChain, _ hash: AuditHash?
    ) -> Bool {
        var mended = text
        mended.replaceSubrange(predecessor, with: before.head.abbreviated.utf8)
        return AuditChain.next(before.head, mended) == hash
    }

    private mutating func noteReordered(_ lost: (index: UInt64, found: UInt64), in row: UInt64) {
        missing = nil
        fault = AuditFault(
            .reordered, at: lost.index,
            "record \(lost.index) stands in the place of record \(row), and record \(lost.found) "
                + "in its place")
    }

    private mutating func checkCheckpoint() {
        guard nextCheckpoint < checkpoints.count else { return }
        let checkpoint = checkpoints[nextCheckpoint]
        guard checkpoint.index == chain.index else { return }
        nextCheckpoint += 1
        guard checkpoint.head == chain.head else {
            fault = AuditFault(
                .rewritten, at: vouched + 1,
                "records \(vouched + 1) to \(checkpoint.index) follow from each other and are not "
                    + "those that were signed at \(checkpoint.at)")
            return
        }
        vouched = checkpoint.index
    }

    /// After the last row: what is wrong with the log, or nil.
    package func finish() -> AuditFault? {
        if let fault { return fault }
        if nextCheckpoint < checkpoints.count {
            let checkpoint = checkpoints[nextCheckpoint]
            return AuditFault(
                .truncated, at: chain.index + 1,
                "the log ends at record \(chain.index), and a checkpoint of \(checkpoint.at) covers "
                    + "record \(checkpoint.index)")
        }
        if chain.index > vouched {
            return AuditFault(
                .unsigned, at: vouched + 1,
                "no signed checkpoint covers what follows on record \(vouched)")
        }
        if first > 1, pruned != first - 1 {
            return AuditFault(
                .removed, at: first - 1,
                "the log begins behind record \(first - 1), and does not tell that those before "
                    + "were pruned")
        }
        return nil
    }

    package var head: AuditHash { chain.head }
    package var last: UInt64 { lastRow }

    // MARK: - Pruning

    /// How the canonical text of the record of a pruning begins.
    static let pruning = Array("{\"action\":\"\(AuditVerifier.pruningAction)\",".utf8)
    package static let pruningAction = "prune"
    private static let target = Array("\"target\":\"through/".utf8)

    private mutating func notePruning(_ text: [UInt8]) {
        guard let start = lastPosition(behind: AuditVerifier.target, in: text) else { return }
        let digits = text[start...].prefix { (48...57).contains($0) }
        guard digits.count < 20 else { return }
        pruned = digits.reduce(0) { $0 * 10 + UInt64($1 - 48) }
    }

    /// What the owner of a log appends before it prunes.
    package static func pruning(through index: UInt64, by owner: String) -> AuditAct {
        AuditAct(
            who: owner, action: pruningAction, target: "through/\(index)",
            note: "older records go, as the retention of this log says")
    }
}

private func lastPosition(behind name: [UInt8], in text: [UInt8]) -> Int? {
    guard text.count > name.count else { return nil }
    for start in stride(from: text.count - name.count, through: 0, by: -1)
    where text[start] == name[0] && text[start..<(start + name.count)].elementsEqual(name) {
        return start + name.count
    }
    return nil
}
