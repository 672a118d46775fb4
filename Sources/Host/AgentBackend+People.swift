import Machines
import Management
import Model
import Synchronization
import Trust

/// A node knows nobody but its console: people and their tokens are the hub's.
extension AgentBackend {
    private var elsewhere: Refusal {
        Refusal(.invalid, "tokens of people are made, listed and revoked at the hub")
    }

    func note(_ record: AccessRecord) async {
        host.access.note(record)
        // Told as an event, which goes to the hub as well: twice on record, out of one hand's reach.
        guard record.report.reasons == [DecisionPoint.brokenGlassID],
            ![.get, .logs, .breakGlass].contains(record.verb)
        else { return }
        host.mailbox.yield(
            .actedUnderGlass("\(record.verb.rawValue) \(record.target)"))
    }
    func records(of request: String) async -> [AccessRecord] {
        host.access.records(of: request)
    }
    func excerpts(of ids: [String]) async -> [PolicyExcerpt] {
        host.machine.withLock { agent in
            host.access.point(isCurrent: agent.isCurrent, make: agent.accessPoint)
        }.excerpts(of: ids)
    }

    func bearer(of token: String) async throws(Refusal) -> Requester {
        throw Refusal(.unauthenticated, "a node takes no tokens; ask its hub")
    }

    func objection(to requester: Requester) async -> Refusal? { nil }

    func userToken(_ id: String) async -> UserToken? { nil }
    func userTokens() async throws(Refusal) -> UserTokenList { throw elsewhere }

    func vouch(
        for user: String, validFor: Duration, by requester: Requester
    ) async throws(Refusal) -> IssuedUserToken { throw elsewhere }

    func revokeToken(_ id: String, by requester: Requester) async throws(Refusal) -> UserToken {
        throw elsewhere
    }
}

/// When policy itself is in the way.
extension AgentBackend {
    func breakGlass(reason: String, validFor: Duration) async throws(Refusal) -> WallTime {
        guard
            case .glassBroken(let end) = try await host.carryOut(
                .breakGlass(reason: reason, life: validFor))
        else { preconditionFailure("breaking the glass is answered with its end or a refusal") }
        return end
    }
}
