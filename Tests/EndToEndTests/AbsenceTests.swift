import Foundation
import Model
import Testing

extension EndToEndTests {
    /// Nodes that come back after days, with clocks that are as late as they would be.
    @Suite struct AbsenceTests {
        @Test(arguments: [72, 7 * 24, 30 * 24])
        func `a node that was off for days comes back by itself`(hours: Int) async throws {
            try await Stage.with { stage in
                let clocks = try await open(stage, seconds: 7_300)
                let before = try stage.workloadProcesses()

                try await stage.agents["node-1"]?.crash()
                try clocks.set(hub: hours, node: hours)
                try await stage.startAgent()
                try await stage.ready("node/node-1")
                #expect(try stage.workloadProcesses() == before)
            }
        }

        @Test
        func `a node that boots in 1970 after a month serves at once and comes back by itself`()
            async throws
        {
            try await Stage.with { stage in
                let clocks = try await open(stage, seconds: 7_301)
                let before = try stage.workloadProcesses()

                try await stage.hub?.crash()
                try await stage.agents["node-1"]?.crash()
                try forgetBoot(stage.directory + "/node-1/identity/clock.json")
                try clocks.set(hub: 30 * 24, node: -56 * 365 * 24)
                try await stage.startAgent()
                #expect(try stage.workloadProcesses() == before)
                stage.variables = clocks.hub
                try await stage.startHub()
                try await stage.ready("node/node-1")
                #expect(try stage.workloadProcesses() == before)
            }
        }

        @Test func `a node that was deleted meanwhile does not come back, and its work goes on`()
            async throws
        {
            try await Stage.with { stage in
                let clocks = try await open(stage, seconds: 7_302)
                let before = try stage.workloadProcesses()
                try await stage.agents["node-1"]?.crash()
                #expect(try await stage.skerry("delete node node-1").code == 0)
                try clocks.set(hub: 7 * 24, node: 7 * 24)
                let agent = try await stage.startAgent()
                try await eventually("the node to say that it was refused, and what to do") {
                    try agent.remarks.contains("to enrol it again")
                }
                #expect(try await stage.list("nodes").isEmpty)
                #expect(try stage.workloadProcesses() == before)
            }
        }

        /// A hub and a node with clocks of their own, and a workload that runs.
        private func open(_ stage: Stage, seconds: Int) async throws -> Clocks {
            let clocks = Clocks(of: stage)
            try clocks.set(hub: 0, node: 0)
            stage.variables = clocks.hub
            try await stage.openHub()
            stage.variables = clocks.node
            try await stage.openAgent()
            try await stage.apply(sleeper("till", seconds: seconds))
            try await stage.ready("workload/till")
            return clocks
        }

        /// As if the machine had booted since.
        private func forgetBoot(_ path: String) throws {
            let url = URL(fileURLWithPath: path)
            var text = try String(contentsOf: url, encoding: .utf8)
            text = text.replacing(/"boot":\d+/, with: "\"boot\":7")
            try text.write(to: url, atomically: false, encoding: .utf8)
        }
    }

    /// The clocks of a hub and of a node, moved by hand.
    struct Clocks {
        let hub: [String: String]
        let node: [String: String]
        private let paths: (hub: String, node: String)

        init(of stage: Stage) {
            paths = (stage.directory + "/hub.clock", stage.directory + "/node.clock")
            let library = stage.binaries + "/libClockShim.so"
            hub = ["LD_PRELOAD": library, "SKERRY_TEST_CLOCK": paths.hub]
            node = ["LD_PRELOAD": library, "SKERRY_TEST_CLOCK": paths.node]
        }

        func set(hub: Int, node: Int) throws {
            try Clocks.set(paths.hub, ahead: hub)
            try Clocks.set(paths.node, ahead: node)
        }

        static func set(_ path: String, ahead hours: Int) throws {
            let seconds = withUnsafeBytes(of: Int64(hours) * 3_600) { Data($0) }
            if let file = FileHandle(forUpdatingAtPath: path) {
                // In place: processes have the file mapped.
                try file.write(contentsOf: seconds)
                try file.close()
            } else {
                try seconds.write(to: URL(fileURLWithPath: path))
            }
        }
    }
}
