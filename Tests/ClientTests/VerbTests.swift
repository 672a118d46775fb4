import Client
import Foundation
import Model
import Testing

@Suite struct VerbTests {
    private static func fleet(_ asked: TestServer.Asked) -> TestServer.Reply? {
        switch (asked.method, asked.path) {
        case ("GET", "/api/v1/nodes"): .json(Fleet.list(Fleet.nodes))
        case ("GET", "/api/v1/instances"): .json(Fleet.list(Fleet.instances))
        case ("GET", "/api/v1/instances/route-optimizer-0"): .json(Fleet.instances[0])
        case ("GET", "/api/v1/workloads"): .json(Fleet.list([.workload(Fleet.workload())]))
        case ("GET", "/api/v1/workloads/route-optimizer"): .json(Object.workload(Fleet.workload()))
        case ("GET", "/api/v1/nodes?labelSelector=site%3Drural"):
            .json(Fleet.list([Fleet.nodes[2]]))
        case ("GET", "/api/v1/events?limit=500"), ("GET", "/api/v1/events?limit=200"):
            .json(
                EventList(
                    items: [
                        Event(
                            at: Fleet.ago(40), node: "urban-1", severity: .warning,
                            reason: "Restarted", kind: .instance, name: "route-optimizer-0",
                            message: "exit 1\u{1B}[2J")
                    ], asOf: Fleet.now))
        default: nil
        }
    }

    private func notFound(_ what: String) -> TestServer.Reply {
        .json(Refusal(.notFound, "\(what) not found"), status: 404)
    }

    // MARK: - Reading

