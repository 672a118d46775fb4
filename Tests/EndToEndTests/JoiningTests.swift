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
                try agent.remarks.contains("enrol it again")
            }
            #expect(try await stage.list("nodes").isEmpty)
            #expect(try stage.workloadProcesses() == before)
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
