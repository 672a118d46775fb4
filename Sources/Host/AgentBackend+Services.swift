import Authority
import Machines
import Management
import Model
import Synchronization
import Trust

extension AgentBackend {
    /// Denied is what no policy permits: a service that asks has chosen to be guarded.
    func decide(_ question: ServiceQuestion) async throws(Refusal) -> AccessReport {
        let site = host.identity.enrolment.site
        let principal: Principal =
            switch question.principal {
            case .workload(let id): .workload(id, site: site)
            case .node(let node): .node(node, site: site)
            case .user(let name): .user(name)
            }
        return host.decide(
            principal, question.action, question.kind, question.name, question.context, by: .socket
        ).report
    }
}

extension AgentHost {
    /// Whether somebody may do something with a thing of this site, by what holds here at this moment.
    func decide(
        _ principal: Principal, _ verb: Verb, _ kind: Kind, _ name: String,
        _ request: [String: Fact], by credential: Credential
    ) -> (report: AccessReport, target: AccessTarget) {
        let moment = SystemClock.now()
        let (point, here, site, workload) = machine.withLock { agent in
            (
                access.point(isCurrent: agent.isCurrent, make: agent.accessPoint),
                agent.circumstances(at: moment), agent.configuration.site,
                agent.workloads.first { kind == .workload && $0.metadata.name == name }
            )
        }
        var target = AccessTarget(kind, name, sites: [site])
        if let workload {
            target.tier = workload.spec.tier
            target.demands = AccessTarget.Demands(workload.spec.containers)
        }
        let report = point.decide(
            principal, verb, target,
            in: .init(
                staleness: here.staleness, policyAge: here.policyAge,
                issuance: here.reach == .hub ? .online : .offline, credential: credential,
                request: request))
        return (report, target)
    }

    /// Answers services beside the console, until the task is cancelled. A node does not stop working for
    /// want of it.
    func serveQuestions() async {
        let path = settings.questionSocket
        do {
            let server = ManagementServer(
                backend: AgentBackend(host: self), listener: .unixSocket(path: path),
                limits: .services, surface: .services)
            try await server.run { _ in }
        } catch {
            log("services on this node cannot ask what is permitted: \(error)")
        }
        // Whatever of the agent ends first ends the agent, and this is not to.
        let (never, hold) = AsyncStream.makeStream(of: Never.self)
        for await _ in never {}
        hold.finish()
    }
}

extension AgentSettings {
    /// `agent.sock` and `agent.ask.sock`.
    var questionSocket: String {
        let base = socket.hasSuffix(".sock") ? String(socket.dropLast(5)) : socket
        return base + ".ask.sock"
    }
}
