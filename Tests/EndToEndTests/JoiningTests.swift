import Model
import Testing

extension EndToEndTests {
    @Test func `a token joins one node and no second one`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            let token = try await stage.token()
            try await stage.startAgent(token: token)
            let remark = try await refusal(stage, "node-2", token: token)
            #expect(remark.contains("token"))
            #expect(try await stage.list("nodes").count == 1)
        }
    }

    @Test func `a token joins nobody when its time is over`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            let token = try await stage.token(validFor: "1s")
            let issued = ContinuousClock.now
            try await eventually("it to expire") { ContinuousClock.now - issued > .seconds(2) }
            let remark = try await refusal(stage, "node-1", token: token)
            #expect(remark.contains("expired"))
            #expect(try await stage.list("nodes").isEmpty)
        }
    }

    @Test func `a token that nobody issued is refused in one sentence`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            for token in ["", "rubbish", String(try await stage.token().dropLast(3)) + "AAA"] {
                let remark = try await refusal(stage, "node-1", token: token)
                #expect(remark.split(separator: "\n").count <= 2)
                #expect(remark.contains("token"))
            }
        }
    }

    @Test func `a node that was deleted is refused, and its work goes on`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(sleeper("quiet", seconds: 7004))
            try await stage.ready("workload/quiet")
            let before = try stage.workloadProcesses()
            #expect(try await stage.skerry("delete node node-1").code == 0)
            try await stage.agents["node-1"]?.crash()
            try await stage.startAgent()
            let agent = try #require(stage.agents["node-1"])
            try await eventually("the node to say that it was refused, and what to do") {
                try agent.remarks.contains("to enrol it again")
            }
            #expect(try await stage.list("nodes").isEmpty)
            #expect(try stage.workloadProcesses() == before)
            #expect(try await stage.skerry("get nodes", on: "node-1").text.contains(",Refused"))
            let portrait = try await stage.skerry("describe node node-1", on: "node-1")
            #expect(portrait.text.contains("Contact"))
            #expect(portrait.text.contains("to enrol it again"))
            let events = try await stage.skerry("events", on: "node-1")
            #expect(events.text.contains("NoContact"))
            #expect(events.text.contains("to enrol it again"))
        }
    }

    @Test func `a node that finds another hub at the address says so, and its work goes on`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(sleeper("quiet", seconds: 7006))
            try await stage.ready("workload/quiet")
            let before = try stage.workloadProcesses()
            try await stage.hub?.crash()
            try await stage.openHub("other")
            let agent = try #require(stage.agents["node-1"])
            try await eventually("the node to say that this is another hub, and what to do") {
                try agent.remarks.contains("the hub's certificate is not accepted")
            }
            let remark = try agent.remarks
            #expect(remark.contains("in contact with the hub"))
            #expect(remark.contains("lost the hub"))
            #expect(remark.contains("check the address, or enrol this node there"))
            #expect(remark.split(separator: "\n").count < 8)
            let portrait = try await stage.skerry("describe node node-1", on: "node-1")
            #expect(portrait.text.contains("not signed by the authority"))
            #expect(try await stage.list("nodes").isEmpty)

            // Nor does it obey the other one when it starts anew.
            try await agent.crash()
            try await stage.startAgent()
            #expect(try await stage.instances(on: "node-1").map(\.ready) == [true])
            #expect(try stage.workloadProcesses() == before)

            try await stage.hub?.crash()
            try await stage.openHub()
            let again = try #require(stage.agents["node-1"])
            try await eventually("the node to be back at its own hub") {
                try again.remarks.contains("in contact with the hub")
            }
            #expect(try stage.workloadProcesses() == before)
        }
    }

    @Test func `an engine that is absent is shown as that, with the reason`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            let socket = stage.directory + "/no-engine.sock"
            try await stage.startAgent(token: try await stage.token(), engine: socket)
            try await stage.ready("node/node-1")
            for node in [nil, "node-1"] {
                try await eventually("the engine to be shown as absent") {
                    try await stage.skerry("get nodes", on: node).text.contains("absent")
                }
                let portrait = try await stage.skerry("describe node node-1", on: node).text
                #expect(portrait.contains("absent: "))
                #expect(portrait.contains(socket))
            }
        }
    }

    @Test func `two agents do not share one state directory`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            let second = try await stage.startAgent("node-2", state: "node-1", answers: false)
            #expect(try await second.ended() != 0)
            #expect(try second.remarks.contains("another"))
            #expect(try await stage.skerry("version", on: "node-1").code == 0)
        }
    }

    /// What an agent that could not join says at its end.
    private func refusal(_ stage: Stage, _ node: String, token: String) async throws -> String {
        let program = try await stage.startAgent(node, token: token, answers: false)
        #expect(try await program.ended() != 0)
        return try program.remarks
    }
}
