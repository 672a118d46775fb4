import Audit
import Authority
import Dispatch
import Machines
import Management
import Model
import Storage
import Synchronization

/// What hub and node have in common in keeping and showing their audit logs.
extension AuditLog {
    /// Throws where what was allowed must not be done: nothing is allowed that cannot be kept, but to
    /// the owner of a node, who may have to mend its disk.
    func keep<Write: AuditedWrite>(
        _ act: AuditAct, _ auditing: Auditing, in circumstances: Circumstances = Circumstances(),
        to writer: StoreWriter<Write>
    ) async throws(Refusal) {
        let receipt: Receipt =
            switch auditing {
            case .unrecorded: .appended
            case .recorded: append(act, in: circumstances, to: writer)
            case .atOnce: await appendDurably(act, in: circumstances, to: writer)
            }
        switch receipt {
        case .appended, .durable: return
        case .storeFails where act.who == Principal.console.audited: return
        case .storeFails, .full:
            guard act.decision == .allow else { return }
            throw Refusal(
                .unavailable,
                "'\(act.action)' is not done, since the audit log cannot be written; the log of this "
                    + "process says why")
        }
    }
}

/// When a process that was started looks whether its log is what it left: workloads come first.
private let checkDelay = DispatchTimeInterval.seconds(10)

extension AuditReading {
    func page(from index: UInt64?, limit: Int, at now: WallTime) throws(Refusal) -> AuditPage {
        do {
            return AuditPage(log: log, items: try page(from: index, limit: limit), asOf: now)
        } catch {
            throw AuditReading.refusal(error)
        }
    }

    func checked(
        witnessed: AuditCheckpoint? = nil, _ testimonies: [AuditTestimony] = []
    ) throws(Refusal) -> AuditVerdict {
        do {
            return try verdict(witnessed: witnessed, testimonies)
        } catch {
            throw AuditReading.refusal(error)
        }
    }

    func proved(_ index: UInt64, upTo wanted: AuditCheckpoint?) throws(Refusal) -> AuditProof {
        do {
            if let proof = try proof(of: index, upTo: wanted) { return proof }
        } catch {
            throw AuditReading.refusal(error)
        }
        throw Refusal(
            .notFound,
            "there is no record \(index) with a checkpoint behind it in the audit log \(log); which there "
                + "are says: skerry audit verify")
    }

    /// Whether the log is what was left behind; nil where it is, or where it cannot be read.
    func fault(witnessed: AuditCheckpoint?, log: (String) -> Void) -> AuditFault? {
        do {
            let fault = try verdict(witnessed: witnessed).fault
            if let fault { log("the audit log is not what was written: \(fault.message)") }
            return fault
        } catch {
            log("the audit log cannot be read: \(error)")
            return nil
        }
    }

    private static func refusal(_ error: StoreError) -> Refusal {
        Refusal(.unavailable, "the audit log cannot be read: \(error)")
    }
}

extension HubHost {
    var auditReading: AuditReading {
        AuditReading(log: audit.name, key: audit.key.verifier, store: store)
    }

    func noteStart() {
        audit.append(.start(of: audit.name), to: writer)
    }

    func checkAuditLater() {
        DispatchQueue.global(qos: .background).asyncAfter(deadline: .now() + checkDelay) {
            [weak self] in
            guard let self, let fault = auditReading.fault(witnessed: nil, log: log) else { return }
            mailbox.yield(.auditBroken(fault))
        }
    }

    /// What only the hub's key can say.
    func signed(_ message: HubMessage) -> HubMessage {
        guard case .witnessed(let receipt) = message else { return message }
        return .witnessed(signed(receipt))
    }

    func signed(_ receipt: AuditReceipt) -> AuditReceipt {
        var receipt = receipt
        receipt.key = audit.key.verifier.text
        receipt.head.log = audit.name
        receipt.head.at = SystemClock.now().wall
        receipt.head = audit.key.sign(receipt.head)
        return receipt
    }

    /// What was appended shortly before the end.
    func flush() {
        do { try writer.flush() } catch { log("the last records are not on disk: \(error)") }
    }
}

extension AgentHost {
    var auditReading: AuditReading {
        AuditReading(log: audit.name, key: audit.key.verifier, store: store)
    }

    func noteStart() {
        audit.append(.start(of: audit.name), in: auditCircumstances, to: writer)
    }

    var auditWitnessed: AuditSeen? { machine.withLock(\.auditWitnessed) }

