import Client
import Foundation
import Model
import Testing

@Suite struct ContextFileTests {
    private let hub = Context(
        name: "up",
        endpoint: .hub(
            HubAddress(
                host: "127.0.0.1", port: 7443, certificateAuthority: "/s/ca.pem",
                clientCertificate: "/s/me.pem", clientKey: "/s/me.key")))

    @Test func `a new context joins those that are there`() throws {
        let stage = try Stage()
        let path = try stage.write(
            """
            # by hand
            current-context: shop
            colour: 'it''s "blue"'   # kept
            contexts:
                shop:
                    socket: "run/agent.sock"
                    note: 007
                up:
                    socket: /old.sock

            """, to: "config.yaml")
        try ContextFile.write(context: hub, to: path)
        let file = try ContextFile.read(path)
        #expect(file.names == ["shop", "up"])
        #expect(file.currentName == "up")
        #expect(
            file.text == """
                current-context: up
                colour: "it's \\"blue\\""
                contexts:
                  shop:
                    socket: run/agent.sock
                    note: "007"
                  up:
                    server: https://127.0.0.1:7443
                    certificate-authority: /s/ca.pem
                    client-certificate: /s/me.pem
                    client-key: /s/me.key

                """)
        #expect(try file.context(named: nil, environment: [:]) == hub)
        #expect(
            try file.context(named: "shop", environment: [:]).endpoint
                == .node(socket: stage.directory + "/run/agent.sock"))
    }

    @Test func `the file is made with its directory, for its owner only`() throws {
        let stage = try Stage()
        let path = stage.directory + "/a/b/config.yaml"
        try ContextFile.write(context: hub, to: path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: stage.directory + "/a/b")
                == ["config.yaml"])
    }

    @Test func `without a file the node of this machine is asked`() throws {
        let file = try ContextFile.read("/nowhere/config.yaml")
        let context = try file.context(named: nil, environment: ["SKERRY_SOCKET": "/s"])
        #expect(context == Context(name: "local", endpoint: .node(socket: "/s")))
    }

    @Test(arguments: [
        ("contexts:\n  a:\n    server: http://x:1\n", "is not https://HOST:PORT"),
        ("contexts:\n  a:\n    note: b\n", "neither 'server' nor 'socket'"),
        ("contexts:\n  a:\n    server: https://x:1\n", "lacks 'certificate-authority'"),
        ("contexts:\n  b:\n    socket: /s\n", "no context 'a'"),
        ("contexts: [a]\n", ":1: put quotes around a value that begins with ["),
        ("contexts:\n  a\n", ":2: expected 'name: value'"),
        ("contexts:\n  a:\n    b: c\n   d: e\n", ":4: the indentation"),
        ("a: b\na: c\n", ":2: 'a' is given twice"),
        ("a: \"b\n", ":1: the quote is not closed"),
    ])
    func `a bad context says where and why`(text: String, message: String) throws {
        let stage = try Stage()
        let path = try stage.write(text, to: "config.yaml")
        #expect {
            _ = try ContextFile.read(path).context(named: "a", environment: [:])
        } throws: {
            guard let failure = $0 as? Failure else { return false }
            return failure.code == .usage && failure.message.contains(message)
        }
    }

    @Test func `addresses of the sixth version stand in brackets`() throws {
        let stage = try Stage()
        var context = hub
        context.endpoint = .hub(
            HubAddress(
                host: "::1", port: 1, certificateAuthority: "/a", clientCertificate: "/b",
                clientKey: "/c"))
        let path = stage.directory + "/config.yaml"
        try ContextFile.write(context: context, to: path)
        let file = try ContextFile.read(path)
        #expect(file.text.contains("https://[::1]:1"))
        #expect(try file.context(named: nil, environment: [:]) == context)
    }

    @Test func `only a known context can be chosen`() throws {
        let stage = try Stage()
        let path = stage.directory + "/config.yaml"
        try ContextFile.write(context: hub, to: path)
        let contexts = Contexts(file: path, environment: [:], console: stage.console())
        try contexts.use("local")
        #expect(throws: Failure.self) { try contexts.use("other") }
        try contexts.list(headings: true)
        #expect(
            stage.shown == """
                switched to context local
                CURRENT   NAME    SERVER
                          up      127.0.0.1:7443
                *         local   /run/skerry/agent.sock

                """)
    }
}

@Suite struct AnswerCacheTests {
    private func cache(_ stage: Stage, socket: String = "/s") -> AnswerCache {
        AnswerCache(
            directory: stage.directory + "/cache",
            context: Context(name: "a", endpoint: .node(socket: socket)), limits: .tight)
    }

    @Test func `an answer is recalled for its own path and server only`() throws {
        let stage = try Stage()
        let answer = Array("{}\n\n[1]".utf8)
        #expect(cache(stage).keep(answer, to: "/nodes", at: Fleet.now))
        #expect(cache(stage).recall("/nodes")?.answer == answer)
        #expect(cache(stage).recall("/nodes")?.heardAt == Fleet.now)
        #expect(cache(stage).recall("/sites") == nil)
        #expect(cache(stage, socket: "/other").recall("/nodes") == nil)
    }

    @Test func `the cache is bounded and for its owner only`() throws {
        let stage = try Stage()
        for number in 0..<10 {
            #expect(cache(stage).keep([1], to: "/\(number)", at: Fleet.now))
        }
        #expect(!cache(stage).keep([UInt8](repeating: 0, count: 5000), to: "/x", at: Fleet.now))
        let directory = stage.directory + "/cache"
        let files = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(files.count == 3)
        #expect(cache(stage).recall("/9") != nil)
        for file in files {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: directory + "/" + file)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func `a damaged answer is no answer`() throws {
        let stage = try Stage()
        #expect(cache(stage).keep([1], to: "/nodes", at: Fleet.now))
        let directory = stage.directory + "/cache"
        for file in try FileManager.default.contentsOfDirectory(atPath: directory) {
            try Data("a".utf8).write(to: URL(fileURLWithPath: directory + "/" + file))
        }
        #expect(cache(stage).recall("/nodes") == nil)
    }
}
