import Machines
import Model
import Synchronization
import Transport
import Trust

/// Ports in front of workloads that ask for them: TLS with the workload's identity, and the decision point of
/// this node, with or without a hub.
extension AgentHost {
    /// Keeps as many open as there should be, until the task is cancelled. One that cannot be opened is told
    /// of and tried again; it stops nothing that runs.
    func serveFronts() async {
        let signals = observers.changes()
        await withDiscardingTaskGroup { group in
            var open: [Front: FrontPort] = [:]
            var troubles: [Front: String] = [:]
            var roots = identity.credentials.trustRoots
            for await _ in signals {
                let wanted = machine.withLock { $0.fronts(at: SystemClock.now().wall) }
                // Whom a port trusts is settled when it is opened.
                let isRolled = roots != identity.credentials.trustRoots
                roots = identity.credentials.trustRoots
                for (front, port) in open where isRolled || !wanted.contains(front) {
                    port.close()
                    open[front] = nil
                }
                for front in wanted where open[front] == nil {
                    do {
                        let port = try await self.open(front)
                        open[front] = port
                        troubles[front] = nil
                        group.addTask { await port.run() }
                    } catch {
                        if troubles[front] != "\(error)" {
                            log("port \(front.number) in front of \(front.instance): \(error)")
                        }
                        troubles[front] = "\(error)"
                    }
                }
                troubles = troubles.filter { wanted.contains($0.key) }
            }
            group.cancelAll()
        }
    }

    private func open(_ front: Front) async throws -> FrontPort {
        let credentials = identity.credentials
        let workload = front.instance.workload
        let issue: ShownIdentity.Source = {
            let (identity, end, _) = try credentials.issue(for: workload)
            let begin = credentials.time.now
            return (identity, begin + (end - begin) * 2 / 3)
        }
        let verifier = try PeerVerifier(
            .caller, trustRoots: credentials.trustRoots,
            clock: FleetClock(certain: { credentials.time.now }),
            isRevoked: { [revocations] in revocations.covers($0) })
        return try await FrontPort.open(
            FrontPort.Place(
                host: settings.frontBind, port: front.number, target: front.target),
            identity: try ShownIdentity(now: { credentials.time.now }, source: issue),
            verifier: verifier, now: { credentials.time.now },
            admits: { [weak self] in await self?.admits($0, to: front) ?? false })
    }

    private func admits(_ caller: CallerIdentity, to front: Front) async -> Bool {
        let workload = front.instance.workload
        var facts: [String: Fact] = ["port": .text(front.name)]
        if let node = caller.node { facts["node"] = .text(node.text) }
        let (report, target) = decide(
            caller.principal, .call, .workload, workload.text, facts, by: .certificate)
        guard !report.isAllowed else { return true }
        let moment = SystemClock.now().monotonic
        guard let skipped = strangers.admit(at: moment) else { return false }
        var note = "at port \(front.number)"
        if skipped > 0 { note += "; \(skipped) more were refused before" }
        _ = audit.append(
            AuditAct(
                who: caller.principal.audited, action: Verb.call.rawValue, target: target.audited,
                decision: .deny, reasons: report.reasons, errors: report.errors,
                policies: report.policies, note: note),
            in: auditCircumstances, isUrgent: true, to: writer)
        return false
    }
}
