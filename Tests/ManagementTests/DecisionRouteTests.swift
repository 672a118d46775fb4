import Foundation
import Management
import Model
import NIOHTTP1
import Testing

@Suite struct DecisionRouteTests {
    private func decision(_ number: UInt64, _ workload: WorkloadID) -> Decision {
        Decision(
            id: DecisionID(origin: "", number: number), at: WallTime(milliseconds: 1_000),
            site: "rural", domain: .placement, action: .place, subject: .workload(workload),
            tier: .critical, basis: .intent, cause: .applied, passed: true,
            ruling: Ruling(.permit, by: .central), staleness: .fresh, reach: .hub,
            policyVersion: 1, policyAge: .seconds(0))
    }

    @Test func `decisions can be asked for by what they are about`() async throws {
        let fleet = Fleet()
        fleet.record(decision(1, "shop"))
        fleet.record(decision(2, "till"))
        try await withSocket(fleet) { client in
            let answer = try await client.get("/api/v1/decisions?about=Workload/till")
            #expect(try answer.decoded(DecisionList.self).items.map(\.id.number) == [2])
        }
    }

    @Test func `a filter that cannot be read is refused`() async throws {
        try await withSocket(Fleet()) { client in
            let answer = try await client.get("/api/v1/decisions?about=Site/rural")
            #expect(answer.status == 400)
        }
    }

    @Test func `a watch of decisions begins with the newest and goes on with new ones`()
        async throws
    {
        let fleet = Fleet()
        fleet.record(decision(1, "shop"))
        fleet.record(decision(2, "shop"))
        try await withSocket(fleet, limits: .brisk) { client in
            let path = "/api/v1/decisions?limit=1&watch=true"
            var events = EventReader(try await client.open(.GET, path))
            #expect(try number(in: try await events.nextEvent()) == 2)
            fleet.record(decision(3, "shop"))
            #expect(try number(in: try await events.nextEvent()) == 3)
        }
    }

    @Test func `authority is told of a site that is known, and 404 of another`() async throws {
        try await withSocket(Fleet()) { client in
            let answer = try await client.get("/api/v1/authority/rural")
            #expect(try answer.decoded(AuthorityReport.self).nodes.map(\.node) == ["rural-1"])
            #expect(try await client.get("/api/v1/authority/nowhere").status == 404)
        }
    }

    private func number(in message: EventReader.Message?) throws -> UInt64 {
        let message = try #require(message)
        #expect(message.event == "decision")
        return try JSONDecoder().decode(Decision.self, from: Data(message.data.utf8)).id.number
    }
}
