import Audit
import Authority
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

extension AuditReading {
    func page(from index: UInt64?, limit: Int, at now: WallTime) throws(Refusal) -> AuditPage {
        do {
            return AuditPage(log: log, items: try page(from: index, limit: limit), asOf: now)
        } catch {
            throw AuditReading.refusal(error)
        }
    }

    func checked() throws(Refusal) -> AuditVerdict {
        do {
            return try verdict()
        } catch {
            throw AuditReading.refusal(error)
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
        try await host.audit.keep(act, auditing, to: host.writer)
    }

    func audit(from index: UInt64?, limit: Int) async throws(Refusal) -> AuditPage {
        try host.auditReading.page(from: index, limit: limit, at: SystemClock.now().wall)
    }

    func auditVerdict() async throws(Refusal) -> AuditVerdict { try host.auditReading.checked() }
}

extension AgentBackend {
    func record(_ act: AuditAct, _ auditing: Auditing) async throws(Refusal) {
        defer { host.observers.notify() }
        try await host.audit.keep(act, auditing, in: host.auditCircumstances, to: host.writer)
    }

    func audit(from index: UInt64?, limit: Int) async throws(Refusal) -> AuditPage {
        try host.auditReading.page(from: index, limit: limit, at: SystemClock.now().wall)
    }

    func auditVerdict() async throws(Refusal) -> AuditVerdict { try host.auditReading.checked() }
}
