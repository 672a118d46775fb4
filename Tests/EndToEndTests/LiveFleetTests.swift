import Testing

extension EndToEndTests {
    @Test func `the live fleet of a hub is rehearsed, and nothing happens to it`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(sleeper("shop", seconds: 70_010))
            try await stage.ready("workload/shop")
            let before = try stage.workloadProcesses()

            let answer = try await stage.skerry(
                "simulate --from-hub --lose-node node-1@1m --for 10m")
            #expect(answer.code == 0, "\(answer.remarks)")
            #expect(answer.text.contains("1 node, 1 workload"))
            #expect(answer.text.contains("node node-1 is lost"))
            #expect(answer.text.contains("urban"))
            #expect(try stage.workloadProcesses() == before)

            let unknown = try await stage.skerry("simulate --from-hub --lose-node node-2")
            #expect(unknown.code == 2)
            #expect(unknown.remarks.contains("node-1"), "which nodes there are")
            let local = try await stage.skerry("simulate --from-hub", on: "node-1")
            #expect(local.code == 2)
        }
    }
}