    @Test func `get shows the objects asked for and names those that are missing`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { _ in
            let get = Get(try Target.parse(["nodes", "urban-1", "nowhere"]), format: .name)
            let failure = await failure { try await get.run(in: stage.session()) }
            #expect(failure?.code == .notFound)
        }
        #expect(stage.shown == "node/urban-1\n")
        #expect(stage.remarks == "node 'nowhere' not found\n")
    }

    @Test func `several kinds stand below each other with their kinds in front`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { _ in
            try await Get(try Target.parse(["workloads,nodes"])).run(in: stage.session())
        }
        #expect(stage.shown.contains("\n\nNAME"))
        #expect(stage.shown.contains("\nworkload/route-optimizer "))
        #expect(stage.shown.contains("\nnode/rural-1 "))
    }

    @Test func `a selector travels to the server`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { _ in
            try await Get(
                try Target.parse(["nodes"]), selector: try Selector("site=rural"), format: .name
            ).run(in: stage.session())
        }
        #expect(stage.shown == "node/rural-1\n")
    }

    @Test func `json is a list with the time of the answer and reads back`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { _ in
            try await Get(try Target.parse(["nodes"]), format: .json).run(in: stage.session())
        }
        let list = try JSONDecoder().decode(ObjectList.self, from: Data(stage.shown.utf8))
        #expect(list == Fleet.list(Fleet.nodes))
    }

    @Test func `hostile text in json stays the same value and shows`() async throws {
        let stage = try Stage()
        let instance = Fleet.instance(
            0, node: "urban-1", site: "urban", message: "a\u{202E}b\u{9B}c\u{E0041}d\nend")
        try await TestServer.serve(on: stage.socket) { _ in
            .json(Fleet.list([instance]))
        } _: {
            _ in
            try await Get(try Target.parse(["instances"]), format: .json).run(in: stage.session())
        }
        #expect(stage.shown.contains(#"a\u202eb\u009bc\udb40\udc41d\nend"#))
        let list = try JSONDecoder().decode(ObjectList.self, from: Data(stage.shown.utf8))
        #expect(list.items == [instance])
    }

    @Test func `describe tells state, what belongs to it and events with text made visible`()
        async throws
    {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { _ in
            try await Describe(["instance/route-optimizer-0"]).run(in: stage.session())
            try await Describe(["workload/route-optimizer"]).run(in: stage.session())
        }
        #expect(stage.shown.contains("State:                Running\n"))
        #expect(
            stage.shown.contains(
                "Ready:           2 of 3, as of 75s ago (2026-11-22T11:58:45.000Z)\n"))
        #expect(stage.shown.contains("exit 1\\u{1B}[2J"))
        #expect(stage.shown.contains("Instances:\n  NAME"))
    }

    @Test func `top shows shares of what a node has, and says what is not known`() async throws {
        let unknown = Object.node(
            Node(metadata: Metadata(name: "new"), spec: NodeSpec(site: "rural")))
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { _ in
            .json(Fleet.list([Fleet.nodes[0], unknown]))
        } _: { _ in
            try await Top("nodes", selector: Selector(), headings: true).run(in: stage.session())
        }
        #expect(
            stage.shown == """
                NAME      CPU       CPU%      MEMORY    MEMORY%   AS-OF
                new       unknown   unknown   unknown   unknown   never
                urban-1   250m      13%       412Mi     20%       3s ago

                """)
    }

    @Test func `version tells both sides`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { _ in
            .json(ServerInfo(role: .hub, name: "main", version: "0.2.0"))
        } _: { _ in
            try await Version(client: "0.1.0", format: .table).run(in: stage.session())
        }
        #expect(stage.shown == "client: 0.1.0\nserver: 0.2.0 (hub main)\n")
    }

    // MARK: - The cache

    @Test func `get answers from what it heard last when nobody answers, and says so`()
        async throws
    {
        let stage = try Stage()
        let get = Get(try Target.parse(["nodes"]), format: .name)
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { _ in
            try await get.run(in: stage.session())
        }
        let failure = await failure { try await get.run(in: stage.session()) }
        #expect(failure == Failure(.unreachable, ""))
        let names = "node/urban-1\nnode/suburban-1\nnode/rural-1\n"
        #expect(stage.shown == names + names)
        #expect(stage.remarks.hasPrefix("node not reachable ("))
        #expect(stage.remarks.contains("; showing what it said "))

        let selected = Get(
            try Target.parse(["nodes"]), selector: try Selector("site!=urban,site"), format: .name)
        _ = await Self.failureCode(of: selected, in: stage)
        #expect(stage.shown.hasSuffix(names + "node/suburban-1\nnode/rural-1\n"))
    }

    private static func failureCode(of get: Get, in stage: Stage) async -> Failure.Code? {
        await failure { try await get.run(in: stage.session()) }?.code
    }

    @Test func `where something belongs can be selected like a label, also in an old answer`()
        async throws
    {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { _ in
            try await Get(try Target.parse(["nodes,instances"])).run(in: stage.session())
        }
        let selected = Get(
            try Target.parse(["nodes,instances"]),
            selector: try Selector("site=rural,node=rural-1"), format: .name)
        let before = stage.shown
        _ = await Self.failureCode(of: selected, in: stage)
        #expect(
            stage.shown.dropFirst(before.count) == "node/rural-1\ninstance/route-optimizer-1\n")
    }

    @Test func `a label that a fact would hide is refused`() {
        #expect(throws: Failure.self) { try Label(["node", "rural-1", "site=elsewhere"]) }
        #expect(throws: Never.self) { try Label(["node", "rural-1", "site-", "tier=x"]) }
    }

    @Test func `a path that no socket can have is refused in one sentence`() async {
        let path = "/tmp/" + String(repeating: "x", count: 120)
        let context = Context(name: "local", endpoint: .node(socket: path))
        let failure = await failure { _ = try await Connection(context.endpoint).info() }
        #expect(failure?.code == .usage)
        #expect(failure?.message.contains("125 bytes, and a Unix socket's has at most 103") == true)
        #expect(failure?.message.contains("SKERRY_SOCKET") == true)
    }

    @Test func `without an earlier answer nothing is shown`() async throws {
        let stage = try Stage()
        let get = Get(try Target.parse(["nodes"]))
        #expect(await Self.failureCode(of: get, in: stage) == .unreachable)
        #expect(stage.shown == "")
    }

    // MARK: - Watching

    @Test func `wait ends as soon as the condition is met`() async throws {
        let stage = try Stage()
        let messages: [(String, any Encodable & Sendable)] = [
            ("list", Fleet.list([.workload(Fleet.workload(ready: 2))])),
            ("changed", Fleet.list([.workload(Fleet.workload(ready: 3))])),
        ]
        try await TestServer.serve(on: stage.socket) { _ in
            .events(messages, staysOpen: true)
        } _: { _ in
            try await Await(
                ["workload/route-optimizer"], for: try Await.Aim("condition=Ready"),
                timeout: .hours(1)
            ).run(in: stage.session())
        }
        #expect(stage.shown == "workload/route-optimizer condition met\n")
    }

    @Test func `wait gives up at its timeout`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { _ in
            .events([("list", Fleet.list([.workload(Fleet.workload())]))], staysOpen: true)
        } _: { _ in
            let wait = try Await(
                ["workload/route-optimizer"], for: .ready, timeout: .seconds(0))
            let failure = await failure { try await wait.run(in: stage.session()) }
            #expect(failure?.code == .failed)
            #expect(failure?.message.hasPrefix("timed out after 0s waiting for readiness") == true)
        }
    }

    @Test func `waiting for the deletion of what is not there ends at once`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { _ in
            .events([("list", Fleet.list([]))], staysOpen: true)
        } _: { _ in
            try await Await(["workload/gone"], for: .deletion, timeout: .hours(1))
                .run(in: stage.session())
        }
        #expect(stage.shown == "workload/gone deleted\n")
    }

    // MARK: - Changing

    private static let manifest = """
        apiVersion: skerry.dev/v1
        kind: Workload
        metadata: {name: route-optimizer}
        spec:
          tier: 1
          replicas: 3
          containers:
            - name: main
              command: [/bin/route-optimizer]
              ports: [{name: http}]

        """

    @Test func `apply sends the objects and tells what became of each`() async throws {
        let stage = try Stage()
        let file = try stage.write(VerbTests.manifest, to: "shop.yaml")
        try await TestServer.serve(on: stage.socket) { asked in
            guard asked.method == "POST", asked.path == "/api/v1/apply?dryRun=true",
                asked.body.contains(#""name":"route-optimizer""#)
            else { return nil }
            let result = ApplyResult(
                kind: .workload, name: "route-optimizer", outcome: .configured)
            return .json(["results": [result]])
        } _: { _ in
            try await Apply(files: [file], isTrial: true).run(in: stage.session())
        }
        #expect(stage.shown == "workload/route-optimizer configured (dry run)\n")
    }

    @Test func `what the server refuses is told with object, field and fix`() async throws {
        let stage = try Stage()
        let file = try stage.write(VerbTests.manifest, to: "shop.yaml")
        try await TestServer.serve(on: stage.socket) { _ in
            .json(
                Refusal(
                    .invalid, "1 mistake",
                    mistakes: [
                        Mistake(
                            object: 0, field: "spec.dependsOn[0]", message: "no such workload",
                            fix: "apply it first")
                    ]), status: 422)
        } _: { _ in
            let failure = await failure {
                try await Apply(files: [file], isTrial: false).run(in: stage.session())
            }
            #expect(failure?.code == .usage)
            #expect(
                failure?.message == """
                    error[SK0135]: no such workload
                     --> \(file):5:3
                      |
                    5 |   tier: 1
                      |   ^
                      = in: Workload/route-optimizer spec.dependsOn[0]
                      = help: apply it first

                    1 mistake in the manifest; nothing was applied
                    """)
        }
    }

    @Test func `a manifest with a mistake is never sent`() async throws {
        let stage = try Stage()
        let file = try stage.write(
            VerbTests.manifest.replacing("replicas: 3", with: "replica: 3"), to: "shop.yaml")
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { server in
            let failure = await failure {
                try await Apply(files: [file], isTrial: false).run(in: stage.session())
            }
            #expect(failure?.code == .usage)
            #expect(failure?.message.contains("shop.yaml:6:3") == true)
            #expect(server.asked.isEmpty)
        }
    }

    @Test func `diff tells field by field what apply would change`() async throws {
        let stage = try Stage()
        let same = try stage.write(VerbTests.manifest, to: "same.yaml")
        let other = try stage.write(
            VerbTests.manifest.replacing("replicas: 3", with: "replicas: 5"), to: "other.yaml")
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { _ in
            let differs = try await Diff(files: [same]).run(in: stage.session())
            #expect(!differs)
            #expect(stage.shown == "")
            let differsNow = try await Diff(files: [other]).run(in: stage.session())
            #expect(differsNow)
        }
        #expect(stage.shown.contains("\n-  replicas: 3\n+  replicas: 5\n"))
        #expect(stage.shown.hasPrefix("--- test: workload/route-optimizer\n+++ manifest: "))
        // Defaults are nobody's decision, so they are not in the way of reading one.
        #expect(!stage.shown.contains("restartPolicy"))
    }

    @Test func `delete goes on behind what is missing, and says so at the end`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { asked in
            asked.method == "DELETE" && asked.path == "/api/v1/workloads/b"
                ? TestServer.Reply(status: 204) : notFound("workload 'a'")
        } _: { _ in
            let delete = Delete(.words(["workload", "a", "b"]), ignoresMissing: false)
            let failure = await failure { try await delete.run(in: stage.session()) }
            #expect(failure?.code == .notFound)
            try await Delete(.words(["workload", "a", "b"]), ignoresMissing: true)
                .run(in: stage.session())
        }
        #expect(stage.shown == "workload/b deleted\nworkload/b deleted\n")
        #expect(stage.remarks == "workload 'a' not found\n")
    }

    @Test func `labels are set and removed in one request`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { asked in
            asked.method == "PATCH" && asked.path == "/api/v1/nodes/rural-1"
                ? .json(Fleet.nodes[2]) : nil
        } _: { server in
            try await Label(["node", "rural-1", "zone=north", "old-"]).run(in: stage.session())
            try await Cordon(["rural-1"], isCordoned: true).run(in: stage.session())
            let edits = try server.asked.map {
                try JSONDecoder().decode(Edit.self, from: Data($0.body.utf8))
            }
            #expect(edits == [.labels(["zone": "north", "old": nil]), .cordon(true)])
        }
        #expect(stage.shown == "node/rural-1 labeled\nnode/rural-1 cordoned\n")
    }

    @Test func `a denied request ends with the code for it`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { _ in
            .json(Refusal(.denied, "not yours"), status: 403)
        } _: { _ in
            let failure = await failure {
                try await Cordon(["rural-1"], isCordoned: true).run(in: stage.session())
            }
            #expect(failure == Failure(.denied, "not yours"))
        }
    }

    @Test func `a token is shown alone on the output`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { asked in
            asked.body.contains(#""validFor":"15m""#) && asked.body.contains(#""site":"rural""#)
                ? .json(IssuedToken(text: "secret", site: "rural", expiresAt: Fleet.now)) : nil
        } _: { _ in
            try await TokenCreation(site: "rural", validFor: .seconds(900), format: .table)
                .run(in: stage.session())
        }
        #expect(stage.shown == "secret\n")
    }

    // MARK: - Streams

    @Test func `logs find the node and the first container`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { asked in
            asked.path == "/api/v1/stream?node=urban-1"
                ? .text(Array("one\ntwo\u{1B}[2J\n".utf8)) : VerbTests.fleet(asked)
        } _: { _ in
            let logs = try Logs("route-optimizer-0", container: nil, options: LogOptions(tail: 5))
            try await logs.run(in: stage.session())
            try await logs.run(in: stage.session(width: 80))
        }
        #expect(stage.shown == "one\ntwo\u{1B}[2J\none\ntwo\\u{1B}[2J\n")
    }

    @Test func `exec passes input, both outputs and the exit code through`() async throws {
        let stage = try Stage()
        let file = try stage.write(String(repeating: "x", count: 100_000), to: "input")
        let input = open(file, O_RDONLY)
        defer { close(input) }
        try await TestServer.serve(on: stage.socket) { asked in
            asked.path == "/api/v1/stream?node=urban-1"
                ? .text(Array("!".utf8)) : VerbTests.fleet(asked)
        } _: { _ in
            let code = try await Execute(
                "route-optimizer-0", container: "main", command: ["cat"], sendsInput: true,
                terminal: false
            ).run(in: stage.session(), input: input)
            #expect(code == 100_000)
        }
        #expect(stage.shown.count == 100_000)
        #expect(stage.remarks == "!")
    }

    @Test func `a stream that is refused says why`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket) { asked in
            asked.path.hasPrefix("/api/v1/stream")
                ? .json(Refusal(.unavailable, "node urban-1 is cut off"), status: 503)
                : VerbTests.fleet(asked)
        } _: { _ in
            let failure = await failure {
                _ = try await Execute(
                    "route-optimizer-0", container: "main", command: ["ls"], sendsInput: false,
                    terminal: false
                ).run(in: stage.session())
            }
            #expect(failure == Failure(.failed, "node urban-1 is cut off"))
        }
    }

    @Test func `events show hostile text as text`() async throws {
        let stage = try Stage()
        try await TestServer.serve(on: stage.socket, VerbTests.fleet) { _ in
            try await Events(
                about: nil, limit: 200, follows: false, format: .table, headings: false
            ).run(in: stage.session())
        }
        #expect(
            stage.shown
                == "40s         Warning   Restarted   instance/route-optimizer-0   urban-1   "
                + "exit 1\\u{1B}[2J\n")
    }

    @Test(arguments: ["BAD KEY=x", "a=b c", "/x=y", "a=-", "Ex ample/x-"])
    func `a label that no manifest could have is refused before anything is asked`(
        _ word: String
    ) {
        #expect(throws: Failure.self) { try Label(["node", "rural-1", word]) }
    }

    @Test func `a token that is over at once is refused`() {
        #expect(throws: Failure.self) {
            try TokenCreation(site: "rural", validFor: Interval(.zero), format: .table)
        }
    }
}
