import Foundation
import Model
import Testing

extension EndToEndTests {
    /// Nodes of one site that know of each other without their hub.
    @Suite struct MeshTests {
        private func view(of node: String, _ stage: Stage) async throws -> MeshView? {
            let answer = try await stage.skerry("mesh status -o json", on: node)
            guard answer.code == 0 else { return nil }
            return try JSONDecoder().decode(MeshReport.self, from: Data(answer.text.utf8)).items
                .first
        }

        private func sees(
            _ liveness: Liveness, of subject: NodeID, _ observer: String, _ stage: Stage
        ) async throws -> Bool {
            try await view(of: observer, stage)?.standings[subject] == liveness
        }

        private func openThree(_ stage: Stage) async throws {
            try await stage.openHub()
            for number in 1...3 { try await stage.openAgent("node-\(number)") }
            try await eventually("all to see all") {
                for number in 1...3 {
                    let standings = try await view(of: "node-\(number)", stage)?.standings ?? [:]
                    guard standings.count == 2, standings.values.allSatisfy({ $0 == .alive })
                    else { return false }
                }
                return true
            }
        }

        @Test func `nodes see each other without a hub, through a death and an offline reboot`()
            async throws
        {
            try await Stage.with { stage in
                try await openThree(stage)
                try await stage.hub?.crash()
                try await stage.agents["node-3"]?.crash()
                try await eventually("the others to call it failed") {
                    let first = try await sees(.failed, of: "node-3", "node-1", stage)
                    let second = try await sees(.failed, of: "node-3", "node-2", stage)
                    return first && second
                }
                let before = try #require(try await view(of: "node-1", stage))
                // From its own disk, with nobody to ask.
                try await stage.startAgent("node-3")
                try await eventually("all to see it again, and it them") {
                    let first = try await sees(.alive, of: "node-3", "node-1", stage)
                    let second = try await sees(.alive, of: "node-1", "node-3", stage)
                    return first && second
                }
                #expect(try await view(of: "node-3", stage)?.roster == before.roster)
                let events = try await stage.skerry("events", on: "node-1").text
                #expect(events.contains("NeighbourFailed") && events.contains("NeighbourBack"))
            }
        }

        @Test
        func `a node whose own link is dead takes signed policy from a neighbour, and keeps it`()
            async throws
        {
            try await Stage.with { stage in
                let desk = try await Desk(stage)
                stage.hubSettings = ["--policy-keys", desk.key + ".pub"]
                try await openThree(stage)
                try await stage.agents["node-3"]?.crash()
                stage.variables["SKERRY_HUB"] = "127.0.0.1:1"
                try await stage.startAgent("node-3")
                stage.variables["SKERRY_HUB"] = nil

                let first = try await desk.sign(1, rows: "[{domain: update, verdict: hold}]")
                #expect(try await stage.skerry("apply -f \(first)").code == 0)
                try await eventually("the policy to come by way of a neighbour") {
                    try await stage.authority(on: "node-3").contains("with freeze@1")
                }
                #expect(try await stage.authority(on: "node-3").contains("hold central"))
                #expect(
                    try await stage.skerry("events", on: "node-3").text.contains("PolicyCarried"))
                // It came from the one of the two that said first that it has it; the other says so,
                // too, in time.
                try await eventually("the word of node-1 that it has it, too") {
                    let holdings = try await stage.skerry("mesh diff -o json", on: "node-3").text
                    let held = try JSONDecoder().decode(
                        MeshHoldings.self, from: Data(holdings.utf8)
                    ).items.filter { $0.subject == "Policy/freeze" && $0.version == 1 }
                    return held.map(\.node).contains("node-1")
                }
                let trace = try await stage.skerry("mesh trace freeze", on: "node-3")
                #expect(trace.text.contains("node-1") && trace.code == 0)
                #expect(try await stage.skerry("mesh trace nothing", on: "node-3").code == 3)

                // By now it is its own, with nobody to ask.
                try await stage.hub?.crash()
                for number in 1...3 { try await stage.agents["node-\(number)"]?.crash() }
                stage.variables["SKERRY_HUB"] = "127.0.0.1:1"
                try await stage.startAgent("node-3")
                #expect(try await stage.authority(on: "node-3").contains("with freeze@1"))
            }
        }

        @Test(arguments: ["sessions", "mtls"])
        func `who policy does not let speak is heard by no neighbour, and hears none`(
            security: String
        ) async throws {
            try await Stage.with { stage in
                stage.variables["SKERRY_MESH_SECURITY"] = security
                try await openThree(stage)
                try await stage.rule(
                    """
                    @id("quiet")
                    forbid(principal == Node::"node-2", action == Action::"peer", resource);
                    """, version: 1)
                try await eventually("the neighbours to hear nothing of node-2") {
                    let first = try await sees(.failed, of: "node-2", "node-1", stage)
                    let third = try await sees(.failed, of: "node-2", "node-3", stage)
                    return first && third
                }
                // It obeys the rule as they do, but nobody has to rely on that.
                let own = try #require(try await view(of: "node-2", stage))
                #expect(own.standings.values.allSatisfy { $0 != .alive })
                #expect(try await sees(.alive, of: "node-3", "node-1", stage))
                try await stage.rule("", version: 2)
                try await eventually("all to hear it again") {
                    let first = try await sees(.alive, of: "node-2", "node-1", stage)
                    let second = try await sees(.alive, of: "node-1", "node-2", stage)
                    return first && second
                }
            }
        }

