import Foundation
import Management
import Model
import NIOHTTP1
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct AuditRouteTests {
    private func body(applying objects: [Object]) throws -> String {
        struct Body: Encodable { var objects: [Object] }
        return try json(Body(objects: objects))
    }

    @Test func `plain reading is not kept, changes are, and each answer names its record`()
        async throws
    {
        let fleet = Fleet([node("n1"), site("rural")])
        let apply = try body(applying: [workload("w")])
        try await withSocket(fleet) { client in
            for path in ["/api/v1/nodes", "/api/v1/nodes/n1", "/api/v1/info", "/api/v1/audit"] {
                let answer = try await client.get(path)
                #expect(answer.status == 200)
            }
            #expect(fleet.records.withLock { $0.isEmpty })

            let answer = try await client.send(.POST, "/api/v1/apply", apply)
            #expect(answer.status == 200)
            let rehearsal = try await client.send(.POST, "/api/v1/apply?dryRun=true", apply)
            #expect(rehearsal.status == 200)
            let token = try await client.send(
                .POST, "/api/v1/tokens", #"{"site": "rural", "validFor": "1m"}"#)
            #expect(token.status == 200)

            let records = fleet.records.withLock { $0 }
            // What it becomes; then what it is there by then as well.
            #expect(records.map(\.act.action) == ["apply", "apply", "apply", "enrol"])
            #expect(records[0].act.who == "console/local")
            #expect(records[0].act.target == "Workload/w")
            #expect(records[0].act.decision == .allow)
            #expect(records[0].act.reasons == ["test/yes"])
            #expect(records[0].act.request == answer.headers.first(name: "x-request-id"))
            #expect(records[1].act.note == "dry run")
            guard case .recorded = records[0].auditing, case .atOnce = records[3].auditing else {
                Issue.record("a token is durable before it is handed out")
                return
            }
        }
    }

    @Test func `a watch from record 0 of a log without records goes on`() async throws {
        try await withSocket(Fleet(), limits: .tight) { client in
            var events = EventReader(
                try await client.open(.GET, "/api/v1/audit?from=0&limit=0&watch=true"))
            let first = try await events.next()
            #expect(first != nil)
            let health = try await client.get("/healthz")
            #expect(health.status == 200)
        }
    }

    @Test func `a refusal is kept before it is said, whatever was asked`() async throws {
        let fleet = Fleet([node("n1"), site("rural")])
        fleet.rule { _, _, _ in false }
        try await withSocket(fleet) { client in
            for (method, path) in [
                (HTTPMethod.GET, "/api/v1/nodes"), (.GET, "/api/v1/nodes/n1"),
                (.DELETE, "/api/v1/nodes/n1"), (.GET, "/metrics"), (.GET, "/api/v1/audit"),
            ] {
                fleet.records.withLock { $0 = [] }
                let answer = try await client.send(method, path)
                #expect(answer.status == 403)
                let records = fleet.records.withLock { $0 }
                #expect(records.map(\.act.decision) == [.deny], "\(method) \(path)")
                #expect(records.first?.act.reasons == ["test/no"], "\(method) \(path)")
                guard case .atOnce? = records.first?.auditing else {
                    Issue.record("\(method) \(path) was refused before it was kept")
                    continue
                }
            }
        }
    }

    @Test func `nothing is changed that cannot be kept`() async throws {
        let fleet = Fleet([workload("w")])
        fleet.keepsRecords.withLock { $0 = false }
        try await withSocket(fleet) { client in
            let answer = try await client.send(.DELETE, "/api/v1/workloads/w")
            #expect(answer.status == 503)
            #expect(await fleet.list(.workload).items.count == 1)
        }
    }

    @Test func `records are shown from where one asks, and wrong questions are refused`()
        async throws
    {
        let fleet = Fleet([workload("w")])
        try await withSocket(fleet) { client in
            for _ in 1...5 {
                _ = try await client.send(.POST, "/api/v1/apply", try body(applying: []))
                _ = try await client.send(.DELETE, "/api/v1/workloads/none")
            }
            let newest = try await client.get("/api/v1/audit?limit=2").decoded(AuditPage.self)
            #expect(newest.items.map(\.index) == [4, 5])
            let some = try await client.get("/api/v1/audit?from=2&limit=2").decoded(AuditPage.self)
            #expect(some.items.map(\.index) == [2, 3])
            for query in ["from=x", "limit=-1", "form=2", "watch=yes"] {
                let answer = try await client.get("/api/v1/audit?\(query)")
                #expect(answer.status == 400)
            }
            let verdict = try await client.get("/api/v1/audit/verdict")
            #expect(try verdict.decoded(AuditVerdict.self).fault?.kind == .truncated)
        }
    }
}
