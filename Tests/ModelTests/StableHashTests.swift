import Model
import Testing

@Suite struct StableHashTests {
    /// Values of the authors' own list: sums in stores and shares of nodes rest on them.
    @Test(arguments: [
        ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c),
        ("foobar", 0x8594_4171_f739_67e8 as UInt64),
    ])
    func `it is FNV-1a`(_ text: String, _ value: UInt64) {
        var hash = StableHash()
        hash.add(text)
        #expect(hash.value == value)
        var again = StableHash()
        Array(text.utf8).withUnsafeBytes { again.add($0) }
        #expect(again == hash)
    }

    private func hash(of value: Any) -> UInt64 {
        var hash = StableHash()
        hash.add(fieldsOf: value)
        return hash.value
    }

    @Test func `of equal values it is equal, in whatever order their parts were put in`() {
        var env = ["A": "1"]
        for number in 0..<50 { env["K\(number)"] = "v" }
        var other = ["K49": "v"]
        for number in (0..<49).reversed() { other["K\(number)"] = "v" }
        other["A"] = "1"
        #expect(hash(of: spec(env)) == hash(of: spec(other)))
    }

    @Test func `every field counts, and where it stands`() {
        let probes = Probes(liveness: Probe(tcp: TCPProbe(port: "http")))
        let all = [
            spec([:]), spec(["A": "1"]), spec(["A": "2"]), spec(["1": "A"]),
            ContainerSpec(name: "main", command: ["run"], probes: probes),
            ContainerSpec(name: "main", command: ["r", "un"]),
            ContainerSpec(name: "main", image: "run"),
            ContainerSpec(name: "main", command: ["run"], workingDirectory: "/"),
        ]
        #expect(Set(all.map(hash)).count == all.count)
    }

    private func spec(_ env: [String: String]) -> ContainerSpec {
        ContainerSpec(name: "main", command: ["run"], env: env)
    }
}
