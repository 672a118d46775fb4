import Manifest
import Model
import Testing

@Suite struct ManifestWriterTests {
    @Test func `an object is written as a person would write it`() {
        let workload = Workload(
            metadata: Metadata(name: "shop", labels: ["team": "1"]),
            spec: WorkloadSpec(
                tier: .critical, replicas: .perNode,
                containers: [
                    ContainerSpec(
                        name: "web", command: ["/bin/web", "--port", "80"],
                        env: ["ON": "yes", "TEXT": "a\nb\n"],
                        ports: [PortSpec(name: "http", port: 8080)],
                        probes: Probes(
                            readiness: Probe(http: HTTPProbe(port: "http", path: "/healthz"))),
                        resources: Resources(
                            cpu: CPUShare(millicores: 250), memory: ByteCount(64 << 20)))
                ]))
        #expect(
            ManifestWriter.yaml([.workload(workload)], compact: true) == """
                apiVersion: skerry.dev/v1
                kind: Workload
                metadata:
                  name: shop
                  labels:
                    team: "1"
                spec:
                  tier: 1
                  replicas: perNode
                  containers:
                  - name: web
                    command:
                    - /bin/web
                    - --port
                    - "80"
                    env:
                      "ON": "yes"
                      TEXT: |
                        a
                        b
                    ports:
                    - name: http
                      port: 8080
                    probes:
                      readiness:
                        http:
                          port: http
                          path: /healthz
                    resources:
                      cpu: 250m
                      memory: 64Mi

                """)
    }

    @Test func `what was written is read back as the same objects`() {
        let objects = [Samples.workload, Samples.site, Samples.bare]
        for compact in [true, false] {
            let text = ManifestWriter.yaml(objects, compact: compact)
            #expect(read(text) == .objects(objects), "\(text)")
        }
    }

    @Test func `text that looks like something else comes back as text`() {
        let nasty = [
            "", " ", "true", "No", "~", "null", "1", "1.10", "0x1F", "1e3", "12:30", "- a", "a: b",
            "a #b", "#a", "'", "\"", "\\", "{a}", "[a]", "*a", "&a", "!a", "%a", "@a", "`a", "a\n",
            "a\nb", "\na", "a\n\n", " a\n b", "a \nb", "\ta", "a\tb", "tab\t\n", "é", "日本",
            "\u{7F}\u{1B}[31m", "\u{85}", "\u{2028}", "😀",
            "a\u{FEFF}", "---", "...", "- ", "?", "? a", "|", ">", "=", "<<", "a:", ":a", ", ",
            "\r", "a\r\nb", "$(x)", "2026-11-22", String(repeating: "x ", count: 200),
        ]
        var env: [String: String] = [:]
        for (index, text) in nasty.enumerated() { env["V\(index)"] = text }
        var workload = Samples.minimal
        workload.spec.containers[0].env = env
        workload.spec.containers[0].command = ["/bin/x"] + nasty
        let text = ManifestWriter.yaml([.workload(workload)])
        guard case .objects(let objects) = read(text), case .workload(let back) = objects.first
        else {
            Issue.record("\(read(text))")
            return
        }
        for (name, value) in env { #expect(back.spec.containers[0].env[name] == value) }
        #expect(back.spec.containers[0].command == workload.spec.containers[0].command)
        #expect(back == workload)
    }
}

/// Reads one file named `test.yaml`.
func read(_ text: String) -> ManifestReader.Reading {
    ManifestReader.read([ManifestSource(name: "test.yaml", bytes: Array(text.utf8))])
}
