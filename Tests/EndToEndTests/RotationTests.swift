import Foundation
import Model
import Testing

extension EndToEndTests {
    /// The authorities of a fleet are replaced while a node is away.
    @Suite struct RotationTests {
        @Test(arguments: [0, 7 * 24])
        func
            `a node that was away while root and issuing authority were replaced comes back, and trusts both`(
                hours: Int
            ) async throws
        {
            try await Stage.with { stage in
                let clocks = Clocks(of: stage)
                try clocks.set(hub: 0, node: 0)
                stage.variables = clocks.hub
                try await stage.openHub()
                stage.variables = clocks.node
                try await stage.openAgent()
                try await stage.apply(sleeper("till", seconds: 7_510))
                try await stage.ready("workload/till")
                let before = try stage.workloadProcesses()
                let old = try await roots(stage)

                try await stage.agents["node-1"]?.crash()
                try await stage.hub?.crash()
                stage.variables = clocks.hub
                #expect(try await rotate("root", stage).code == 0)
                #expect(try await rotate("issuing", stage).code == 0)
                try clocks.set(hub: hours, node: hours)
                try await stage.startHub()
                let new = try await roots(stage)
                #expect(new.count == 2 && new[1] == old[0] && new[0] != old[0])

                stage.variables = clocks.node
                try await stage.startAgent()
                try await stage.ready("node/node-1")
                try await eventually("the node to trust both roots") {
                    try await roots(stage, on: "node-1") == new
                }
                #expect(try stage.workloadProcesses() == before)

                // Without the root of old what the node has by now is good.
                try await stage.hub?.crash()
                stage.variables = clocks.hub
                let nowhere = stage.directory + "/nowhere"
                for what in ["rotate root", "rotate issuing", "retire"] {
                    let words = what.split(separator: " ").map(String.init)
                    let refused = try await stage.skerry(["ca"] + words + ["--state", nowhere])
                    #expect(refused.code == 1 && refused.remarks.contains("no hub in \(nowhere)"))
                }
                #expect(!FileManager.default.fileExists(atPath: nowhere))
                let retired = try await stage.skerry([
                    "ca", "retire", "--state", stage.directory + "/hub",
                ])
                #expect(retired.code == 0)
                try await stage.startHub()
                try await stage.ready("node/node-1")
                #expect(try await roots(stage) == [new[0]])
            }
        }

        @Test func `a hub that runs takes up a root that was replaced, and who is there stays`()
            async throws
        {
            try await Stage.with { stage in
                try await stage.openHub()
                try await stage.openAgent()
                let old = try await roots(stage)
                #expect(try await rotate("root", stage).code == 0)
                try await eventually("the hub to show the new root") {
                    try await roots(stage).count == 2
                }
                let new = try await roots(stage)
                #expect(new[1] == old[0] && new[0] != old[0])
                #expect(try stage.hub?.remarks.contains("read anew") == true)
                try await stage.ready("node/node-1")
                // A node that comes now is given the new root, and gets in by it.
                try await stage.openAgent("node-2")
                #expect(try await roots(stage, on: "node-2").contains(new[0]))
                // One that comes back knows both.
                try await stage.agents["node-1"]?.crash()
                try await stage.startAgent("node-1")
                try await eventually("the node to trust both roots") {
                    try await roots(stage, on: "node-1") == new
                }
                let retired = try await stage.skerry([
                    "ca", "retire", "--state", stage.directory + "/hub",
                ])
                #expect(retired.code == 0)
                try await eventually("the hub to trust the new root alone") {
                    try await roots(stage) == [new[0]]
                }
                try await stage.ready("node/node-1")
            }
        }

        @Test func `a root is replaced six times, and who was away over one or two comes back`()
            async throws
        {
            try await Stage.with { stage in
                try await stage.openHub()
                try await stage.openAgent()
                try await stage.openAgent("node-2")
                for turn in 1...6 {
                    // node-2 is away over the second, and over the fourth and fifth together.
                    let isAway = [2, 4, 5].contains(turn)
                    if isAway { try await stage.agents["node-2"]?.crash() }
                    try await stage.hub?.crash()
                    // A third while somebody may be away who knows the first alone takes a person's word.
                    if turn > 2 {
                        let refused = try await rotate("root", stage)
                        #expect(refused.code == 1 && refused.remarks.contains("skerry ca retire"))
                        let state = stage.directory + "/hub"
                        #expect(
                            try await stage.skerry(["ca", "retire", "--state", state]).code == 0)
                    }
                    let rotated = try await rotate("root", stage)
                    #expect(rotated.code == 0, "\(rotated.remarks)")
                    try await stage.startHub()
                    let new = try await roots(stage)[0]
                    for node in ["node-1"] + (isAway && turn == 4 ? [] : ["node-2"]) {
                        if node == "node-2", isAway { try await stage.startAgent(node) }
                        try await stage.ready("node/" + node)
                        try await eventually("\(node) to trust root \(turn)") {
                            try await roots(stage, on: node).contains(new)
                        }
                    }
                }
                #expect(try await roots(stage).count <= 3)
            }
        }

        @Test func `a hub works below a root whose key it never had`() async throws {
            try await Stage.with { stage in
                let (vault, hub) = (stage.directory + "/vault", stage.directory + "/hub")
                #expect(try await stage.skerry(["ca", "init", "--to", vault]).code == 0)
                let request = try await stage.skerry(["ca", "request", "--state", hub])
                try Data(request.text.utf8).write(to: URL(fileURLWithPath: vault + "/hub.csr"))
                let signed = try await stage.skerry([
                    "ca", "sign", "--root", vault + "/root.pem", vault + "/hub.csr",
                ])
                try Data(signed.text.utf8).write(to: URL(fileURLWithPath: vault + "/hub.pem"))
                let installed = try await stage.skerry([
                    "ca", "install", "--from", vault + "/hub.pem", "--state", hub,
                ])
                #expect(installed.code == 0)
                try await stage.openHub()
                try await stage.openAgent()
                #expect(!FileManager.default.fileExists(atPath: hub + "/identity/root.pem"))
                let refused = try await rotate("root", stage)
                #expect(refused.code == 1 && refused.remarks.contains("not on this hub"))
                // Once taken in, it is not taken in again.
                let again = try await stage.skerry([
                    "ca", "install", "--from", vault + "/hub.pem", "--state", hub,
                ])
                #expect(again.code == 1)
            }
        }

        private func rotate(_ what: String, _ stage: Stage) async throws -> Answer {
            try await stage.skerry(["ca", "rotate", what, "--state", stage.directory + "/hub"])
        }

        /// The fingerprints of the roots that are trusted there.
        private func roots(_ stage: Stage, on node: String? = nil) async throws -> [String] {
            let answer = try await stage.skerry("get certificates -o json", on: node)
            guard answer.code == 0 else { throw Vain(description: answer.remarks) }
            return try JSONDecoder().decode(CertificateList.self, from: Data(answer.text.utf8))
                .items.filter { $0.role == .root }.map(\.facts.fingerprint)
        }
    }
}
