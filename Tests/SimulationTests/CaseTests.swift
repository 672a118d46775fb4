import Foundation
import Simulation
import Testing

/// The cases of the article, small.
@Suite struct CaseTests {
    private func run(
        _ study: CaseStudy, sites: Double, hours: Double, seed: Double = 1
    ) throws -> CaseResult {
        let file = URL(filePath: #filePath)
            .appending(path: "../../../Fixtures/cases/\(study.rawValue).case").standardizedFileURL
        let text = try String(contentsOf: file, encoding: .utf8)
        var assumptions = try Assumptions(text, names: study.names)
        assumptions["sites"] = sites
        assumptions["hours"] = hours
        assumptions["seed"] = seed
        return study.run(assumptions)
    }

    @Test(arguments: [
        (CaseStudy.retail, 3.0, 168.0), (.automotive, 2, 72), (.mining, 2, 48), (.telecom, 2, 1),
    ])
    func `a case holds what the article claims`(
        study: CaseStudy, sites: Double, hours: Double
    ) throws {
        let result = try run(study, sites: sites, hours: hours)
        #expect(result.violation == nil)
        #expect(result.holds, "\(result.claims)")
        #expect(!result.limits.isEmpty)
    }

    @Test func `a baseline loses what the article says that it loses`() throws {
        let result = try run(.mining, sites: 1, hours: 48)
        let row = try #require(result.rows.first)
        let baseline = try #require(Double(row.baseline.split(separator: " ")[0]))
        #expect((50..<70).contains(baseline), "out of reach for 10 h of 24, less 5 min")
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