    func checkAuditLater() {
        DispatchQueue.global(qos: .background).asyncAfter(deadline: .now() + checkDelay) {
            [weak self] in
            guard let self,
                let fault = auditReading.fault(
                    witnessed: auditWitnessed?.checkpoint, log: log)
            else { return }
            mailbox.yield(.auditBroken(fault))
        }
    }

    /// Looks up where the log stands, for the hub.
    func attest(held: UInt64) {
        do {
            guard let report = try auditReading.report(newest: audit.newest, held: held) else {
                return
            }
            mailbox.yield(.attested(report))
        } catch {
            log("the audit log cannot be read: \(error)")
        }
    }

    /// What was appended shortly before the end.
    func flush() {
        do { try writer.flush() } catch { log("the last records are not on disk: \(error)") }
    }

    /// What the hub has this node do in a container. Who asked for it is in the hub's log.
    func keepRelayed(_ request: StreamRequest) async throws(Refusal) {
        let verb: Verb =
            switch request.purpose {
            case .logs: .logs
            case .exec: .exec
            }
        try await audit.keep(
            AuditAct(
                who: "hub", action: verb.rawValue,
                target: "Instance/\(request.container.instance)",
                reasons: ["control-link"], note: request.audited),
            .atOnce, in: auditCircumstances, to: writer)
    }

    var auditCircumstances: AuditLog.Circumstances {
        let now = SystemClock.now()
        return machine.withLock { agent in
            let here = agent.circumstances(at: now)
            return AuditLog.Circumstances(
                staleness: here.staleness, policyAge: here.policyAge,
                mode: agent.link.isUp ? .online : .offline)
        }
    }
}

extension AuditAct {
    fileprivate static func start(of log: String) -> AuditAct {
        AuditAct(who: log, action: "start", target: log, note: "skerry \(Version.text)")
    }
}

extension HubBackend {
    func record(_ act: AuditAct, _ auditing: Auditing) async throws(Refusal) {
        defer { host.observers.notify() }
        var act = act
        if act.who == AuditAct.stranger {
            let now = SystemClock.now().monotonic
            guard let skipped = host.strangers.admit(at: now) else { return }
            if skipped > 0 { act.note = "\(act.note ?? ""); \(skipped) more were refused before" }
        }
        try await host.audit.keep(act, auditing, to: host.writer)
    }

    func audit(from index: UInt64?, limit: Int) async throws(Refusal) -> AuditPage {
        try host.auditReading.page(from: index, limit: limit, at: SystemClock.now().wall)
    }

    func auditVerdict() async throws(Refusal) -> AuditVerdict { try host.auditReading.checked() }

    func auditProof(of index: UInt64) async throws(Refusal) -> AuditProof {
        let found: (number: UInt64, checkpoint: AuditCheckpoint)?
        do {
            found = try host.store.auditLeaf(of: host.audit.name, behind: index)
        } catch {
            throw Refusal(.unavailable, "the hub's log of checkpoints cannot be read: \(error)")
        }
        var proof = try host.auditReading.proved(index, upTo: found?.checkpoint)
        guard let found,
            let receipt = host.machine.withLock({
                $0.auditReceipt(leaf: found.number, index: found.checkpoint.index)
            })
        else { return proof }
        proof.receipt = host.signed(receipt)
        proof.witnessed = found.checkpoint
        return proof
    }
}

extension AgentBackend {
    func record(_ act: AuditAct, _ auditing: Auditing) async throws(Refusal) {
        defer { host.observers.notify() }
        try await host.audit.keep(act, auditing, in: host.auditCircumstances, to: host.writer)
    }

    func audit(from index: UInt64?, limit: Int) async throws(Refusal) -> AuditPage {
        try host.auditReading.page(from: index, limit: limit, at: SystemClock.now().wall)
    }

    func auditVerdict() async throws(Refusal) -> AuditVerdict {
        let key = host.audit.key.verifier.text
        let testimonies = await host.seat?.mesh.witnessed(by: key) ?? []
        return try host.auditReading.checked(
            witnessed: host.auditWitnessed?.checkpoint, testimonies)
    }

    func auditProof(of index: UInt64) async throws(Refusal) -> AuditProof {
        let seen = host.auditWitnessed
        var proof = try host.auditReading.proved(index, upTo: seen?.checkpoint)
        guard let seen, seen.checkpoint.index >= index else { return proof }
        proof.receipt = seen.receipt
        proof.witnessed = seen.checkpoint
        return proof
    }
}
