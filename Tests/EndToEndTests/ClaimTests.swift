import Foundation
import Glibc
import Model
import Testing

extension EndToEndTests {
    /// What the nodes of a mesh take over from each other.
    @Suite struct ClaimTests {
        private func singleton(_ name: String, seconds: Int, rule: String = "") -> String {
            """
            apiVersion: skerry.dev/v1
            kind: Workload
            metadata: {name: \(name)}
            spec:
              tier: 1
              replicas: 1
              stopGrace: 1s
              \(rule)
              containers: [{name: main, command: [sleep, "\(seconds)"]}]
            """
        }

        private func open(_ stage: Stage) async throws {
            try await stage.openHub()
            try await stage.apply(
                "apiVersion: skerry.dev/v1\nkind: Site\nmetadata: {name: urban}\n"
                    + "spec: {pattern: mesh}\n")
            for number in 1...3 { try await stage.openAgent("node-\(number)") }
            try await eventually("all to see all") {
                for number in 1...3 {
                    let answer = try await stage.skerry(
                        "mesh status -o json", on: "node-\(number)")
                    let report = try JSONDecoder().decode(
                        MeshReport.self, from: Data(answer.text.utf8))
                    guard let view = report.items.first, view.peers.count == 2,
                        view.peers.allSatisfy({ $0.liveness == .alive })
                    else { return false }
                }
                return true
            }
        }

        private func claims(at node: String, _ stage: Stage) async throws -> [Tenure] {
            let answer = try await stage.skerry("mesh claims -o json", on: node)
            guard answer.code == 0 else { return [] }
            return try JSONDecoder().decode([Tenure].self, from: Data(answer.text.utf8))
        }

        private func plans(at node: String, _ stage: Stage) async throws -> [NodeID: UInt64] {
            let text = try await stage.skerry("mesh diff -o json", on: node).text
            let held = try JSONDecoder().decode(MeshHoldings.self, from: Data(text.utf8)).items
            return Dictionary(
                held.filter { $0.subject == "Plan/urban" }.map { ($0.node, $0.version) }
            ) { first, _ in first }
        }

        /// The machine is gone, with all that it runs.
        private func powerOff(_ node: String, _ stage: Stage) async throws {
            try await stage.agents[node]?.crash()
            for process in try stage.workloadProcesses()
            where process.container.hasPrefix(node + "/") {
                kill(process.id, SIGKILL)
            }
        }

        private func runners(_ stage: Stage) throws -> [String] {
            try stage.workloadProcesses().map {
                String($0.container.prefix { $0 != "/" })
            }
        }

        @Test
        func
            `what a killed node ran runs on one other without a hub, and stays there when it is back`()
            async throws
        {
            try await Stage.with { stage in
                try await open(stage)
                try await stage.apply(singleton("dispatch", seconds: 71_000))
                try await stage.ready("workload/dispatch")
                let first = try #require(try runners(stage).first)
                let others = (1...3).map { "node-\($0)" }.filter { $0 != first }
                try await eventually("each node to know who holds it") {
                    for number in 1...3 {
                        let known = try await claims(at: "node-\(number)", stage)
                        guard known.count == 1, known[0].holder.text == first, known[0].isHeld
                        else { return false }
                    }
                    return true
                }
                try await stage.hub?.crash()
                try await powerOff(first, stage)
                try await eventually("another node to run it, and it alone") {
                    let runners = try runners(stage)
                    return runners.count == 1 && others.contains(runners[0])
                }
                let heir = try #require(try runners(stage).first)
                try await eventually("all to find it there by its name") {
                    for node in others {
                        let answer = try await stage.skerry("get services -o json", on: node)
                        let found = try JSONDecoder().decode(
                            ServiceList.self, from: Data(answer.text.utf8)
                        ).items
                        guard found.map(\.node.text) == [heir] else { return false }
                    }
                    return true
                }
                let why = try await stage.skerry("why instance/dispatch-0", on: heir).text
                #expect(why.contains("claim") && why.contains("in the place of '\(first)'"))
                let witness = try #require(others.first { $0 != heir })
                #expect(why.contains("acknowledged by '\(witness)'"))

                try await stage.startAgent(first)
                try await eventually("the returned node to know who holds it") {
                    try await claims(at: first, stage).first?.holder.text == heir
                }
                #expect(try runners(stage) == [heir])

                // The hub takes over what its nodes made of it.
                try await stage.startHub()
                try await eventually("the hub to show it there alone") {
                    let instances = try await stage.instances()
                    return instances.count == 1 && instances[0].node.text == heir
                        && instances[0].ready
                }
                try await eventually("the hub to say so as well") {
                    try await stage.skerry("why workload/dispatch").text.contains("claim")
                }
                #expect(try runners(stage) == [heir])
            }
        }

        @Test func `an agent that restarts goes on with what it runs, and nobody takes it over`()
            async throws
        {
            try await Stage.with { stage in
                try await open(stage)
                try await stage.apply(singleton("dispatch", seconds: 71_100))
                try await stage.ready("workload/dispatch")
                let before = try stage.workloadProcesses()
                let holder = try #require(try runners(stage).first)
                try await stage.hub?.crash()
                try await stage.agents[holder]?.crash()
                try await stage.startAgent(holder)
                try await eventually("it to hold its claim again") {
                    try await claims(at: holder, stage).first.map {
                        $0.holder.text == holder && $0.isHeld
                    } ?? false
                }
                #expect(try stage.workloadProcesses() == before)
            }
        }

        @Test
        func `a node whose link is dead has the manifests that it takes over from a neighbour`()
            async throws
        {
            try await Stage.with { stage in
                try await open(stage)
                // node-3 hears of nothing from the hub any more.
                try await stage.agents["node-3"]?.crash()
                stage.variables["SKERRY_HUB"] = "127.0.0.1:1"
                try await stage.startAgent("node-3")
                stage.variables["SKERRY_HUB"] = nil
                try await stage.apply(singleton("dispatch", seconds: 71_200))
                try await stage.ready("workload/dispatch")
                try await eventually("the plan to come by way of a neighbour") {
                    try await claims(at: "node-3", stage).first?.isHeld == true
                }
                // Only the node that the hub does not reach may take it over.
                let first = try #require(try runners(stage).first)
                #expect(first != "node-3")
                let second = first == "node-1" ? "node-2" : "node-1"
                let before = try #require(try await plans(at: "node-3", stage).values.max())
                #expect(try await stage.skerry("cordon \(second)").code == 0)
                try await eventually("node-3 to have the plan of that, too") {
                    let plans = try await self.plans(at: "node-3", stage)
                    guard let newest = plans.values.max(), newest > before else { return false }
                    return plans.count == 3 && plans.values.allSatisfy { $0 == newest }
                }
                try await stage.hub?.crash()
                try await powerOff(first, stage)
                try await eventually("node-3 to run it") { try runners(stage) == ["node-3"] }
            }
        }
    }
}
