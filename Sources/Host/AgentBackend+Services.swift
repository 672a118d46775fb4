import Authority
import Machines
import Management
import Model
import Synchronization
import Trust

extension AgentBackend {
    /// Denied is what no policy permits: a service that asks has chosen to be guarded.
    func decide(_ question: ServiceQuestion) async throws(Refusal) -> AccessReport {
        let moment = SystemClock.now()
        let (point, here, site, workload) = host.machine.withLock { agent in
            (
                host.access.point(isCurrent: agent.isCurrent, make: agent.accessPoint),
                agent.circumstances(at: moment), agent.configuration.site,
                agent.workloads.first {
                    question.kind == .workload && $0.metadata.name == question.name
                }
            )
        }
        let principal: Principal =
            switch question.principal {
            case .workload(let id): .workload(id, site: site)
            case .node(let node): .node(node, site: site)
            case .user(let name): .user(name)
            }
        var target = AccessTarget(question.kind, question.name, sites: [site])
        if let workload {
            target.tier = workload.spec.tier
            target.demands = AccessTarget.Demands(workload.spec.containers)
        }
        return point.decide(
            principal, question.action, target,
            in: .init(
                staleness: here.staleness, policyAge: here.policyAge,
                issuance: here.reach == .hub ? .online : .offline, credential: .socket,
                request: question.context))
    }
}

extension AgentHost {
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
