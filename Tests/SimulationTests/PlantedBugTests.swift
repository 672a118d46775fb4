import Simulation
import Testing

/// Each check has a bug that it must find: a check that lets its bug pass is worth nothing.
@Suite struct PlantedBugTests {
    @Test func `machines as they are break nothing`() {
        for seed in PlantedBugTests.seeds.prefix(4) {
            let failure = PlantedBugTests.scenario.run(seed: seed).failure
            #expect(failure == nil, "seed \(seed)")
        }
    }

    @Test func `equal seeds take equal paths, with wall clocks that jump or without`() {
        for seed in UInt64(1)...2 {
            #expect(PlantedBugTests.scenario.runTwice(seed: seed).failure == nil)
        }
        let hashes = [5, 6].map { PlantedBugTests.scenario.run(seed: $0).hash }
        #expect(hashes[0] != hashes[1])
    }

    /// The measure of the simulator: what the seeds of one CI run, which are these, find.
    @Test func `the seeds of one run find at least 14 of 15 planted bugs, and each by its name`() {
        var missed: [String] = []
        for bug in PlantedBug.all {
            guard
                let report = bug.hunt(PlantedBugTests.scenario, seeds: PlantedBugTests.seeds),
                let failure = report.failure
            else {
                print("missed: \(bug.name)")
                missed.append(bug.name)
                continue
            }
            print(
                "found: \(bug.name): \(failure.invariant.rawValue), seed \(report.seed): "
                    + failure.message)
            let isNamed = bug.breaks.contains(failure.invariant)
            #expect(isNamed, "\(bug.name): \(failure)")
        }
        let found = PlantedBug.all.count - missed.count
        print("found \(found) of \(PlantedBug.all.count) planted bugs")
        #expect(PlantedBug.all.count >= 15)
        #expect(found * 15 >= PlantedBug.all.count * 14, "missed: \(missed)")
    }

    private static let scenario = Scenario(nodes: 3, horizon: .seconds(2_400))
    private static let seeds = UInt64(1)...12
}
