import Authority
import Containers
import Machines
import Model

/// What the agent asks of its engine, and what it is told in return.
extension AgentHost {
    /// Carries out one effect on the engine; nil for an effect on something else.
    func ask(_ effect: Agent.Effect) async -> Agent.EngineReport? {
        switch effect {
        case .list: return await list()
        case .carryOut(let order): return await carryOut(order)
        case .probe(let id, let target, let timeout):
            return .probed(id, await engine.probe(id.container, target, timeout: timeout))
        case .persist, .wake, .connect, .disconnect, .send, .measure, .reply, .halted, .issue,
            .redial, .succeed, .hangUp, .askAuthority, .install, .keepKeys, .keepRoster,
            .keepRevocations, .attest, .audit, .announce, .fetch, .register:
            return nil
        }
    }

    private func carryOut(_ order: Order) async -> Agent.EngineReport? {
        switch order.act {
        case .pull(let id, let image): await pull(image, for: id)
        case .start(let request): await start(request)
        case .stop(let id, let grace): await stop(id, grace: grace)
        case .place, .change: nil
        }
    }

    func report(of event: EngineEvent) -> Agent.EngineReport {
        switch event {
        case .exited(let id, let handle, let exit): .exited(id, handle: handle, exit)
        case .unavailable(let failure): .unavailable(failure)
        case .available: .available
        }
    }

    private func list() async -> Agent.EngineReport {
        do {
            let containers = try await engine.list()
            Failpoint.reach("agent.list.after")
            await identities.adopt(containers)
            return .listed(containers, await engine.status())
        } catch {
            return .unavailable(error)
        }
    }

    private func pull(_ image: String, for id: ContainerID) async -> Agent.EngineReport {
        do {
            try await engine.pull(image)
            return .pulled(id)
        } catch {
            return .pullFailed(id, error)
        }
    }

    private func start(_ request: StartRequest) async -> Agent.EngineReport {
        do {
            Failpoint.reach("agent.start.before")
            let container = try await engine.start(
                await identities.prepared(try secrets.opened(request)))
            Failpoint.reach("agent.start.after")
            return .started(container)
        } catch {
            return .startFailed(request.id, error)
        }
    }

    private func stop(_ id: ContainerID, grace: Duration) async -> Agent.EngineReport {
        do {
            Failpoint.reach("agent.stop.before")
            try await engine.stop(id, grace: grace)
            Failpoint.reach("agent.stop.after")
            identities.forget(id)
            try rooms.clear(id)
            return .stopped(id)
        } catch {
            return .stopFailed(id, error)
        }
    }
}
