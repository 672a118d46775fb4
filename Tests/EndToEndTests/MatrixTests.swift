import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import NIOSSL
import Testing

/// Who may do what over the listeners of a running hub and node: one table, each cell asked for real.
extension EndToEndTests {
    @Test func `each role may what the table says, over every listener, and nobody else anything`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(routes("routes"))
            try await stage.ready("workload/routes")
            let people = try await Matrix.people(stage)
            try await Matrix.bind(stage)

            let hub = try Matrix.Door(stage)
            for request in Matrix.requests {
                for (name, token) in people {
                    let status = try await hub.ask(request, token)
                    let isAllowed = request.roles.contains(name)
                    #expect(
                        isAllowed ? request.passed.contains(status) : status == 403,
                        "\(name) \(request.method) \(request.path): \(status)")
                }
                #expect(try await hub.ask(request, nil) == 401, "\(request.path) without a name")
                // Unknown, and after a while too often unknown.
                let unknown = try await hub.ask(request, "a.b.c")
                #expect([401, 429].contains(unknown), "\(request.path), no token")
            }

            // Ended at once, and not only for what comes later.
            let ids = try await stage.skerry("get tokens -o json")
            let list = try JSONDecoder().decode(UserTokenList.self, from: Data(ids.text.utf8))
            let admin = try #require(list.items.first { $0.user == "admin" })
            #expect(try await stage.skerry("token revoke \(admin.id)").code == 0)
            let token = try #require(people["admin"])
            for request in Matrix.requests {
                let revoked = try await hub.ask(request, token)
                #expect([401, 429].contains(revoked), "\(request.path), revoked")
            }
            try await hub.close()
            try await Matrix.checkNode(stage)
            try await Matrix.checkControlLink(stage)
        }
    }
}

private enum Matrix {
    struct Request {
        var method: HTTPMethod
        var path: String
        var body: String?
        var header: (String, String)?
        /// Who may, by the name of the role.
        var roles: Set<String>
        /// What the answer is then: what is not there is looked for by who may.
        var passed: Set<UInt> = [200]
    }

    private static let all: Set<String> = ["viewer", "operator", "approver", "security", "admin"]
    private static let changers: Set<String> = ["operator", "admin"]
    private static let keepers: Set<String> = ["security", "admin"]

    private static let stream = Data(
        #"{"container":{"instance":"none-0","name":"a"},"purpose":{"logs":{"_0":{"follow":false}}}}"#
            .utf8
    ).base64EncodedString().replacing("=", with: "")

