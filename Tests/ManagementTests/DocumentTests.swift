import Foundation
import Management
import Model
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(1))) struct DocumentTests {
    @Test func `every path of the document is answered by its own route`() async throws {
        let fleet = Fleet([node("n1")])
        _ = try await fleet.vouch(for: "ann", validFor: .seconds(1), by: .console)
        try await withSocket(fleet) { client in
            let asked = try #require(
                try await client.get("/api/v1/nodes").headers["X-Request-Id"].first)
            let document = try await document(client)
            #expect(document["openapi"] as? String == "3.1.0")
            let paths = try #require(document["paths"] as? [String: [String: Any]])
            #expect(paths.count == 41)
            for (path, operations) in paths {
                let path = path.replacingOccurrences(of: "{plural}", with: "nodes")
                    .replacingOccurrences(of: "usertokens/{name}", with: "usertokens/t1")
                    .replacingOccurrences(of: "approvals/{name}", with: "approvals/a1")
                    .replacingOccurrences(of: "{name}", with: "n1")
                    .replacingOccurrences(of: "{request}", with: asked)
                    .replacingOccurrences(of: "{site}", with: "rural")
                for method in operations.keys {
                    // Without a body: refused by the route itself, never for path or method.
                    let answer = try await client.send(
                        HTTPMethod(rawValue: method.uppercased()), path)
                    #expect(answer.status != 404 && answer.status != 405, "\(method) \(path)")
                }
            }
        }
    }

    @Test func `every reference in the document leads somewhere`() async throws {
        try await withSocket(Fleet()) { client in
            let text = try await client.get("/openapi.json").text
            let schemas = try await schemas(client)
            for match in text.matches(of: /#\/components\/schemas\/(\w+)/) {
                #expect(schemas[String(match.1)] != nil, "\(match.1)")
            }
        }
    }

    @Test func `the schemas are those of the coded records`() async throws {
        let time = WallTime(milliseconds: 0)
        let metadata = Metadata(
            name: "a", labels: ["b": "c"], annotations: ["d": "e"], generation: 1, createdAt: time)
        let hash = try #require(AuditHash([UInt8](repeating: 1, count: 32)))
        let bundle = PolicyBundle(key: "k", signature: "s", payload: ["p"])
        let policy = Object.policy(
            Policy(
                metadata: metadata, spec: PolicySpec(), signed: bundle,
                status: PolicyStatus(versions: [], observedAt: time)))
        let facts = CertificateFacts(
            subject: "s", issuer: "i", serial: "1", notBefore: time, notAfter: time,
            fingerprint: "f", device: "d", mode: .local)
        let record = AccessRecord(
            request: "r", at: time, requester: .console, verb: .get, target: .fleet,
            report: AccessReport(isAllowed: true, reasons: []))
        let right = Rights.Right(verb: .get, target: "t", isAllowed: true, reasons: [])
        var userToken = UserToken(
            id: "t", user: "ann", issuedBy: "admin", issuedAt: time, expiresAt: time)
        userToken.revokedAt = time
        userToken.revokedBy = "admin"
        var approval = Approval(
            id: "a", verb: .delete, kind: .node, name: "n", requestedBy: "ann",
            credential: "token", requestedAt: time, expiresAt: time)
        (approval.createdAt, approval.answeredAt) = (time, time)
        (approval.answeredBy, approval.note) = ("bob", "n")
        approval.act = .retireRoots
        var view = MeshView(node: "n", site: "s", address: "a", roster: .none, at: time)
        view.claims = []
        let samples: [String: any Encodable & Sendable] = [
            "ServerInfo": ServerInfo(
                role: .node, name: "n", version: "1", hubInContact: true, since: time,
                disk: DiskProtection(sealedBy: "tpm", stolenDisk: ["nothing"])),
            "Metadata": metadata, "Object": policy,
            "PolicyBundle": bundle,
            "WorkloadCredential": WorkloadCredential(
                id: "spiffe://n1.s1.skerry/wl/shop", certificate: "a", privateKey: "b",
                trustBundle: "c", expiresAt: time, renewedAt: time),
            "ServiceQuestion": ServiceQuestion(
                principal: .workload("a"), kind: .workload, name: "b", context: ["c": .flag(true)]),
            "AccessRecord": record, "PolicyExcerpt": PolicyExcerpt(id: "i", place: "p", text: "t"),
            "AccessExplanation": AccessExplanation(items: [record], excerpts: []),
            "Rights": Rights(who: "ann", items: [right], policies: []), "Right": right,
            "WhoAmI": WhoAmI(user: "ann", credential: "token", token: "t", expiresAt: time),
            "UserToken": userToken,
            "UserTokenList": UserTokenList(items: [], asOf: time),
            "IssuedUserToken": IssuedUserToken(text: "t", token: userToken),
            "AccessReport": AccessReport(isAllowed: true, reasons: [], needsApproval: true),
            "Approval": approval, "ApprovalList": ApprovalList(items: [approval], asOf: time),
            "ApprovalAnswer": ApprovalAnswer(isApproved: true, note: "n"),
            "ObjectList": ObjectList(items: [], asOf: time), "Event": event("hello"),
            "EventList": EventList(items: [], asOf: time),
            "ApplyResult": ApplyResult(kind: .site, name: "s", outcome: .created),
            "IssuedToken": IssuedToken(text: "t", site: "s", expiresAt: time),
            "Mistake": Mistake(object: 0, field: "f", message: "m", fix: "x"),
            "Refusal": Refusal(.denied, "no"),
            "Conflict": Conflict(
                node: "n", kind: .node, name: "n", atHub: node("n"), atNode: node("n")),
            "CertificateReport": CertificateReport(
                name: "n1/leaf", role: .leaf, node: "n1", issuedBy: .node, renewal: .byNode,
                facts: facts, seenAt: time, revokedAt: time),
            "CertificateFacts": facts,
            "CertificateList": CertificateList(items: [], asOf: time, clock: "Measured"),
            "PendingNode": PendingNode(
                node: "n", site: "s", device: "d", firstAsked: time, answeredAt: time),
            "PendingAnswer": PendingAnswer(isApproved: true, fingerprint: "f", site: "s"),
            "Revocation": Revocation(subject: "s", device: "d", at: time, reason: "r"),
            "RevocationReport": RevocationReport(
                version: 1, issuedAt: time, expiresAt: time, items: [], allowance: 1, asOf: time),
            "RevocationRequest": RevocationRequest(
                subjects: ["node/n"], reason: "r", warrant: bundle),
            "AuditVerdict": AuditVerdict(
                log: "n", first: 1, last: 2, checkpoints: 1,
                newest: AuditCheckpoint(log: "n", index: 2, head: hash, at: time),
                fault: AuditFault(.edited, at: 1, "e"), witnessed: 1, neighbours: ["m": 1]),
            "AuditCheckpoint": AuditCheckpoint(log: "n", index: 2, head: hash, at: time),
            "AuditFault": AuditFault(.edited, at: 1, "e"),
            "AuditEntry": AuditEntry(index: 1, hash: hash, text: "{}"),
            "AuditPage": AuditPage(log: "n", items: [], asOf: time),
            "SiteCompliance": SiteCompliance(site: "s", since: time),
            "MeshView": view,
            "Tenure": Tenure(
                instance: InstanceID(workload: "s", ordinal: 0), epoch: 1, holder: "n",
                isHeld: true, predecessor: "m"),
            "DecisionClaim": Decision.Claim(epoch: 1, holder: "n", predecessor: "m"),
            "MeshSight": MeshSight(
                node: "n", liveness: .alive, since: time, age: .seconds(1), lossHere: 0,
                lossThere: 0),
            "ServiceEndpoint": ServiceEndpoint(
                service: "s", instance: InstanceID(workload: "s", ordinal: 0), node: "n",
                site: "s", host: "h", ports: [:], isLocal: true, load: 0, age: .seconds(0)),
            "MeshHolding": MeshHolding(node: "n", subject: "Site/s", version: 1),
            "MeshTrace": MeshTrace(
                key: "k", origin: "n", sequence: 1, writtenAt: time, via: "m", arrivedAt: time),
            "MeshTraffic": MeshTraffic(), "RosterVersion": RosterVersion.none,
        ]
        try await withSocket(Fleet()) { client in
            let schemas = try await schemas(client)
            for (name, sample) in samples {
                let coded = try JSONSerialization.jsonObject(with: Data(json(sample).utf8))
                let keys = Set(try #require(coded as? [String: Any]).keys)
                let properties = try #require(schemas[name]?["properties"] as? [String: Any])
                // What a page adds to its list.
                #expect(Set(properties.keys).subtracting(["continue"]) == keys, "\(name)")
            }
        }
    }

    @Test func `the page shows hostile names as text`() async throws {
        let hostile = "<script>alert('1')</script>&\"\u{202E}\u{1B}[31m"
        let fleet = Fleet([node(hostile, site: SiteID(hostile)), site(hostile), workload(hostile)])
        try await withSocket(fleet) { client in
            let answer = try await client.get("/")
            #expect(answer.status == 200)
            let policy = answer.headers.first(name: "content-security-policy")
            #expect(policy?.hasPrefix("default-src 'none'; style-src 'self'") == true)
            #expect(answer.headers.first(name: "x-content-type-options") == "nosniff")
            #expect(!answer.text.contains("<script"))
            #expect(!answer.text.contains("\u{202E}"))
            #expect(!answer.text.contains("\u{1B}"))
            let shown =
                "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;[U+202E][U+1B][31m"
            #expect(answer.text.components(separatedBy: shown).count - 1 == 4)
        }
    }

    @Test func `the page tells the age of what it shows, and has nothing of elsewhere`()
        async throws
    {
        let fleet = Fleet([node("n1"), site("rural"), workload("w")])
        try await withSocket(fleet) { client in
            let page = try await client.get("/").text
            #expect(page.contains("<td>10 s ago</td>"))
            #expect(page.contains("<td>unknown</td>"))
            #expect(!page.contains("http://") && !page.contains("https://"))
            let style = try await client.get("/style.css")
            #expect(style.headers.first(name: "content-type") == "text/css; charset=utf-8")
            #expect(style.body.count < 12 * 1024)
        }
    }

    private func document(_ client: Client) async throws -> [String: Any] {
        let answer = try await client.get("/openapi.json")
        let value = try JSONSerialization.jsonObject(with: Data(answer.body))
        return try #require(value as? [String: Any])
    }

    private func schemas(_ client: Client) async throws -> [String: [String: Any]] {
        let components = try await document(client)["components"] as? [String: Any]
        return try #require(components?["schemas"] as? [String: [String: Any]])
    }
}
