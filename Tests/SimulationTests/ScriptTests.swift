import Foundation
import Simulation
import Testing

/// What a seed draws and a failure leaves behind, as text that people read and edit.
@Suite struct ScriptTests {
    private let scenario = Scenario(nodes: 3, horizon: .seconds(2_400))

    @Test func `a script is what its text says`() throws {
        for seed in UInt64(1)...20 {
            let script = Script(seed: seed, scenario: scenario)
            #expect(try Script(script.text) == script)
        }
    }

    @Test func `a script runs like the seed that drew it`() throws {
        let text = Script(seed: 3, scenario: scenario).text
        #expect(try scenario.run(Script(text)).hash == scenario.run(seed: 3).hash)
    }

    @Test func `all mistakes of a script are told at once, each with its line`() throws {
        let text = """
            # a comment
            seed many
            nodes 0
            rate luck 0.5
            at 10 earthquake n1 for 5 draw 1
            at 10 partition n1 5
            hello
            """
        let mistakes = try #require(throws: ScriptMistakes.self) { try Script(text) }
        #expect(mistakes.all.map(\.line) == [2, 3, 4, 5, 6, 7])
        #expect(mistakes.description.contains("line 4: there is no rate 'luck'"))
        #expect(mistakes.description.contains("line 5: there is no fault 'earthquake'"))
    }

    @Test func `a failing seed shrinks to a few mishaps that break the same`() throws {
        let bug = try #require(PlantedBug.all.first { $0.name.contains("because the hub is gone") })
        var scenario = scenario
        scenario.tampering = bug.plant()
        let script = Script(seed: 1, scenario: scenario)
        let failure = try #require(scenario.run(script).failure)

        var shrinker = Shrinker(
            scenario: scenario, script: script, failure: failure, events: 500_000)
        let short = shrinker.shrink()
        #expect(short.mishapCount <= 5)
        #expect(scenario.run(short).failure?.invariant == failure.invariant)
    }

    @Test(arguments: try fixtures()) func `what broke once stays whole`(name: String) throws {
        let text = try String(contentsOf: directory.appending(path: name), encoding: .utf8)
        let failure = try Scenario().run(Script(text)).failure
        #expect(failure == nil, "\(name)")
    }
}

/// Scripts that seeds shrank to; each broke something when it was kept.
private let directory = URL(filePath: #filePath)
    .appending(path: "../../../Fixtures/scenarios").standardizedFileURL

private func fixtures() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path)
        .filter { $0.hasSuffix(".script") }.sorted()
}