    static let requests: [Request] =
        [
            "/", "/metrics", "/api/v1/events", "/api/v1/decisions", "/api/v1/nodes",
            "/api/v1/workloads/routes", "/api/v1/authority/urban", "/api/v1/conflicts",
            "/api/v1/compliance", "/api/v1/changes",
        ].map { Request(method: .GET, path: $0, roles: all) }
        + [
            Request(
                method: .POST, path: "/api/v1/apply?dryRun=true",
                body: #"{"objects":[{"apiVersion":"skerry.dev/v1","kind":"Site","#
                    + #""metadata":{"name":"urban"},"spec":{}}]}"#, roles: changers),
            Request(
                method: .DELETE, path: "/api/v1/workloads/none", roles: changers, passed: [404]),
            Request(
                method: .PATCH, path: "/api/v1/nodes/node-1", body: #"{"labels":{"a":"b"}}"#,
                roles: changers),
            Request(
                method: .PATCH, path: "/api/v1/nodes/node-1", body: #"{"cordon":false}"#,
                roles: changers),
            Request(
                method: .PATCH, path: "/api/v1/nodes/node-1", body: #"{"resolve":"hub"}"#,
                roles: changers, passed: [200, 409]),
            Request(
                method: .POST, path: "/api/v1/resolve",
                body: #"{"node":"node-1","workload":"none","keep":"hub"}"#, roles: changers,
                passed: [404, 409]),
            Request(
                method: .DELETE, path: "/api/v1/policies/staff", roles: keepers,
                passed: [403, 409, 422]),
            Request(
                method: .POST, path: "/api/v1/tokens", body: #"{"site":"urban","validFor":"1m"}"#,
                roles: keepers),
            Request(
                method: .GET, path: "/api/v1/access?verb=get&as=viewer",
                roles: keepers.union(["viewer"])),
            Request(
                method: .GET, path: "/api/v1/rights?as=viewer", roles: keepers.union(["viewer"])),
            Request(method: .GET, path: "/api/v1/audit", roles: keepers),
            Request(method: .GET, path: "/api/v1/audit/verdict", roles: keepers),
            Request(
                method: .DELETE, path: "/api/v1/usertokens/none", roles: keepers, passed: [404]),
            // No token makes tokens, and no role breaks glass at a hub.
            Request(
                method: .POST, path: "/api/v1/usertokens",
                body: #"{"user":"eve","validFor":"1h"}"#, roles: []),
            Request(
                method: .POST, path: "/api/v1/glass", body: #"{"reason":"x","validFor":"1m"}"#,
                roles: []),
        ]

    /// A token for each role and for somebody without one. Made before any role is bound: afterwards
    /// the operator's certificate may do nothing.
    static func people(_ stage: Stage) async throws -> [String: String] {
        var people: [String: String] = [:]
        for name in all.union(["stranger"]) {
            let answer = try await stage.skerry("token create --user \(name) --ttl 1h")
            #expect(answer.code == 0, "\(answer.remarks)")
            people[name] = answer.text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return people
    }

    static func bind(_ stage: Stage) async throws {
        let bindings = all.sorted().map { role in
            // The operator's own certificate is of user 'admin' too.
            "    - {role: \(role), users: [\(role)]}\n"
        }.joined()
        let file = stage.directory + "/staff"
        try
            ("apiVersion: skerry.dev/v1\nkind: Policy\nmetadata: {name: staff}\nspec:\n"
            + "  roleBindings:\n" + bindings)
            .write(toFile: file + ".yaml", atomically: true, encoding: .utf8)
        let key = stage.directory + "/hub/operator/policy.key"
        let signed = try await stage.skerry(
            "policy sign -f \(file).yaml --key \(key) -o \(file).json")
        #expect(signed.code == 0, "\(signed.remarks)")
        #expect(try await stage.skerry("apply -f \(file).json").code == 0)
        try await stage.ready("policy/staff")
    }

    /// The hub's listener for people, for whoever comes without a certificate.
    struct Door {
        private let http: HTTPClient
        private let base: String

        init(_ stage: Stage) throws {
            var tls = TLSConfiguration.makeClientConfiguration()
            let root = stage.directory + "/hub/operator/authority.crt"
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(root))
            http = HTTPClient(
                eventLoopGroupProvider: .singleton,
                configuration: HTTPClient.Configuration(tlsConfiguration: tls))
            base = "https://127.0.0.1:\(stage.ports.lowerBound)"
        }

        init(socket: String) {
            http = HTTPClient(eventLoopGroupProvider: .singleton)
            base = "http+unix://" + socket.replacingOccurrences(of: "/", with: "%2F")
        }

        func ask(_ wanted: Request, _ token: String?) async throws -> UInt {
            var request = HTTPClientRequest(url: base + wanted.path)
            request.method = wanted.method
            if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
            if let body = wanted.body { request.body = .bytes(ByteBuffer(string: body)) }
            let response = try await http.execute(request, timeout: .seconds(30))
            _ = try await response.body.collect(upTo: 16 << 20)
            return response.status.code
        }

        func close() async throws { try await http.shutdown() }
    }

    /// The console may what its hub leaves to it; the socket of the services answers nothing but them.
    static func checkNode(_ stage: Stage) async throws {
        let console = Door(socket: stage.directory + "/node-1.sock")
        let services = Door(socket: stage.directory + "/node-1.ask.sock")
        for path in ["/", "/api/v1/nodes", "/api/v1/decisions", "/metrics"] {
            let request = Request(method: .GET, path: path, roles: [])
            #expect(try await console.ask(request, nil) == 200, "console \(path)")
            #expect(try await services.ask(request, nil) == 404, "services \(path)")
        }
        let glass = Request(
            method: .POST, path: "/api/v1/glass", body: #"{"reason":"x","validFor":"0s"}"#,
            roles: [])
        #expect(try await console.ask(glass, nil) == 200)
        #expect(try await services.ask(glass, nil) == 404)
        let question = Request(
            method: .POST, path: "/v1/authorize",
            body: #"{"principal":"workload/a","resource":"workload/b"}"#, roles: [])
        #expect(try await services.ask(question, nil) == 200)
        #expect(try await console.ask(question, nil) == 404)
        try await console.close()
        try await services.close()
    }

    /// A18: without a node's certificate there is no control link, by TLS or without it.
    static func checkControlLink(_ stage: Stage) async throws {
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: {
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.certificateVerification = .none
                var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
                configuration.timeout.connect = .seconds(2)
                return configuration
            }())
        for port in [stage.ports.lowerBound + 1, stage.ports.lowerBound + 2] {
            for scheme in ["http", "https"] {
                let request = HTTPClientRequest(url: "\(scheme)://127.0.0.1:\(port)/")
                await #expect(throws: (any Error).self, "\(scheme) at \(port)") {
                    let response = try await http.execute(request, timeout: .seconds(3))
                    // The enrolment listener takes anybody's TLS, and answers no path.
                    guard response.status.code < 400 else { throw ChannelError.eof }
                }
            }
        }
        try await http.shutdown()
    }
}
