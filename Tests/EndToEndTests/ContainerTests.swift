import AsyncHTTPClient
import Foundation
import Glibc
import Model
import Testing

extension EndToEndTests {
    /// With a container engine, where one is there for tests: bin/podman-test-host start.
    @Test(.enabled(if: testEngine != nil, "SKERRY_TEST_ENGINE is not set"))
    func
        `a container reads its Secret and its identity, is told who it is on its socket, and changes neither`()
        async throws
    {
        let engine = try #require(testEngine)
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.startAgent(token: try await stage.token(), engine: engine)
            try await stage.ready("node/node-1")
            try await stage.apply(Self.sealed)
            try await stage.ready("workload/keeper")
            let seen = try await stage.skerry([
                "exec", "keeper-0", "--", "sh", "-c",
                """
                echo "$PASSWORD" && cat /run/skerry/secrets/login/password && echo
                head -n 1 "$SKERRY_IDENTITY/cert.pem" "$SKERRY_IDENTITY/key.pem"
                test -S "$SKERRY_IDENTITY_SOCKET" && test -w "$SKERRY_IDENTITY_SOCKET" && echo open
                touch "$SKERRY_IDENTITY/x" 2>/dev/null || echo read-only
                touch /run/skerry/secrets/login/x 2>/dev/null || echo read-only
                """,
            ])
            #expect(seen.code == 0, "\(seen.remarks)")
            let lines = seen.text.split(separator: "\n").map(String.init)
            #expect(lines.prefix(2) == ["correct horse", "correct horse"])
            #expect(seen.text.contains("-----BEGIN CERTIFICATE-----"))
            #expect(seen.text.contains("PRIVATE KEY-----"))
            #expect(lines.suffix(3) == ["open", "read-only", "read-only"])

            // As the container sees it: through the eyes of its own process.
            let process = try #require(try stage.sleeper(86_395))
            let answer = try await ask(
                "/proc/\(process)/root/run/skerry/identity/sock", "/v1/identity")
            let credential = try JSONDecoder().decode(WorkloadCredential.self, from: answer.body)
            #expect(credential.id == "spiffe://node-1.urban.skerry/wl/keeper")

            #expect(try await stage.skerry("delete workload keeper").code == 0)
            try await eventually("the container to be gone") {
                try stage.sleeper(86_395) == nil
            }
            for text in ["correct horse"] {
                #expect(try stage.disk().filter(Needle("value", text: text).isIn) == [])
            }
        }
    }

    private static let sealed = """
        apiVersion: skerry.dev/v1
        kind: Secret
        metadata: {name: login}
        stringData: {password: "correct horse"}
        ---
        apiVersion: skerry.dev/v1
        kind: Workload
        metadata: {name: keeper}
        spec:
          tier: 1
          replicas: perNode
          stopGrace: 1s
          containers:
            - name: main
              image: \(ProcessInfo.processInfo.environment["SKERRY_TEST_IMAGE"] ?? "")
              command: [sleep, "86395"]
              secretEnv: {PASSWORD: login/password}
              secretFiles: [{secret: login}]
        """
}

private var testEngine: String? { ProcessInfo.processInfo.environment["SKERRY_TEST_ENGINE"] }

extension Stage {
    /// The process that sleeps for so long, wherever it runs.
    fileprivate func sleeper(_ seconds: Int) throws -> Int32? {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            .first { id in
                let command = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
                let words = command.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                return words.last == "\(seconds)" && words.dropLast().last == "sleep"
            }
    }
}
