import Management
import Model
import NIOHTTP1
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct IdentityTests {
    @Test func `who answers a machine that asks must be able to enrol at its site`() async throws {
        let fleet = Fleet([])
        try await withSocket(fleet) { client in
            fleet.rule { _, verb, target in verb != .enrol || target.sites == ["urban"] }
            let refused = try await client.send(
                .POST, "/api/v1/pending/n1", try json(PendingAnswer(isApproved: true)))
            #expect(refused.status == 403)
            #expect(fleet.identityRequests.withLock { $0 } == [])

            fleet.rule { _, verb, target in verb != .enrol || target.sites == ["rural"] }
            let moved = try await client.send(
                .POST, "/api/v1/pending/n1",
                try json(PendingAnswer(isApproved: true, site: "urban")))
            #expect(moved.status == 403)
            let answer = try await client.send(
                .POST, "/api/v1/pending/n1", try json(PendingAnswer(isApproved: true)))
            #expect(answer.status == 200)
            #expect(fleet.identityRequests.withLock { $0 } == ["the local console n1 true"])
        }
    }

    @Test func `a name that nobody asks for is not found, and only by who may enrol anywhere`()
        async throws
    {
        let fleet = Fleet([])
        try await withSocket(fleet) { client in
            let body = try json(PendingAnswer(isApproved: false))
            #expect(try await client.send(.POST, "/api/v1/pending/n9", body).status == 404)
            fleet.rule { _, verb, _ in verb != .enrol }
            #expect(try await client.send(.POST, "/api/v1/pending/n9", body).status == 403)
        }
    }

    @Test func `each identity is revoked by who may revoke that one, or none of them is`()
        async throws
    {
        let fleet = Fleet([node("n1", site: "rural"), node("n2", site: "urban")])
        try await withSocket(fleet) { client in
            fleet.rule { _, verb, target in verb != .revoke || target.sites == ["rural"] }
            let one = try json(RevocationRequest(subjects: ["node/n1"], reason: "lost"))
            let two = try json(RevocationRequest(subjects: ["node/n1", "node/n2"], reason: "lost"))
            let user = try json(RevocationRequest(subjects: ["user/ann"], reason: "left"))
            #expect(try await client.send(.POST, "/api/v1/revocations", two).status == 403)
            #expect(try await client.send(.POST, "/api/v1/revocations", user).status == 403)
            #expect(fleet.identityRequests.withLock { $0 } == [])
            #expect(try await client.send(.POST, "/api/v1/revocations", one).status == 200)
            #expect(fleet.identityRequests.withLock { $0 } == ["the local console revokes node/n1"])
        }
    }
}
