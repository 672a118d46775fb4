import Audit
package import Model

/// What the node tells its hub of its own audit log, and what it makes of the answer.
extension Agent {
    /// How far the talk about it has come.
    struct AuditTalk: Equatable, Sendable {
        /// The record up to which the hub has witnessed the log; nil before it said so, as hubs of old
        /// never do.
        var held: UInt64?
        /// What was reported and not answered yet.
        var reported: AuditCheckpoint?
        /// The newest tree head of the hub.
        var seen: AuditSeen?
    }

    mutating func attest(into effects: inout [Effect]) {
        guard link.isUp, let held = auditTalk.held else { return }
        effects.append(.attest(held: held))
    }

    /// The log as the host found it on disk.
    mutating func report(_ report: AuditReport, into effects: inout [Effect]) {
        guard link.isUp, auditTalk.held != nil else { return }
        var report = report
        report.seen = auditTalk.seen?.receipt.head.size ?? 0
        auditTalk.reported = report.newest
        effects.append(.send(.audit(report)))
    }

    /// What does not fit what was seen before is told; from then on the new word counts, so that the next
    /// lie shows as well.
    mutating func take(_ receipt: AuditReceipt, at now: Moment) {
        guard link.isUp, let reported = auditTalk.reported, receipt.index == reported.index
        else { return }
        auditTalk.reported = nil
        auditTalk.held = receipt.index
        if let flaw = receipt.flaw(about: reported, since: auditTalk.seen) {
            let message = "the hub's log of all audit logs is not what it was: \(flaw)"
            tell(
                .warning, "WitnessDoubted", .node, configuration.node.text, message, at: now)
            acts.append(
                AuditAct(
                    who: "hub", action: "witness", target: "node/\(configuration.node)",
                    decision: .deny, note: message))
        }
        var kept = receipt
        kept.consistency = nil
        let seen = AuditSeen(receipt: kept, checkpoint: reported)
        auditTalk.seen = seen
        journal.writes.append(.auditSeen(seen))
    }

    /// A neighbour whose log this node witnesses went back on its word.
    mutating func doubt(_ node: NodeID, _ reason: String, at now: Moment) {
        let message = "the audit log of this neighbour is not what it was: \(reason)"
        tell(.warning, "AuditDoubted", .node, node.text, message, at: now)
        acts.append(
            AuditAct(
                who: "node/\(node)", action: "witness", target: "node/\(node)", decision: .deny,
                note: message))
    }

    /// The host went through the whole log, and it is not what was written.
    mutating func noteAudit(_ fault: AuditFault, at now: Moment) {
        auditFault = fault
        tell(
            .warning, "AuditBroken", .node, configuration.node.text,
            "the audit log is not what was written from record \(fault.index) on: "
                + fault.message, at: now)
    }

    /// For people on the node; nil while nothing is wrong.
    package func auditCondition(at now: WallTime) -> Condition? {
        auditFault.map {
            Condition(
                type: "Audit", isTrue: false, reason: "Broken",
                message: "first bad record \($0.index): \($0.message)", observedAt: now)
        }
    }

    /// How far the hub has witnessed this node's log, as far as this node was told.
    package var auditWitnessed: AuditSeen? { auditTalk.seen }
}
