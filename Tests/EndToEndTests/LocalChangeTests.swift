import Foundation
import Testing

extension EndToEndTests {
    /// People at a node that has lost its hub, and what becomes of it when the hub is back.
    @Suite struct LocalChangeTests {
        private let kiosk = sleeper("kiosk", seconds: 7_001).replacing(
            "replicas: perNode", with: "replicas: 1")

        @Test func `what is changed at a cut-off node survives and is settled by a person`()
            async throws
        {
            try await Stage.with { stage in
                try await stage.openHub()
                try await stage.openAgent()
                try await stage.apply(sleeper("till", seconds: 7_000))
                try await stage.ready("workload/till")
                #expect(
                    try await stage.skerry(["apply", "-f", "-"], on: "node-1", input: kiosk).code
                        == 4, "in contact it is the hub's to decide")

                try await stage.hub?.crash()
                try await eventually("the node to have noticed") {
                    let change = try await stage.skerry(
                        ["apply", "-f", "-"], on: "node-1", input: kiosk)
                    return change.code == 0
                }
                let refused = try await stage.skerry(
                    ["apply", "-f", "-"], on: "node-1", input: sleeper("till", seconds: 7_002))
                #expect(refused.code == 4)
                #expect(refused.remarks.contains("{domain: update, reach: alone"))
                try await eventually("the new workload to run") {
                    try words(on: stage).contains("7001")
                }

                try await stage.agents["node-1"]?.crash()
                try await stage.startAgent()
                #expect(try await stage.skerry("get changes", on: "node-1").text.contains("kiosk"))

                let before = try stage.workloadProcesses()
                try await stage.startHub()
                try await stage.ready("node/node-1")
                try await eventually("the hub to have it") {
                    try await stage.skerry("get changes").text.contains("kiosk")
                }
                #expect(try stage.workloadProcesses() == before, "the return restarts nothing")
                #expect(try await stage.skerry("get workload kiosk").code == 3)

                let kept = try await stage.skerry(
                    "resolve workload/kiosk --node node-1 --keep node")
                #expect(kept.code == 0, "\(kept.remarks)")
                try await stage.ready("workload/kiosk")
                #expect(try stage.workloadProcesses() == before)
                #expect(try await stage.skerry("resolve kiosk --node node-1 --keep hub").code == 3)
            }
        }

        private func words(on stage: Stage) throws -> [String] {
            try stage.workloadProcesses().flatMap(\.words)
        }
    }
}
