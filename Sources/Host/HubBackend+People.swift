import Machines
import Management
import Model
import Synchronization
import Tokens
import Trust

extension HubBackend {
    /// Says who may do what by the policies that the hub holds at this moment.
    var point: DecisionPoint {
        var isNew = false
        let point = host.machine.withLock { hub in
            host.access.point(isCurrent: hub.isCurrent) {
                isNew = true
                return hub.accessPoint()
            }
        }
        if isNew { host.remember(point) }
        return point
    }

    func note(_ record: AccessRecord) async { host.access.note(record) }
    func records(of request: String) async -> [AccessRecord] {
        host.access.records(of: request)
    }
    func excerpts(of ids: [String]) async -> [PolicyExcerpt] { point.excerpts(of: ids) }

    func bearer(of text: String) async throws(Refusal) -> Requester {
        let claims: TokenPress.Claims
        do {
            claims = try await host.tokens.read(text)
        } catch {
            throw Refusal(
                .unauthenticated, "the token is not good: \(error); log in with another one")
        }
        let now = host.identity.time.now
        // The text only says what was true when it was made; the record says what holds.
        guard let token = await userToken(claims.id), token.user == claims.user else {
            throw Refusal(
                .unauthenticated,
                "the token \(claims.id) is not known to this hub; log in with another one")
        }
        if let fault = token.fault(at: now) {
            throw Refusal(
                .unauthenticated,
                "the token \(claims.id) is not good: \(fault); ask for another one and use it "
                    + "with: skerry login")
        }
        return Requester(.user(token.user), by: .token(id: token.id))
    }

    func objection(to requester: Requester) async -> Refusal? {
        guard case .token(let id) = requester.credential else { return nil }
        guard let token = await userToken(id) else {
            return Refusal(.unauthenticated, "the token \(id) is not known any more")
        }
        return token.fault(at: host.identity.time.now).map {
            Refusal(.unauthenticated, "the token \(id) is not good any more: \($0)")
        }
    }

    func userToken(_ id: String) async -> UserToken? {
        host.machine.withLock { $0.userToken(id) }
    }

    func userTokens() async throws(Refusal) -> UserTokenList {
        UserTokenList(
            items: host.machine.withLock(\.peopleTokens), asOf: host.identity.time.now)
    }

    func vouch(
        for user: String, validFor: Duration, by requester: Requester
    ) async throws(Refusal) -> IssuedUserToken {
        let now = host.identity.time.now
        let token = UserToken(
            id: TokenKey.newID(), user: user, issuedBy: requester.name, issuedAt: now,
            expiresAt: now + validFor)
        let text: String
        do {
            text = try await host.tokens.text(of: token)
        } catch {
            throw Refusal(.unavailable, "\(error)")
        }
        _ = try await host.carryOut(.vouch(token))
        return IssuedUserToken(text: text, token: token)
    }

    func revokeToken(_ id: String, by requester: Requester) async throws(Refusal) -> UserToken {
        guard
            case .revoked(let token) = try await host.carryOut(
                .revokeToken(id: id, by: requester.name))
        else { preconditionFailure("a revocation is answered with the token or a refusal") }
        return token
    }
}

extension HubBackend {
    func breakGlass(reason: String, validFor: Duration) async throws(Refusal) -> WallTime {
        throw Refusal(
            .invalid,
            "glass is broken at the console of a node: skerry --context local break-glass")
    }
}

extension HubBackend {
    func decide(_ question: ServiceQuestion) async throws(Refusal) -> AccessReport {
        throw Refusal(.invalid, "services ask the node that they run on")
    }
}