        @Test func `nodes with mutual TLS hear each other without a hub, and none with sessions`()
            async throws
        {
            try await Stage.with { stage in
                try await stage.openHub()
                stage.variables["SKERRY_MESH_SECURITY"] = "mtls"
                try await stage.openAgent("node-1")
                try await stage.openAgent("node-2")
                stage.variables["SKERRY_MESH_SECURITY"] = nil
                try await stage.openAgent("node-3")
                try await eventually("the two to see each other, and say who does otherwise") {
                    let first = try await sees(.alive, of: "node-2", "node-1", stage)
                    let second = try await sees(.alive, of: "node-1", "node-2", stage)
                    let words = try stage.agents["node-1"]?.remarks ?? ""
                    let others = try stage.agents["node-3"]?.remarks ?? ""
                    return first && second
                        && words.contains("is 'mtls' here and 'sessions' at 'node-3'")
                        && others.contains("is 'sessions' here and 'mtls' at 'node-1'")
                }
                // From disk, at the same port, with nobody to ask.
                stage.variables["SKERRY_MESH_SECURITY"] = "mtls"
                try await stage.hub?.crash()
                try await stage.agents["node-2"]?.crash()
                try await eventually("the other to call it failed") {
                    try await sees(.failed, of: "node-2", "node-1", stage)
                }
                try await stage.startAgent("node-2")
                try await eventually("both to see each other again") {
                    let first = try await sees(.alive, of: "node-2", "node-1", stage)
                    let second = try await sees(.alive, of: "node-1", "node-2", stage)
                    return first && second
                }
                let third = try #require(try await view(of: "node-3", stage))
                #expect(third.standings.values.allSatisfy { $0 == .unknown })
                #expect(try await sees(.unknown, of: "node-3", "node-1", stage))
            }
        }

        private func services(at node: String, _ stage: Stage) async throws -> [ServiceEndpoint] {
            let answer = try await stage.skerry("get services -o json", on: node)
            guard answer.code == 0 else { throw Vain(description: answer.remarks) }
            return try JSONDecoder().decode(ServiceList.self, from: Data(answer.text.utf8)).items
        }

        @Test func `services are found without a hub, and none of a node that is gone`()
            async throws
        {
            try await Stage.with { stage in
                try await openThree(stage)
                // Without ports: these three nodes would pick theirs from one range.
                try await stage.apply(sleeper("till", seconds: 7_400))
                try await stage.ready("workload/till")
                try await eventually("each node to know of all three") {
                    for number in 1...3 {
                        let found = try await services(at: "node-\(number)", stage)
                        guard found.count == 3, found[0].node.text == "node-\(number)",
                            found[0].isLocal
                        else { return false }
                    }
                    return true
                }
                try await stage.hub?.crash()
                try await stage.agents["node-2"]?.crash()
                try await eventually("the service of the dead node to be gone") {
                    try await services(at: "node-1", stage).map(\.node) == ["node-1", "node-3"]
                }
                #expect(try await stage.skerry("get services nothing", on: "node-1").code == 3)
                // Nobody but itself is here, whatever was said before.
                try await stage.agents["node-3"]?.crash()
                try await stage.agents["node-1"]?.crash()
                try await stage.startAgent("node-1")
                try await eventually("its own to serve") {
                    try await services(at: "node-1", stage).map(\.node) == ["node-1"]
                }
            }
        }

        @Test func `a node whose own link is dead is vouched for by its peers`() async throws {
            try await Stage.with { stage in
                try await openThree(stage)
                try await stage.agents["node-3"]?.crash()
                stage.variables["SKERRY_HUB"] = "127.0.0.1:1"
                try await stage.startAgent("node-3")
                try await eventually("the hub to show it as vouched for") {
                    try await stage.skerry("get node node-3").text.contains("Vouched")
                }
                let words = try await stage.skerry("describe node node-3").text
                #expect(words.contains("seen by 'node-"))
                let status = try await stage.skerry("mesh status -o wide").text
                #expect(status.contains("node-1") && status.contains("alive"))
                // Dead as well as cut off, it is vouched for no more.
                try await stage.agents["node-3"]?.crash()
                try await eventually("nobody to vouch for it") {
                    try await stage.skerry("get node node-3").text.contains("Autonomous")
                }
            }
        }
    }
}
