import AsyncHTTPClient
import Foundation
import Management
import Model
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct AccessRouteTests {
    private static func placed(_ name: String, at site: String) -> Object {
        guard case .workload(var workload) = workload(name) else { return node(name) }
        workload.spec.selector = ["site": site]
        return .workload(workload)
    }

    private static func body(applying objects: [Object]) throws -> String {
        struct Body: Encodable { var objects: [Object] }
        return try json(Body(objects: objects))
    }

    /// One request for each route of the document, and what has to be asked before it is answered.
    private static func requests() throws -> [(HTTPMethod, String, String?, question: String)] {
        [
            (.GET, "/", nil, "get the fleet"), (.GET, "/style.css", nil, "status the fleet"),
            (.GET, "/healthz", nil, "status the fleet"), (.GET, "/readyz", nil, "status the fleet"),
            (.GET, "/metrics", nil, "get the fleet"),
            (.GET, "/openapi.json", nil, "status the fleet"),
            (.GET, "/api/v1/info", nil, "status the fleet"),
            (.GET, "/api/v1/whoami", nil, "status the fleet"),
            (.GET, "/api/v1/usertokens", nil, "status the fleet"),
            (
                .POST, "/api/v1/usertokens", #"{"user": "ann", "validFor": "1h"}"#,
                "vouch the fleet"
            ),
            (
                .POST, "/api/v1/glass", #"{"reason": "fire", "validFor": "1h"}"#,
                "breakGlass the fleet"
            ),
            (.DELETE, "/api/v1/usertokens/t1", nil, "status the fleet"),
            (.GET, "/api/v1/events", nil, "get the fleet"),
            (.GET, "/api/v1/decisions", nil, "get the fleet"),
            (.GET, "/api/v1/authority/rural", nil, "get Site/rural at rural"),
            (.GET, "/api/v1/conflicts", nil, "get the fleet"),
            (.GET, "/api/v1/compliance", nil, "get the fleet"),
            (.GET, "/api/v1/mesh", nil, "get the fleet"),
            (.GET, "/api/v1/mesh/holdings", nil, "get the fleet"),
            (.GET, "/api/v1/services", nil, "get the fleet"),
            (.GET, "/api/v1/mesh/traces", nil, "get the fleet"),
            (.GET, "/api/v1/changes", nil, "get the fleet"),
            (.GET, "/api/v1/audit", nil, "review the fleet"),
            (.GET, "/api/v1/audit/verdict", nil, "review the fleet"),
            (.GET, "/api/v1/audit/proof?record=1", nil, "review the fleet"),
            (.GET, "/api/v1/access?verb=get", nil, "status the fleet"),
            (.GET, "/api/v1/access/why?verb=get", nil, "status the fleet"),
            (.GET, "/api/v1/access/requests/0123456789abcdef", nil, "status the fleet"),
            (.GET, "/api/v1/rights", nil, "status the fleet"),
            (.GET, "/api/v1/nodes", nil, "get the fleet"),
            (.GET, "/api/v1/nodes/n1", nil, "get Node/n1 at rural"),
            (.DELETE, "/api/v1/nodes/n1", nil, "delete Node/n1 at rural"),
            (.PATCH, "/api/v1/nodes/n1", #"{"cordon": true}"#, "cordon Node/n1 at rural"),
            (.PATCH, "/api/v1/nodes/n1", #"{"labels": {}}"#, "label Node/n1 at rural"),
            (.PATCH, "/api/v1/nodes/n1", #"{"resolve": "hub"}"#, "resolve Node/n1 at rural"),
            (.POST, "/api/v1/apply", try body(applying: [workload("w")]), "apply Workload/w"),
            (
                .POST, "/api/v1/resolve",
                try json(Resolution(node: "n1", workload: "w", keep: .hub)), "resolve the fleet"
            ),
            (
                .POST, "/api/v1/tokens", #"{"site": "rural", "validFor": "1m"}"#,
                "enrol Site/rural at rural"
            ),
            (.GET, "/api/v1/approvals", nil, "status the fleet"),
            (
                .POST, "/api/v1/approvals/none", try json(ApprovalAnswer(isApproved: true)),
                "approve the fleet"
            ),
            (.GET, "/api/v1/certificates", nil, "get the fleet"),
            (.GET, "/api/v1/pending", nil, "get the fleet"),
            (.GET, "/api/v1/revocations", nil, "get the fleet"),
            (
                .POST, "/api/v1/pending/n1", try json(PendingAnswer(isApproved: true)),
                "enrol Site/rural at rural"
            ),
            (
                .POST, "/api/v1/revocations",
                try json(RevocationRequest(subjects: ["node/n1"], reason: "lost")),
                "revoke Node/n1 at rural"
            ),
            (.POST, "/api/v1/roots/retire", nil, "revoke the fleet"),
        ]
    }

    @Test func `every route asks whether it may before it answers`() async throws {
        let fleet = Fleet([node("n1"), site("rural")])
        fleet.rule { _, _, _ in false }
        try await withSocket(fleet) { client in
            for (method, path, body, question) in try Self.requests() {
                fleet.questions.withLock { $0 = [] }
                let answer = try await client.send(method, path, body)
                #expect(answer.status == 403, "\(method) \(path)")
                #expect(
                    fleet.questions.withLock { $0.first } == "the local console \(question)",
                    "\(method) \(path)")
            }
            let (input, send) = AsyncStream.makeStream(of: ByteBuffer.self)
            send.finish()
            let stream = try await client.stream("main", input)
            #expect(stream.status == .forbidden)
            #expect(
                fleet.questions.withLock { $0.last } == "the local console exec Instance/w-0")
        }
    }

    @Test func `the requests above are all that the document has`() async throws {
        let fleet = Fleet()
        try await withSocket(fleet) { client in
            let document = try JSONSerialization.jsonObject(
                with: Data(try await client.get("/openapi.json").body))
            let paths = (document as? [String: Any])?["paths"] as? [String: [String: Any]]
            let documented = Set(
                (paths ?? [:]).flatMap { path, operations in
                    operations.keys.map { "\($0.uppercased()) \(path)" }
                })
            let asked = Set(
                try Self.requests().map { method, path, _, _ in
                    let path = String(path.prefix { $0 != "?" })
                        .replacingOccurrences(of: "/nodes/n1", with: "/{plural}/{name}")
                        .replacingOccurrences(of: "/pending/n1", with: "/pending/{name}")
                        .replacingOccurrences(of: "/none", with: "/{name}")
                        .replacingOccurrences(of: "/nodes", with: "/{plural}")
                        .replacingOccurrences(of: "/0123456789abcdef", with: "/{request}")
                        .replacingOccurrences(of: "/t1", with: "/{name}")
                        .replacingOccurrences(of: "/rural", with: "/{site}")
                    return "\(method.rawValue) \(path)"
                })
            #expect(documented == asked.union(["POST /api/v1/stream"]))
        }
    }

    @Test func `a refusal names who, what, and the policies that say so`() async throws {
        let fleet = Fleet([workload("w")])
        fleet.rule { _, verb, _ in verb != .delete }
        let authority = try Authority()
        try await serving(fleet, on: try authority.listener()) { port in
            let ann = try authority.issue("ann", uri: "skerry:operator/ann")
            try await authority.client(port, ann) { client in
                let answer = try await client.send(.DELETE, "/api/v1/workloads/w")
                #expect(answer.status == 403)
                let refusal = try answer.decoded(Refusal.self)
                #expect(refusal.code == .denied)
                #expect(
                    refusal.message.hasPrefix(
                        "user 'ann' may not delete Workload/w: test/no forbids it"))
                #expect(await fleet.list(.workload).items.count == 1)
            }
        }
    }

    @Test func `who was refused finds out by which policy, and others do not`() async throws {
        let fleet = Fleet([workload("w")])
        fleet.rule { who, verb, _ in verb == .status || (who == .user("sam") && verb == .review) }
        let authority = try Authority()
        try await serving(fleet, on: try authority.listener()) { port in
            let (id, path) = try await authority.asking(port, as: "ann") { client in
                let answer = try await client.send(.DELETE, "/api/v1/workloads/w")
                let id = try #require(answer.headers["X-Request-Id"].first)
                #expect(try answer.decoded(Refusal.self).message.contains("auth why \(id)"))
                let path = "/api/v1/access/requests/\(id)"
                let why = try await client.get(path).decoded(AccessExplanation.self)
                #expect(why.items.map(\.who) == ["ann"] && why.items.map(\.verb) == [.delete])
                #expect(
                    why.excerpts == [PolicyExcerpt(id: "test/no", place: "here", text: "permit;")])
                return (id, path)
            }
            try await authority.asking(port, as: "bob") { client in
                for path in [path, "/api/v1/access/requests/none"] {
                    let answer = try await client.get(path)
                    #expect(answer.status == 403)
                }
            }
            try await authority.asking(port, as: "sam") { client in
                let why = try await client.get(path).decoded(AccessExplanation.self)
                #expect(why.items.map(\.request) == [id])
                let none = try await client.get("/api/v1/access/requests/none")
                #expect(none.status == 404)
            }
        }
    }

    @Test func `a list and its watch hold what whoever asks may see`() async throws {
        let fleet = Fleet([
            node("n1", site: "rural"), node("n2", site: "urban"),
            Self.placed("r", at: "rural"), Self.placed("u", at: "urban"), workload("anywhere"),
        ])
        fleet.rule { _, _, target in target.sites == ["rural"] }
        try await withSocket(fleet) { client in
            for (plural, expected) in [("nodes", ["n1"]), ("workloads", ["r"])] {
                let list = try await client.get("/api/v1/\(plural)").decoded(ObjectList.self)
                #expect(list.items.map(\.metadata.name) == expected)
            }
            #expect(try await client.get("/api/v1/policies").status == 403)
            var events = EventReader(try await client.open(.GET, "/api/v1/nodes?watch=true"))
            let first = try #require(try await events.next())
            #expect(first.data.contains("n1") && !first.data.contains("n2"))
        }
    }

    @Test func `nobody takes to their own site what is at another`() async throws {
        let fleet = Fleet([Self.placed("u", at: "urban")])
        fleet.rule { _, _, target in target.sites == ["rural"] }
        try await withSocket(fleet) { client in
            let stolen = try Self.body(applying: [Self.placed("u", at: "rural")])
            #expect(try await client.send(.POST, "/api/v1/apply", stolen).status == 403)
            let own = try Self.body(applying: [Self.placed("r", at: "rural")])
            #expect(try await client.send(.POST, "/api/v1/apply", own).status == 200)
            let both = try Self.body(applying: [Self.placed("r", at: "rural"), workload("w")])
            #expect(try await client.send(.POST, "/api/v1/apply", both).status == 403)
        }
    }

    @Test func `one asks freely for oneself, and for others with the right to review`() async throws
    {
        let fleet = Fleet([node("n1")])
        fleet.rule { who, verb, _ in verb == .status || who == .user("bob") }
        let authority = try Authority()
        try await serving(fleet, on: try authority.listener()) { port in
            let ann = try authority.issue("ann", uri: "skerry:operator/ann")
            let bob = try authority.issue("bob", uri: "skerry:operator/bob")
            let path = "/api/v1/access?verb=exec&target=node/n1"
            try await authority.client(port, ann) { client in
                let own = try await client.get(path).decoded(AccessReport.self)
                #expect(!own.isAllowed && own.reasons == ["test/no"])
                #expect(try await client.get(path + "&as=ann").status == 200)
                #expect(try await client.get(path + "&as=bob").status == 403)
                #expect(try await client.get(path + "&as=Bob").status == 400)
                #expect(try await client.get("/api/v1/access?verb=fly").status == 400)
                #expect(try await client.get("/api/v1/access?verb=get&target=n1").status == 400)
            }
            try await authority.client(port, bob) { client in
                let other = try await client.get(path + "&as=ann").decoded(AccessReport.self)
                #expect(!other.isAllowed)
                #expect(fleet.questions.withLock { $0.last } == "user 'ann' exec Node/n1 at rural")
            }
        }
    }
}
