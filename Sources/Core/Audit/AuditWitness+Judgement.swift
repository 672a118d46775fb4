package import Model

/// What a witness makes of a report. A hub is one; any peer that keeps an `AuditWitness` can be.
package struct AuditJudgement: Equatable, Sendable {
    /// Why the report cannot be true together with what is held; nil where it can.
    package var doubt: String?
    /// Whether its checkpoint is one to keep: signed, and not held yet.
    package var isNews: Bool
}

extension AuditReport {
    /// - Parameter held: what the witness holds of the log; nil where this is the first of it.
    package func judged(as log: String, by held: AuditWitness?) -> AuditJudgement {
        guard let verifier = AuditVerifyingKey(text: key), verifier.verifies(newest) else {
            return AuditJudgement(
                doubt: "its checkpoint does not bear the signature of the key that it names",
                isNews: false)
        }
        guard newest.log == log else {
            return AuditJudgement(
                doubt: "its audit log is that of '\(newest.log)', not of '\(log)'", isNews: false)
        }
        guard let held else { return AuditJudgement(doubt: nil, isNews: true) }
        let isNews = newest.index != held.newest.index || newest.head != held.newest.head
        return AuditJudgement(doubt: contradiction(to: held, verifier), isNews: isNews)
    }

    private func contradiction(
        to held: AuditWitness, _ verifier: AuditVerifyingKey
    ) -> String? {
        let known = held.newest
        if let contradiction = newest.contradiction(signedBy: key, to: held) {
            return contradiction
        }
        if let below {
            // About an older record there is nothing to compare with; it is asked again.
            guard below.index == known.index else { return nil }
            return below.head == known.head
                ? nil
                : "record \(known.index) and those before are not what it signed at \(known.at)"
        }
        if newest.index == known.index { return nil }
        guard let start, start.index > known.index, verifier.verifies(start) else {
            return "it does not show record \(known.index), which it signed at \(known.at)"
        }
        return nil
    }
}

extension AuditCheckpoint {
    /// Why it cannot be true together with what a witness holds, where nothing but the checkpoint is
    /// known; nil where it can.
    ///
    /// What goes on behind the record that is held is taken: that it follows from it shows when its
    /// owner's log is verified against what the witness holds.
    package func contradiction(signedBy key: String, to held: AuditWitness?) -> String? {
        guard let verifier = AuditVerifyingKey(text: key), verifier.verifies(self) else {
            return "its checkpoint does not bear the signature of the key that it names"
        }
        guard let held else { return nil }
        let known = held.newest
        if key != held.key { return "it signs with another key than before" }
        if index < known.index {
            return "its log ends at record \(index), and it signed record \(known.index) "
                + "at \(known.at)"
        }
        if index == known.index, head != known.head {
            return "record \(known.index) and those before are not what it signed at \(known.at)"
        }
        return nil
    }
}

extension AuditTreeHead {
    /// One line for each field, so that no two heads have the same text.
    package var signedText: [UInt8] {
        Array("skerry-audit-tree 1\n\(log)\n\(size)\n\(root)\n\(at)\n".utf8)
    }
}

extension AuditKey {
    package func sign(_ head: AuditTreeHead) -> AuditTreeHead {
        var signed = head
        signed.signature = sign(head.signedText)
        return signed
    }
}

extension AuditReceipt {
    /// Why it does not show what it claims; nil where it does.
    /// - Parameters:
    ///   - checkpoint: what was reported.
    ///   - seen: the last head of the same hub; nil before the first.
    package func flaw(about checkpoint: AuditCheckpoint, since seen: AuditSeen?) -> String? {
        guard let verifier = AuditVerifyingKey(text: key),
            verifier.verifies(head.signature, of: head.signedText)
        else { return "its tree head does not bear the signature of the key that it names" }
        guard
            MerkleProof.includes(
                MerkleLog.hash(ofLeaf: checkpoint.leaf), number: leaf, in: head.size,
                root: head.root, inclusion)
        else { return "it does not show that the checkpoint is in its log" }
        guard let seen else { return nil }
        let older = seen.receipt.head
        guard seen.receipt.key == key else { return "it signs with another key than before" }
        guard head.size >= older.size else {
            return "its log has \(head.size) checkpoints, and had \(older.size) at \(older.at)"
        }
        guard let consistency,
            MerkleProof.extends((older.size, older.root), to: (head.size, head.root), consistency)
        else { return "its log does not begin with what it was at \(older.at)" }
        return nil
    }
}

extension AuditProof {
    /// Why it does not tie its first record to its checkpoint; nil where it does.
    package var flaw: String? {
        guard let verifier = AuditVerifyingKey(text: key), verifier.verifies(checkpoint),
            checkpoint.log == log
        else { return "the checkpoint does not bear the signature of the log's key" }
        var head = before
        for entry in entries {
            head = AuditChain.next(head, Array(entry.text.utf8))
            guard head == entry.hash else { return "record \(entry.index) is not what was hashed" }
        }
        guard head == checkpoint.head, entries.last?.index == checkpoint.index else {
            return "the records do not lead to the checkpoint"
        }
        guard let receipt, let witnessed else { return nil }
        return receipt.flaw(about: witnessed, since: nil)
    }
}
