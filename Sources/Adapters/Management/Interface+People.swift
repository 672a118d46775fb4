import Hummingbird
import Model
import NIOCore

/// Who asks, and the tokens with which people do.
extension Interface {
    static let people: [Route] = [
        Route(
            method: .get, path: "/api/v1/whoami", summary: "Who asks, and by what that is known.",
            access: .status, success: (200, [.json(.named("WhoAmI"))]),
            respond: { try await $0.whoAmI($1) }),
        Route(
            method: .get, path: "/api/v1/usertokens",
            summary: "The tokens of people: one's own, or all for who may revoke them.",
            access: .status, query: paging,
            success: (200, [.json(.named("UserTokenList"))]), refusals: [403, 409],
            respond: { try await $0.userTokens($1) }),
        Route(
            method: .post, path: "/api/v1/usertokens",
            summary: "Makes a token that speaks for a person.", access: .fleet(.vouch),
            body: .json(.named("UserTokenRequest")),
            success: (200, [.json(.named("IssuedUserToken"))]),
            refusals: [403, 409, 413, 422, 503], respond: { try await $0.vouch($1) }),
        Route(
            method: .delete, path: "/api/v1/usertokens/{name}",
            summary: "Ends a token at once: one's own, or any for who may revoke.",
            access: .status, success: (200, [.json(.named("UserToken"))]),
            refusals: [403, 404, 503], respond: { try await $0.revokeToken($1) }),
        Route(
            method: .post, path: "/api/v1/glass",
            summary:
                "Lets the console of this node act as if no policy forbade it, on record, for so"
                + " long at most; for 0s to end that.", access: .fleet(.breakGlass),
            body: .json(.named("GlassRequest")), success: (200, [.json(.named("BrokenGlass"))]),
            refusals: [403, 413, 422, 503], respond: { try await $0.breakGlass($1) }),
    ]

    private func breakGlass(_ call: Call) async throws -> Response {
        let request = try await read(GlassRequest.self, from: call)
        let end = try await backend.breakGlass(
            reason: request.reason, validFor: request.validFor.duration)
        return try .json(GlassAnswer(until: end))
    }

    private func whoAmI(_ call: Call) async throws -> Response {
        let requester = call.requester
        var answer = WhoAmI(user: requester.user, credential: requester.credential.word)
        if case .token(let id) = requester.credential {
            answer.token = id
            answer.expiresAt = await backend.userToken(id)?.expiresAt
        }
        return try .json(answer)
    }

    private func userTokens(_ call: Call) async throws -> Response {
        var list = try await backend.userTokens()
        if !(await backend.access(of: call.requester, .revoke, .fleet).isAllowed) {
            list.items.removeAll { $0.user != call.requester.user }
        }
        return try .json(try page(list, for: call))
    }

    private func vouch(_ call: Call) async throws -> Response {
        let request = try await read(UserTokenRequest.self, from: call)
        return try .json(
            try await backend.vouch(
                for: request.user, validFor: request.validFor.duration, by: call.requester))
    }

    private func revokeToken(_ call: Call) async throws -> Response {
        // Others do not hear which tokens there are.
        let token = await backend.userToken(call.name)
        if call.requester.user == nil || token?.user != call.requester.user {
            try await permit(.revoke, .fleet, to: call)
        }
        return try .json(try await backend.revokeToken(call.name, by: call.requester))
    }
}

struct GlassRequest: Codable {
    var reason: String
    var validFor: Interval
}

struct GlassAnswer: Codable {
    var until: WallTime
}

struct UserTokenRequest: Codable {
    var user: String
    var validFor: Interval
}

extension Requester {
    fileprivate var user: String? {
        if case .user(let name) = principal { name } else { nil }
    }
}
