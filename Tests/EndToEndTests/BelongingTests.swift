import Foundation
import Model
import Testing

extension EndToEndTests {
    /// Who is let in, and who is put out.
    @Suite struct BelongingTests {
        @Test
        func `a machine without a token asks, waits over a restart of the hub, and is let in`()
            async throws
        {
            try await Stage.with { stage in
                try await stage.openHub()
                let mark = try await ask(stage, "node-1")
                try await stage.hub?.crash()
                try await stage.startHub()
                #expect(try await stage.skerry("get pending").text.contains(mark))
                let answer = try await stage.skerry("approve node-1 --fingerprint \(mark)")
                #expect(answer.code == 0)
                try await stage.ready("node/node-1")
                #expect(!(try await stage.skerry("get pending").text.contains("node-1")))
            }
        }

        @Test
        func `A08 what is open on a revoked node ends within five seconds, and it is kept out`()
            async throws
        {
            try await Stage.with { stage in
                try await stage.openHub()
                try await stage.openAgent()
                try await stage.openAgent("node-2")
                try await stage.apply(sleeper("till", seconds: 7_410))
                try await stage.ready("workload/till")
                let place = try #require(try await stage.instances().first)
                let before = try stage.workloadProcesses()
                let follower = try stage.start(["logs", "-f", "till-0"])
                try await eventually("the log to be followed") {
                    try await stage.skerry("get nodes").code == 0 && follower.isRunning
                }
                let begin = ContinuousClock.now
                #expect(try await stage.skerry("revoke node/\(place.node)").code == 0)
                #expect(try await follower.ended(within: .seconds(5)) != 0)
                #expect(ContinuousClock.now - begin < .seconds(5))

                let agent = try #require(stage.agents[place.node.text])
                try await eventually("the node to say that it is refused") {
                    try agent.remarks.contains("was revoked")
                }
                #expect(try stage.workloadProcesses() == before)
                let other = place.node == "node-1" ? "node-2" : "node-1"
                try await eventually("the other node to have heard of it") {
                    try await stage.skerry("get revocations -o name", on: other).text
                        .contains("/node/\(place.node)")
                }
                // The second of two nodes in a day is beyond the brake.
                #expect(try await stage.skerry("revoke node/\(other)").code == 4)
                let key = stage.directory + "/hub/operator/policy.key"
                #expect(try await stage.skerry("revoke node/\(other) --key \(key)").code == 0)

                try await stage.hub?.crash()
                try await stage.startHub()
                #expect(
                    try await stage.skerry("get revocations -o name").text
                        .split(separator: "\n").count == 2)
                #expect(try await stage.skerry("delete node \(place.node)").code == 0)
            }
        }

        @Test func `a person who is revoked is out with the next request`() async throws {
            try await Stage.with { stage in
                try await stage.openHub()
                #expect(try await stage.skerry("get nodes").code == 0)
                let watch = try stage.start(["get", "sites", "-w"])
                #expect(try await stage.skerry("revoke user/admin").code == 0)
                #expect(try await stage.skerry("get nodes").code != 0)
                #expect(try await stage.skerry("revoke user/admin").code != 0)
                watch.signal(9)
            }
        }

        @Test func `certificates are told at the hub, and at a node that is cut off`() async throws
        {
            try await Stage.with { stage in
                try await stage.openHub()
                try await stage.openAgent()
                let names = try await stage.skerry("get certificates -o name").text
                    .split(separator: "\n").map(String.init)
                #expect(
                    names == [
                        "root", "issuing", "hub", "operator", "node-1/authority", "node-1/leaf",
                    ])
                try await stage.hub?.crash()
                let answer = try await stage.skerry("get certificates -o json", on: "node-1")
                let list = try JSONDecoder().decode(
                    CertificateList.self, from: Data(answer.text.utf8))
                #expect(
                    list.items.map(\.name) == [
                        "root", "issuing", "node-1/authority", "node-1/leaf",
                    ]
                )
                #expect(list.items.last?.issuedBy == .node)
                #expect(
                    list.items.last?.facts.subject == "spiffe://node-1.urban.skerry/node/node-1")
                #expect(list.items.allSatisfy { $0.facts.notAfter > list.asOf })
                let words = try await stage.skerry("certificate describe node-1", on: "node-1")
                #expect(words.code == 0 && words.text.contains("Clock:"))
                let none = try await stage.skerry("certificate describe node-9", on: "node-1")
                #expect(none.code == 3)
            }
        }

        /// Starts a machine that asks; answers its fingerprint.
        private func ask(_ stage: Stage, _ node: String) async throws -> String {
            let agent = try stage.start([
                "agent", "--state", stage.directory + "/" + node, "--node", node, "--site", "urban",
                "--join", "127.0.0.1:\(stage.ports.lowerBound + 2)", "--authority",
                stage.directory + "/hub/operator/authority.crt", "--socket",
                stage.directory + "/" + node + ".sock", "--engine", "process", "--ports",
                "\(stage.ports.lowerBound + 3)-\(stage.ports.upperBound)",
            ])
            var mark = ""
            try await eventually("the machine to ask") {
                guard agent.isRunning else { throw Vain(description: try agent.remarks) }
                let match = try agent.remarks.firstMatch(
                    of: /fingerprint of this machine is ([0-9a-f-]+)/)
                mark = match.map { String($0.1) } ?? ""
                let list = try await stage.skerry("get pending").text
                return !mark.isEmpty && list.contains(mark)
            }
            return mark
        }
    }
}
