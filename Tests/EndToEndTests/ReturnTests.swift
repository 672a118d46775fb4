import Foundation
import Glibc
import Model
import Testing

extension EndToEndTests {
    @Test func `a copied node is flagged and turned away, and the original's work goes on`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(routes("routes"))
            try await stage.ready("workload/routes")
            let before = try stage.workloadProcesses()
            #expect(before.count == 1)

            // The disk of a machine that was off for a moment, put into another one.
            try await stage.agents["node-1"]?.crash()
            try stage.copy("node-1", to: "copy", without: "processes")
            try await stage.startAgent()
            try await stage.ready("node/node-1")
            try await stage.startAgent("copy")

            try await eventually("the clone to be flagged", within: .seconds(60)) {
                try await stage.skerry("describe node node-1").text.contains("IdentityCloned")
            }
            try await eventually("the clone to be turned away") {
                try await stage.skerry("describe node node-1", on: "copy").text
                    .contains("copy of its identity")
            }
            try await stage.ready("node/node-1")
            #expect(try await stage.skerry("events").text.contains("IdentityCloned"))
            #expect(Set(try stage.workloadProcesses()).isSuperset(of: before))
            #expect(try await stage.instances().map(\.restarts) == [0])
        }
    }

    @Test func `a hub put back from a backup rolls nobody back, and a person settles it`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(sleeper("shop", seconds: 70_001))
            try await stage.ready("workload/shop")
            try await stage.hub?.endWell()
            try stage.copy("hub", to: "backup")

            try await stage.startHub()
            try await stage.ready("node/node-1")
            try await stage.apply(sleeper("shop", seconds: 70_002))
            try await eventually("the newer version to run") {
                let words = try stage.workloadProcesses().map(\.words)
                // The program itself, not the shell that becomes it.
                return words.count == 1 && words[0].count == 2 && words[0][1] == "70002"
            }
            let newer = try stage.workloadProcesses()

            try await stage.hub?.crash()
            try await stage.startHub("backup", adding: ["--restored"])
            try await eventually("the node to be compared and paused") {
                try await stage.skerry("get nodes").text.contains("ConflictPaused")
            }
            let conflicts = try await stage.skerry("get conflicts").text
            #expect(conflicts.contains("workload/shop"))
            #expect(conflicts.contains("specs differ"))
            let texts = try await stage.skerry("get conflicts -o yaml").text
            #expect(texts.contains("70001") && texts.contains("70002"))
            #expect(try stage.workloadProcesses() == newer)

            let answer = try await stage.skerry("resolve node/node-1 --keep node")
            #expect(answer.code == 0, "\(answer.remarks)")
            try await stage.ready("node/node-1")
            #expect(try await stage.skerry("get workload shop -o yaml").text.contains("70002"))
            #expect(try stage.workloadProcesses() == newer)
            #expect(try await stage.skerry("get conflicts").text.isEmpty)

            // The hub that was given up comes back, and is refused by the node that met the newer one.
            try await stage.hub?.crash()
            try await stage.startHub()
            try await eventually("the older hub to see that it is one") {
                try await stage.skerry("get nodes").text.contains("Superseded")
            }
            #expect(try stage.workloadProcesses() == newer)
            #expect(try await stage.skerry("get compliance").text.contains("100.0 %"))
        }
    }
}

extension Program {
    /// Ends it as a service manager would, and waits until it is gone.
    fileprivate func endWell() async throws {
        signal(SIGTERM)
        _ = try await ended()
    }
}

extension Stage {
    /// Copies a directory of the stage, as a backup or another machine would get it.
    func copy(_ name: String, to copy: String, without part: String? = nil) throws {
        let target = directory + "/" + copy
        try FileManager.default.copyItem(atPath: directory + "/" + name, toPath: target)
        if let part { try FileManager.default.removeItem(atPath: target + "/" + part) }
    }
}
