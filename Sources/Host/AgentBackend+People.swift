import Management
import Model

/// A node knows nobody but its console: people and their tokens are the hub's.
extension AgentBackend {
    private var elsewhere: Refusal {
        Refusal(.invalid, "tokens of people are made, listed and revoked at the hub")
    }

    func bearer(of token: String) async throws(Refusal) -> Requester {
        throw Refusal(.unauthenticated, "a node takes no tokens; ask its hub")
    }

    func userToken(_ id: String) async -> UserToken? { nil }
    func userTokens() async throws(Refusal) -> UserTokenList { throw elsewhere }

    func vouch(
        for user: String, validFor: Duration, by requester: Requester
    ) async throws(Refusal) -> IssuedUserToken { throw elsewhere }

    func revokeToken(_ id: String, by requester: Requester) async throws(Refusal) -> UserToken {
        throw elsewhere
    }
}
