import AsyncHTTPClient
import Foundation
import Management
import Model
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct TokenRouteTests {
    private func asking(
        _ fleet: Fleet, limits: Limits = .production, by name: String? = nil,
        _ body: @escaping @Sendable (Client) async throws -> Void
    ) async throws {
        let authority = try Authority()
        try await serving(fleet, on: try authority.listener(), limits: limits) { port in
            let identity = try name.map { try authority.issue($0, uri: "skerry:operator/\($0)") }
            try await authority.client(port, identity) { try await body($0) }
        }
    }

    @Test func `a token speaks for its user until it is revoked`() async throws {
        let fleet = Fleet([node("n1")])
        fleet.bearers.withLock { $0["good"] = "ann" }
        try await asking(fleet) { client in
            let ann: HTTPHeaders = ["Authorization": "Bearer good"]
            let list = try await client.send(.GET, "/api/v1/nodes", nil, headers: ann)
            #expect(list.status == 200)
            #expect(fleet.questions.withLock { $0.last } == "user 'ann' get the fleet")
            let who = try await client.send(.GET, "/api/v1/whoami", nil, headers: ann).decoded(
                WhoAmI.self)
            #expect(who == WhoAmI(user: "ann", credential: "token", token: "id-good"))
            fleet.bearers.withLock { $0["good"] = nil }
            let after = try await client.send(.GET, "/api/v1/nodes", nil, headers: ann)
            #expect(after.status == 401)
            #expect(try after.decoded(Refusal.self).code == .unauthenticated)
        }
    }

    @Test func `what flows to a token ends with it`() async throws {
        let fleet = Fleet([node("n1")])
        fleet.bearers.withLock { $0["good"] = "ann" }
        try await asking(fleet, limits: .tight) { client in
            let ann: HTTPHeaders = ["Authorization": "Bearer good"]
            var events = EventReader(
                try await client.open(.GET, "/api/v1/nodes?watch=true", headers: ann))
            #expect(try await events.next()?.event == "list")
            fleet.bearers.withLock { $0 = [:] }
            fleet.put(node("n2"))
            await #expect(throws: (any Error).self) {
                while let message = try await events.next() {
                    #expect(message.event != "changed")
                }
                throw Refusal(.unavailable, "the stream ended")
            }
        }
    }

    @Test func `a shell ends when the role that opened it does`() async throws {
        let fleet = Fleet([workload("w")])
        try await withSocket(fleet, limits: .tight) { client in
            let (input, send) = AsyncStream.makeStream(of: ByteBuffer.self)
            let stream = try await client.stream("log", input)
            #expect(stream.status == .ok)
            fleet.rule { _, _, _ in false }
            fleet.put(node("n1"))
            let body = try await stream.body.collect(upTo: 1 << 20)
            #expect(String(buffer: body).contains("may not exec"))
            send.finish()
        }
    }

    @Test func `a token that is not good is not made good by a certificate`() async throws {
        let fleet = Fleet()
        try await asking(fleet, by: "admin") { client in
            #expect(try await client.get("/api/v1/nodes").status == 200)
            for field in ["Bearer bad", "Bearer", "Basic YWRtaW46", "", "Bearer a b"] {
                let answer = try await client.send(
                    .GET, "/api/v1/nodes", nil, headers: ["Authorization": field])
                #expect(answer.status == 401, "\(field)")
            }
        }
    }

    @Test func `who guesses tokens is made to wait`() async throws {
        let fleet = Fleet()
        fleet.bearers.withLock { $0["good"] = "ann" }
        try await asking(fleet, limits: .tight) { client in
            let bad: HTTPHeaders = ["Authorization": "Bearer bad"]
            for _ in 0..<3 {
                #expect(try await client.send(.GET, "/healthz", nil, headers: bad).status == 401)
            }
            let answer = try await client.send(.GET, "/healthz", nil, headers: bad)
            #expect(answer.status == 429)
            let wait = try #require(answer.headers["Retry-After"].first.flatMap { Int($0) })
            #expect((1...20).contains(wait))
            // Who shares the address has not earned it.
            let good = try await client.send(
                .GET, "/healthz", nil, headers: ["Authorization": "Bearer good"])
            #expect(good.status == 200)
        }
    }

    @Test func `one identity cannot take what is there for all`() async throws {
        var limits = Limits.production
        limits.requestsPerSecond = 1
        limits.requestsBurst = 3
        let fleet = Fleet()
        fleet.bearers.withLock { $0 = ["a": "ann", "b": "bob"] }
        try await asking(fleet, limits: limits) { client in
            var statuses: [Int] = []
            for _ in 0..<20 {
                let answer = try await client.send(
                    .GET, "/healthz", nil, headers: ["Authorization": "Bearer a"])
                statuses.append(answer.status)
                if answer.status == 429 { #expect(answer.headers["Retry-After"] == ["1"]) }
            }
            #expect(statuses.prefix(3) == [200, 200, 200])
            #expect(statuses.contains(429))
            let other = try await client.send(
                .GET, "/healthz", nil, headers: ["Authorization": "Bearer b"])
            #expect(other.status == 200)
        }
    }

    @Test func `one sees and ends one's own tokens, and others with the right to`() async throws {
        let fleet = Fleet()
        let time = WallTime(milliseconds: 0)
        fleet.bearers.withLock { $0 = ["a": "ann", "s": "sam"] }
        fleet.userTokenList.withLock { list in
            list = ["ann", "bob"].map {
                UserToken(
                    id: "of-\($0)", user: $0, issuedBy: "admin", issuedAt: time, expiresAt: time)
            }
        }
        fleet.rule { who, verb, _ in verb == .status || who == .user("sam") }
        try await asking(fleet) { client in
            let ann: HTTPHeaders = ["Authorization": "Bearer a"]
            let sam: HTTPHeaders = ["Authorization": "Bearer s"]
            let own = try await client.send(.GET, "/api/v1/usertokens", nil, headers: ann)
                .decoded(UserTokenList.self)
            #expect(own.items.map(\.id) == ["of-ann"])
            let all = try await client.send(.GET, "/api/v1/usertokens", nil, headers: sam)
                .decoded(UserTokenList.self)
            #expect(all.items.count == 2)
            for (id, status) in [("of-ann", 200), ("of-bob", 403), ("none", 403)] {
                let answer = try await client.send(
                    .DELETE, "/api/v1/usertokens/\(id)", nil, headers: ann)
                #expect(answer.status == status, "\(id)")
            }
            #expect(
                try await client.send(.DELETE, "/api/v1/usertokens/of-bob", nil, headers: sam)
                    .status == 200)
            #expect(
                try await client.send(.DELETE, "/api/v1/usertokens/none", nil, headers: sam).status
                    == 404)
        }
    }
}
