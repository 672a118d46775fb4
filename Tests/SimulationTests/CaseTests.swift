import Foundation
import Simulation
import Testing

/// The cases of the article, small.
@Suite struct CaseTests {
    private func run(
        _ study: CaseStudy, sites: Double, hours: Double, seed: Double = 1,
        _ others: [String: Double] = [:]
    ) throws -> CaseResult {
        let file = URL(filePath: #filePath)
            .appending(path: "../../../Fixtures/cases/\(study.rawValue).case").standardizedFileURL
        let text = try String(contentsOf: file, encoding: .utf8)
        var assumptions = try Assumptions(text, names: study.names)
        assumptions["sites"] = sites
        assumptions["hours"] = hours
        assumptions["seed"] = seed
        for (name, value) in others { assumptions[name] = value }
        return study.run(assumptions)
    }

    @Test(arguments: [
        (CaseStudy.retail, 3.0, 168.0), (.automotive, 2, 72), (.telecom, 2, 1),
    ])
    func `a case holds what the article claims`(
        study: CaseStudy, sites: Double, hours: Double
    ) throws {
        let result = try run(study, sites: sites, hours: hours)
        #expect(result.violation == nil)
        #expect(result.holds, "\(result.claims)")
        #expect(!result.limits.isEmpty)
    }

    /// An hour and a half of the two weeks, all of it without the hub, with many more faults.
    @Test func `a mine out of reach of its hub takes over from nodes that break, on its mesh`()
        throws
    {
        let result = try run(
            .mining, sites: 1, hours: 1.5, seed: 2,
            ["breakdownsPerWeek": 150, "repairHours": 0.05, "rebootsPerWeek": 0.01])
        #expect(result.violation == nil)
        let figures = Dictionary(result.rows.map { ($0.figure, $0.ours) }) { first, _ in first }
        let moves = try #require(figures["began again on another node"].flatMap { Int($0) })
        #expect(moves >= 2)
        let words = try #require(figures["availability of Tier 1"]).split(separator: " ")
        let availability = try #require(Double(words[0]))
        // Each breakdown costs its workload a quarter of a minute of ninety, as long as no two nodes of
        // three are broken at once: a node that has lost half of its mesh takes nothing over.
        #expect(availability > 99)
        #expect(figures["in two places at once, a workload and day"] == "0.000 min")
        #expect(result.claims.last?.holds == true, "\(result.claims)")
    }

    @Test func `assumptions without a source, unknown or missing are all named`() {
        #expect(throws: ScriptMistakes.self) {
            try Assumptions("seed 1\nsites x y\nfoo 1 bar", names: ["seed", "sites", "hours"])
        }
        do {
            _ = try Assumptions("seed 1\nsites x y\nfoo 1 bar", names: ["seed", "sites", "hours"])
        } catch {
            #expect(error.all.map(\.line) == [1, 2, 3, 0, 0, 0])
        }
    }
}
