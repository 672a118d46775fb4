import AsyncHTTPClient
import Foundation
import Management
import Model
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// What waits for another person's yes, over HTTP.
@Suite(.timeLimit(.minutes(1))) struct ApprovalRouteTests {
    /// Bob and Cat may delete once somebody approved; Ann and Bob may approve what is not their own.
    private func fleet() -> Fleet {
        let fleet = Fleet([workload("w"), node("n1")])
        fleet.bearers.withLock { $0 = ["ann": "ann", "bob": "bob", "cat": "cat", "eve": "eve"] }
        fleet.rule { who, verb, target in
            switch verb {
            case .status: true
            case .get: who != .user("eve")
            case .delete: [.user("bob"), .user("cat")].contains(who) && target.isApproved
            case .approve:
                [.user("ann"), .user("bob")].contains(who) && target.requestedBy != who
            default: false
            }
        }
        return fleet
    }

    private func asking(
        _ fleet: Fleet, _ body: @escaping @Sendable (Client) async throws -> Void
    ) async throws {
        let authority = try Authority()
        try await serving(fleet, on: try authority.listener()) { port in
            try await authority.client(port, nil) { try await body($0) }
        }
    }

    private func by(_ user: String) -> HTTPHeaders { ["Authorization": "Bearer \(user)"] }

    private static let yes = #"{"isApproved":true}"#
    private static let no = #"{"isApproved":false,"note":"wait"}"#

    @Test func `what needs an approval is not done but waits, and its yes does it`() async throws {
        let fleet = fleet()
        try await asking(fleet) { client in
            let asked = try await client.send(
                .DELETE, "/api/v1/workloads/w", nil, headers: by("bob"))
            #expect(asked.status == 202)
            let approval = try asked.decoded(Approval.self)
            #expect(approval.requestedBy == "bob" && approval.state == .waiting)
            #expect(await fleet.list(.workload).items.count == 1)
            let refused = try #require(fleet.records.withLock { $0.last?.act })
            #expect(refused.decision == .deny && refused.note == "waits for approval/a1")

            // Not by who asked, by who may not, or by nobody.
            for who in ["bob", "cat", "eve"] {
                let answer = try await client.send(
                    .POST, "/api/v1/approvals/a1", Self.yes, headers: by(who))
                #expect(answer.status == 403, "\(who)")
            }
            let answer = try await client.send(
                .POST, "/api/v1/approvals/a1", Self.yes, headers: by("ann"))
            #expect(answer.status == 200)
            #expect(try answer.decoded(Approval.self).answeredBy == "ann")
            let acts = fleet.records.withLock { $0.suffix(2).map(\.act) }
            #expect(acts.map(\.who) == ["user/ann", "user/bob"])
            #expect(acts.map(\.action) == ["approve", "delete"])
            #expect(acts.map(\.approval) == ["a1", "a1 by user/ann"])
            #expect(acts.allSatisfy { $0.decision == .allow })
        }
    }

    @Test func `a grave change, more revocations than one hand may, and the end of roots wait`()
        async throws
    {
        guard case .workload(var mounted) = workload("shop") else { return }
        mounted.spec.containers[0].mounts = [Mount(source: "/data", target: "/data")]
        let shop = mounted
        let fleet = Fleet([workload("w"), node("n1"), .workload(shop)])
        fleet.bearers.withLock { $0 = ["ann": "ann", "bob": "bob"] }
        fleet.rule { who, verb, target in
            switch verb {
            case .apply, .revoke: who == .user("bob") && (!target.isGrave || target.isApproved)
            case .approve: who == .user("ann")
            default: true
            }
        }
        let warrant = #","warrant":{"key":"k","payload":["x"],"signature":"00"}}"#
        try await asking(fleet) { [shop] client in
            let asked = try await client.send(
                .POST, "/api/v1/roots/retire", nil, headers: by("bob"))
            #expect(asked.status == 202)
            #expect(try asked.decoded(Approval.self).act == .retireRoots)
            #expect(fleet.retirements.withLock { $0 } == 0)
            let refused = try await client.send(
                .POST, "/api/v1/roots/retire", nil, headers: by("ann"))
            #expect(refused.status == 403)
            let one = try await client.send(
                .POST, "/api/v1/revocations", #"{"subjects":["node/n1"],"reason":"x"}"#,
                headers: by("bob"))
            #expect(one.status == 200)
            let many = try await client.send(
                .POST, "/api/v1/revocations", #"{"subjects":["node/n1"],"reason":"x""# + warrant,
                headers: by("bob"))
            #expect(many.status == 202)
            #expect(try many.decoded(Approval.self).what == "revoke node/n1")

            // The same object without what it wrote to.
            try await client.checkApply(shop, by("bob"))
        }
    }

    @Test func `who asked may take it back, and need not be able to approve for that`() async throws
    {
        let fleet = fleet()
        try await asking(fleet) { client in
            _ = try await client.send(.DELETE, "/api/v1/workloads/w", nil, headers: by("cat"))
            let other = try await client.send(
                .POST, "/api/v1/approvals/a1", Self.no, headers: by("eve"))
            #expect(other.status == 403)
            let own = try await client.send(
                .POST, "/api/v1/approvals/a1", Self.no, headers: by("cat"))
            #expect(own.status == 200)
        }
    }

    @Test func `nothing is done for who may not any more when it is approved`() async throws {
        let fleet = fleet()
        try await asking(fleet) { client in
            _ = try await client.send(.DELETE, "/api/v1/workloads/w", nil, headers: by("cat"))
            fleet.rule { who, verb, _ in verb == .approve && who == .user("ann") }
            let answer = try await client.send(
                .POST, "/api/v1/approvals/a1", Self.yes, headers: by("ann"))
            #expect(answer.status == 409)
            #expect(fleet.approvalList.withLock { $0[0].state } == .waiting)
        }
    }

    @Test func `nothing is done that cannot be kept in the audit log`() async throws {
        let fleet = fleet()
        try await asking(fleet) { client in
            _ = try await client.send(.DELETE, "/api/v1/workloads/w", nil, headers: by("cat"))
            fleet.keepsRecords.withLock { $0 = false }
            let answer = try await client.send(
                .POST, "/api/v1/approvals/a1", Self.yes, headers: by("ann"))
            #expect(answer.status == 503)
            #expect(fleet.approvalList.withLock { $0[0].state } == .waiting)
        }
    }

    @Test func `the list shows what one may see, and one's own`() async throws {
        let fleet = fleet()
        try await asking(fleet) { client in
            _ = try await client.send(.DELETE, "/api/v1/workloads/w", nil, headers: by("bob"))
            for (who, count) in [("ann", 1), ("bob", 1), ("eve", 0)] {
                let list = try await client.send(
                    .GET, "/api/v1/approvals", nil, headers: by(who)
                ).decoded(ApprovalList.self)
                #expect(list.items.count == count, "\(who)")
            }
        }
    }

    @Test func `removing a node where something writes counts as what could lose data`()
        async throws
    {
        guard case .workload(var writing) = workload("w") else { return }
        writing.spec.containers[0].mounts = [Mount(source: "/data", target: "/data")]
        let fleet = Fleet([.workload(writing), node("n1"), node("n2"), instance("w", on: "n1")])
        let kept = Mutex<[String: Bool]>([:])
        fleet.rule { _, verb, target in
            if verb == .delete { kept.withLock { $0[target.reference] = target.keepsData } }
            return verb != .delete
        }
        try await withSocket(fleet) { client in
            for path in ["nodes/n1", "nodes/n2", "workloads/w"] {
                _ = try await client.send(.DELETE, "/api/v1/\(path)")
            }
        }
        #expect(
            kept.withLock { $0 } == ["Node/n1": true, "Node/n2": false, "Workload/w": true])
    }
}

extension Client {
    /// Alone it waits, with others nothing of it is done, and a trial loses nothing.
    fileprivate func checkApply(_ shop: Workload, _ headers: HTTPHeaders) async throws {
        func body(_ objects: [Object]) throws -> String {
            let data = try JSONEncoder().encode(["objects": objects])
            return String(decoding: data, as: UTF8.self)
        }
        let less = workload("shop")
        let alone = try await send(.POST, "/api/v1/apply", try body([less]), headers: headers)
        #expect(alone.status == 202)
        #expect(try alone.decoded(Approval.self).act == .apply(less))
        let both = try await send(
            .POST, "/api/v1/apply", try body([less, workload("w")]), headers: headers)
        #expect(both.status == 409)
        let trial = try await send(
            .POST, "/api/v1/apply?dryRun=true", try body([less]), headers: headers)
        #expect(trial.status == 200)
        let same = try await send(
            .POST, "/api/v1/apply", try body([.workload(shop)]), headers: headers)
        #expect(same.status == 200)
    }
}
