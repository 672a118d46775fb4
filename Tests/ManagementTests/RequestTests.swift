import AsyncHTTPClient
import Foundation
import Management
import Model
import NIOCore
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(1))) struct RequestTests {
    @Test func `info says who answers`() async throws {
        try await withSocket(Fleet()) { client in
            let answer = try await client.get("/api/v1/info")
            #expect(answer.status == 200)
            #expect(answer.headers.first(name: "content-type") == "application/json")
            #expect(answer.headers.first(name: "date")?.hasSuffix(" GMT") == true)
            #expect(answer.text == #"{"name":"hub","role":"hub","version":"1.2.3"}"#)
        }
    }

    @Test func `a list has every object of its kind, and get finds one by name`() async throws {
        let fleet = Fleet([node("n1"), node("n2"), site("rural"), workload("route")])
        try await withSocket(fleet) { client in
            let nodes = try await client.get("/api/v1/nodes").decoded(ObjectList.self)
            #expect(nodes.items == [node("n1"), node("n2")])
            #expect(try await client.get("/api/v1/sites").decoded(ObjectList.self).items.count == 1)
            let instances = try await client.get("/api/v1/instances").decoded(ObjectList.self)
            #expect(instances.items.isEmpty)
            let one = try await client.get("/api/v1/workloads/route").decoded(Object.self)
            #expect(one == workload("route"))
            #expect(try await client.get("/api/v1/workloads/r%6Fute").status == 200)
        }
    }

    @Test func `a list of three hundred nodes arrives whole`() async throws {
        let nodes = (1000..<1300).map { node("n\($0)") }
        try await withSocket(Fleet(nodes)) { client in
            let answer = try await client.get("/api/v1/nodes")
            #expect(answer.headers.first(name: "content-length") == "\(answer.body.count)")
            #expect(try answer.decoded(ObjectList.self).items == nodes)
            var events = EventReader(try await client.open(.GET, "/api/v1/nodes?watch=true"))
            #expect(try await events.next()?.data == answer.text)
        }
    }

    @Test(arguments: ["/api/v1/nodes/none", "/api/v1/boats", "/api/v1/boats/x", "/nothing", "//"])
    func `what is not there is not found, in words`(path: String) async throws {
        try await withSocket(Fleet([node("n1")])) { client in
            let answer = try await client.get(path)
            guard path != "//" else { return #expect(answer.status == 200) }
            #expect(answer.status == 404)
            let refusal = try answer.decoded(Refusal.self)
            #expect(refusal.code == .notFound)
            #expect(!refusal.message.isEmpty)
        }
    }

    @Test func `apply creates, changes and leaves alone, and a dry run only says so`() async throws
    {
        let fleet = Fleet([site("rural")])
        try await withSocket(fleet) { client in
            let body = try #"{"objects":[\#(json(site("rural"))),\#(json(workload("w")))]}"#
            let expected =
                #"{"results":[{"kind":"Site","name":"rural","outcome":"unchanged"},"#
                + #"{"kind":"Workload","name":"w","outcome":"created"}]}"#
            let trial = try await client.send(.POST, "/api/v1/apply?dryRun=true", body)
            #expect(trial.text == expected)
            #expect(await fleet.list(.workload).items.isEmpty)

            let real = try await client.send(.POST, "/api/v1/apply?dryRun=false", body)
            #expect(real.status == 200)
            #expect(real.text == expected)
            #expect(await fleet.list(.workload).items == [workload("w")])
        }
    }

    @Test func `an invalid manifest is refused with its mistakes`() async throws {
        try await withSocket(Fleet()) { client in
            let body = try #"{"objects":[\#(json(site("Not A Name")))]}"#
            let answer = try await client.send(.POST, "/api/v1/apply", body)
            #expect(answer.status == 422)
            #expect(try answer.decoded(Refusal.self).mistakes.first?.field == "metadata.name")
        }
    }

    @Test func `a value of the wrong type is named by object and field`() async throws {
        try await withSocket(Fleet()) { client in
            let faulty = try json(workload("w")).replacingOccurrences(
                of: #""stopGrace":"10s""#, with: #""stopGrace":"soon""#)
            let body = try #"{"objects":[\#(json(site("s"))),\#(faulty)]}"#
            let answer = try await client.send(.POST, "/api/v1/apply", body)
            #expect(answer.status == 422)
            let mistake = try #require(try answer.decoded(Refusal.self).mistakes.first)
            #expect(mistake.object == 1)
            #expect(mistake.field == "spec.stopGrace")
        }
    }

    @Test(arguments: ["", "{", "[1,", "\u{0}", String(repeating: "[", count: 100_000)])
    func `a body that is no JSON is malformed`(body: String) async throws {
        try await withSocket(Fleet()) { client in
            let answer = try await client.send(.POST, "/api/v1/apply", body)
            #expect(answer.status == 400)
            #expect(try answer.decoded(Refusal.self).message.hasPrefix("the body is not JSON"))
        }
    }

    @Test func `a body over the limit is refused and nothing is applied`() async throws {
        var limits = Limits.production
        limits.bodyBytesMax = 1000
        let fleet = Fleet()
        try await withSocket(fleet, limits: limits) { client in
            let long =
                try #"{"objects":[\#(json(workload("w")))]}"#
                + String(repeating: " ", count: 2000)
            let answer = try await client.send(.POST, "/api/v1/apply", long)
            #expect(answer.status == 413)
            #expect(try answer.decoded(Refusal.self).message.contains("1000 bytes"))
            #expect(await fleet.list(.workload).items.isEmpty)
        }
    }

    @Test func `the production limit takes a body of ten mebibytes and no more`() async throws {
        try await withSocket(Fleet()) { client in
            let most = 10 * 1024 * 1024
            let body = #"{"objects":[]}"#
            let padding = String(repeating: " ", count: most - body.utf8.count)
            #expect(try await client.send(.POST, "/api/v1/apply", body + padding).status == 200)
            let over = try await client.send(.POST, "/api/v1/apply", body + padding + " ")
            #expect(over.status == 413)
        }
    }

    @Test func `delete removes one object`() async throws {
        let fleet = Fleet([workload("w"), node("n1")])
        try await withSocket(fleet) { client in
            let answer = try await client.send(.DELETE, "/api/v1/workloads/w")
            #expect(answer.status == 204)
            #expect(answer.body.isEmpty)
            #expect(await fleet.list(.workload).items.isEmpty)
            #expect(try await client.send(.DELETE, "/api/v1/workloads/w").status == 404)
            #expect(try await client.send(.DELETE, "/api/v1/nodes/n1").status == 403)
        }
    }

    @Test func `patch changes labels and cordons`() async throws {
        let fleet = Fleet([node("n1", labels: ["old": "1", "kept": "2"]), workload("w")])
        try await withSocket(fleet) { client in
            let labels = #"{"labels":{"new":"3","old":null}}"#
            let labelled = try await client.send(.PATCH, "/api/v1/nodes/n1", labels)
            #expect(
                try labelled.decoded(Object.self).metadata.labels == ["kept": "2", "new": "3"])

            let cordoned = try await client.send(.PATCH, "/api/v1/nodes/n1", #"{"cordon":true}"#)
            guard case .node(let node) = try cordoned.decoded(Object.self) else {
                return #expect(Bool(false), "not a node: \(cordoned.text)")
            }
            #expect(node.spec.cordoned)

            let conflict = try await client.send(.PATCH, "/api/v1/workloads/w", labels)
            #expect(conflict.status == 409)
            for wrong in ["{}", #"{"cordon":1}"#, #"{"labels":{},"cordon":true}"#] {
                let answer = try await client.send(.PATCH, "/api/v1/nodes/n1", wrong)
                #expect(answer.status == 422 || answer.status == 400, "\(wrong): \(answer.text)")
            }
        }
    }

    @Test func `a token is issued for a site and a time`() async throws {
        try await withSocket(Fleet([site("rural")])) { client in
            let body = #"{"site":"rural","validFor":"15m"}"#
            let answer = try await client.send(.POST, "/api/v1/tokens", body)
            let token = try answer.decoded(IssuedToken.self)
            #expect(token.expiresAt == WallTime(milliseconds: 1_795_000_900_000))
            let unknown = #"{"site":"moon","validFor":"15m"}"#
            #expect(try await client.send(.POST, "/api/v1/tokens", unknown).status == 503)
            let odd = #"{"site":"rural","validFor":"-1"}"#
            #expect(try await client.send(.POST, "/api/v1/tokens", odd).status == 422)
        }
    }

    @Test func `events come oldest first and as many as asked for`() async throws {
        let fleet = Fleet()
        for index in 0..<5 { fleet.tell(event("\(index)")) }
        try await withSocket(fleet) { client in
            let some = try await client.get("/api/v1/events?limit=2").decoded(EventList.self)
            #expect(some.items.map(\.message) == ["3", "4"])
            let all = try await client.get("/api/v1/events").decoded(EventList.self)
            #expect(all.items.count == 5)
            #expect(try await client.get("/api/v1/events?limit=-1").status == 400)
            #expect(try await client.get("/api/v1/events?limit=many").status == 400)
        }
    }

    @Test func `health, readiness and metrics answer in text`() async throws {
        try await withSocket(Fleet()) { client in
            #expect(try await client.get("/healthz").text == "ok\n")
            #expect(try await client.get("/readyz").text == "ok\n")
            let metrics = try await client.get("/metrics")
            #expect(metrics.text == "skerry_nodes 3\n")
            #expect(metrics.headers.first(name: "content-type") == "text/plain; version=0.0.4")
            let head = try await client.send(.HEAD, "/healthz")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test func `a method that a path does not know is answered with those it knows`() async throws {
        try await withSocket(Fleet()) { client in
            let answer = try await client.send(.PUT, "/api/v1/nodes/n1", "{}")
            #expect(answer.status == 405)
            #expect(try answer.decoded(Refusal.self).message.contains("GET, DELETE, PATCH"))
        }
    }

    @Test func `a misspelt dry run applies nothing`() async throws {
        let fleet = Fleet()
        try await withSocket(fleet) { client in
            let body = try #"{"objects":[\#(json(workload("w")))]}"#
            for query in ["dryrun=true", "dryRun=yes"] {
                let answer = try await client.send(.POST, "/api/v1/apply?\(query)", body)
                #expect(answer.status == 400)
                #expect(try answer.decoded(Refusal.self).message.contains("dryRun"))
            }
            #expect(await fleet.list(.workload).items.isEmpty)
        }
    }

    @Test func `a page of another origin cannot change anything`() async throws {
        let fleet = Fleet([workload("w")])
        try await withSocket(fleet) { client in
            let answer = try await client.send(
                .DELETE, "/api/v1/workloads/w", headers: ["origin": "https://evil.example"])
            #expect(answer.status == 403)
            #expect(await fleet.list(.workload).items.count == 1)
        }
    }

    @Test func `a header that is too long ends the request, not the server`() async throws {
        try await withSocket(Fleet()) { client in
            let long = String(repeating: "x", count: 70_000)
            let answer = try await client.send(.GET, "/healthz", headers: ["x-long": long])
            #expect(answer.status == 400)
            let health = try await client.get("/healthz")
            #expect(health.status == 200)
        }
    }

    @Test func `a body that does not come in time is given up, long before it counts as idle`()
        async throws
    {
        var limits = Limits.production
        limits.arrival = .milliseconds(200)
        try await withSocket(Fleet(), limits: limits) { client in
            let never = AsyncStream<ByteBuffer> { $0.yield(ByteBuffer(string: "{")) }
            await #expect(throws: (any Error).self) {
                try await client.open(
                    .POST, "/api/v1/apply", body: .stream(never, length: .unknown))
            }
            let health = try await client.get("/healthz")
            #expect(health.status == 200)
        }
    }

    @Test func `a client that never finishes its request is let go`() async throws {
        var limits = Limits.production
        limits.idle = .milliseconds(100)
        try await withSocket(Fleet(), limits: limits) { client in
            let never = AsyncStream<ByteBuffer> { $0.yield(ByteBuffer(string: "{")) }
            await #expect(throws: (any Error).self) {
                try await client.open(
                    .POST, "/api/v1/apply", body: .stream(never, length: .unknown))
            }
        }
    }
}
