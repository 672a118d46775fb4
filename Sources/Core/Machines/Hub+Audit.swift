import Audit
package import Model

/// The hub as a witness of its nodes' audit logs, and of its own: all their checkpoints stand in one
/// log, a Merkle tree.
extension Hub {
    /// A node tells where its log stands. What contradicts what it said before is told to people, and
    /// is kept beside it: it is evidence.
    mutating func witness(
        _ report: AuditReport, of node: NodeID, on session: SessionID, at now: Moment
    ) {
        let held = nodes[node]?.audit
        let judgement = report.judged(as: Hub.auditLog(of: node), by: held)
        if let doubt = judgement.doubt, held?.doubt == nil {
            tell(
                .warning, "AuditDoubted", .node, node.text,
                "its audit log is not what it was: \(doubt)", at: now)
        }
        var witness = held
        if judgement.isNews {
            let leaf = keep(report.newest)
            witness = AuditWitness(
                key: report.key, newest: report.newest, leaf: leaf, doubt: held?.doubt)
        }
        // Once is enough: history that was bent is not mended by going on from it.
        if witness?.doubt == nil { witness?.doubt = judgement.doubt }
        guard let witness else { return }
        if witness != held {
            nodes.update(node) { $0.audit = witness }
            journal.writes.append(.auditWitness(node, witness))
        }
        guard judgement.doubt == nil || judgement.isNews else { return }
        journal.followUps.append(.receipt(session, witness, seen: report.seen))
    }

    /// A checkpoint of the hub's own log is durable.
    mutating func witnessOwn(_ checkpoint: AuditCheckpoint) { _ = keep(checkpoint) }

    /// The host went through the whole log, and it is not what was written.
    mutating func noteAudit(_ fault: AuditFault, at now: Moment) {
        tell(
            .warning, "AuditBroken", .node, "hub",
            "the hub's audit log is not what was written from record \(fault.index) on: "
                + fault.message, at: now)
    }

    /// - Returns: the number of the leaf.
    private mutating func keep(_ checkpoint: AuditCheckpoint) -> UInt64 {
        let (number, hash) = auditTree.append(checkpoint.leaf)
        journal.writes.append(
            .auditLeaf(AuditLeaf(number: number, hash: hash, checkpoint: checkpoint)))
        let kept = auditTree.size - auditTree.pruned
        if kept > UInt64(limits.auditLeaves) {
            let through = auditTree.size - UInt64(limits.auditLeaves / 2)
            let roots = auditTree.roots(pruning: through)
            auditTree.prune(through: through)
            journal.writes.append(.pruneAuditLeaves(through: through, roots: roots))
        }
        return number
    }

    /// By then what it tells of is durable.
    mutating func sendReceipt(
        _ witness: AuditWitness, seen: UInt64, on session: SessionID, into effects: inout [Effect]
    ) {
        let size = auditTree.size
        guard sessions[session] != nil,
            let inclusion = auditTree.inclusion(of: witness.leaf, in: size)
        else { return }
        effects.append(
            .send(
                session,
                .witnessed(
                    AuditReceipt(
                        head: AuditTreeHead(
                            size: size, root: auditTree.root, at: WallTime(milliseconds: 0)),
                        index: witness.newest.index, leaf: witness.leaf, inclusion: inclusion,
                        consistency: auditTree.consistency(from: seen, to: size)))))
    }

    /// A node whose audit log is not what it was.
    func auditConditions(of member: Member) -> [Condition] {
        guard let audit = member.audit, let doubt = audit.doubt else { return [] }
        return [
            Condition(
                type: "Audit", isTrue: false, reason: "Doubted",
                message: "its audit log is not what it was: \(doubt)", observedAt: audit.newest.at)
        ]
    }

    /// What a proof about a leaf needs; nil where the leaf is not kept any more.
    package func auditReceipt(leaf: UInt64, index: UInt64) -> AuditReceipt? {
        let size = auditTree.size
        return auditTree.inclusion(of: leaf, in: size).map {
            AuditReceipt(
                head: AuditTreeHead(
                    size: size, root: auditTree.root, at: WallTime(milliseconds: 0)),
                index: index, leaf: leaf, inclusion: $0, consistency: nil)
        }
    }

    static func auditLog(of node: NodeID) -> String { "node/\(node)" }

    /// A tree that does not fit together is begun anew: nodes see that it is another, and say so.
    static func restored(_ tree: AuditTree) -> MerkleLog {
        MerkleLog(pruned: tree.pruned, roots: tree.roots, leaves: tree.leaves) ?? MerkleLog()
    }
}
