import Foundation
import Glibc
import Model
import Testing

extension EndToEndTests {
    /// Clocks that are wrong and disks that are full, under the whole program.
    @Suite struct ClockAndDiskTests {
        @Test func `wall clocks that jump three days cost no contact, no restart and no change`()
            async throws
        {
            try await Stage.with { stage in
                let clocks = (
                    hub: stage.directory + "/hub.clock", node: stage.directory + "/node.clock"
                )
                try Clocks.set(clocks.hub, ahead: 0)
                try Clocks.set(clocks.node, ahead: 0)
                stage.variables = shim(clocks.hub, stage)
                try await stage.openHub()
                stage.variables = shim(clocks.node, stage)
                try await stage.openAgent()
                try await stage.apply(sleeper("till", seconds: 7_100))
                try await stage.ready("workload/till")
                let before = try stage.workloadProcesses()

                for (path, hours) in [(clocks.hub, 72), (clocks.node, 72), (clocks.hub, 0)] {
                    try Clocks.set(path, ahead: hours)
                    if path == clocks.hub { #expect(try await isShifted(stage, by: hours)) }
                    try await stage.agents["node-1"]?.crash()
                    try await stage.startAgent()
                    try await stage.ready("node/node-1")
                    #expect(try stage.workloadProcesses() == before, "\(path) \(hours) h ahead")
                }

                // With a clock before its certificate a node cannot greet anew; what it has goes on.
                try Clocks.set(clocks.node, ahead: -72)
                stage.variables = [:]
                try await stage.apply(sleeper("kiosk", seconds: 7_101))
                try await eventually("a change to arrive while the node's clock is behind") {
                    try stage.workloadProcesses().contains { $0.words.contains("7101") }
                }
                #expect(Set(try stage.workloadProcesses()).isSuperset(of: before))
                #expect(try await stage.instances().allSatisfy { $0.restarts == 0 })
                try await stage.ready("node/node-1")
            }
        }

        private func shim(_ clock: String, _ stage: Stage) -> [String: String] {
            ["LD_PRELOAD": stage.binaries + "/libClockShim.so", "SKERRY_TEST_CLOCK": clock]
        }

        @Test(.enabled(if: geteuid() == 0, "mounting a small disk needs root"))
        func `a hub whose disk is full refuses changes, goes on answering, and recovers`()
            async throws
        {
            try await Stage.with { stage in
                let disk = stage.directory + "/hub"
                try FileManager.default.createDirectory(
                    atPath: disk, withIntermediateDirectories: true)
                try #require(mount("tmpfs", disk, "tmpfs", 0, "size=24m") == 0)
                defer { umount2(disk, Int32(MNT_DETACH)) }
                try await stage.openHub()
                try await stage.openAgent()
                try await stage.apply(sleeper("till", seconds: 7_200))
                try await stage.ready("workload/till")
                let before = try stage.workloadProcesses()

                let filler = disk + "/filler"
                var serial = 0
                try await eventually("a change to be refused") {
                    try fill(filler)
                    serial += 1
                    let answer = try await stage.skerry(
                        ["apply", "-f", "-"],
                        input: sleeper("w\(serial % 9)", seconds: 8_000 + serial))
                    return answer.code == 1 && answer.remarks.contains("cannot write to its store")
                }
                #expect(try await stage.skerry("get nodes").code == 0)
                try await stage.ready("node/node-1")
                #expect(Set(try stage.workloadProcesses()).isSuperset(of: before))

                try FileManager.default.removeItem(atPath: filler)
                try await eventually("a change to be taken again") {
                    try await stage.skerry(
                        ["apply", "-f", "-"], input: sleeper("till", seconds: 7_201)
                    ).code == 0
                }
                try await eventually("it to arrive") {
                    try stage.workloadProcesses().contains { $0.words.contains("7201") }
                }
            }
        }

        /// Whether the hub really sees the other time.
        private func isShifted(_ stage: Stage, by hours: Int) async throws -> Bool {
            struct Answer: Decodable { var asOf: String }
            let text = try await stage.skerry("get sites -o json").text
            let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            let difference =
                try style.parse(answer.asOf).timeIntervalSinceNow - Double(hours) * 3_600
            return abs(difference) < 60
        }

        private func fill(_ path: String) throws {
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            try #require(file >= 0)
            defer { close(file) }
            for size in [65_536, 512] {
                let block = [UInt8](repeating: 0x78, count: size)
                while write(file, block, size) > 0 {}
            }
        }
    }
}
