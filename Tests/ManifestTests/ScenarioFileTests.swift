import Foundation
import Manifest
import Model
import Testing

@Suite struct ScenarioFileTests {
    private let fleet = ScenarioFile.Fleet(
        sites: ["rural", "suburban", "urban"],
        nodes: ["rural-1", "rural-2", "suburban-1", "urban-1", "urban-2"],
        workloads: ["map-tiles", "route-optimizer", "route-trial"])

    private func read(_ spec: String) -> ScenarioFile.Reading {
        let text = """
            apiVersion: skerry.dev/v1
            kind: Scenario
            metadata: {name: storm}
            spec:
            \(spec)
            """
        return ScenarioFile.read(
            ManifestSource(name: "storm.yaml", bytes: Array(text.utf8)), for: fleet)
    }

    private func mistakes(_ spec: String) -> [String] {
        guard case .mistakes(let mistakes, _) = read(spec) else { return [] }
        return mistakes.map { "\($0.line) \($0.field): \($0.fix)" }
    }

    @Test func `a scenario says what goes wrong when`() {
        let reading = read(
            """
              length: 96h
              faults:
                - {fault: cut, site: rural, for: 72h}
                - {fault: loss, percent: 45, at: 1h}
                - {fault: lose-node, node: rural-1, at: 2h}
                - {fault: change-workload, workload: map-tiles, replicas: 3, at: 3h}
              expect: {tier1Availability: 99.9, restarts: 0}
            """)
        let plan = FaultPlan(
            name: "storm", length: .hours(96),
            steps: [
                .init(.cut(.site("rural"), .both), for: .hours(72)),
                .init(.loss(.everywhere, percent: 45), at: .hours(1)),
                .init(.loseNode("rural-1"), at: .hours(2)),
                .init(.change("map-tiles", .init(replicas: .count(3))), at: .hours(3)),
            ], expectations: .init(availability: [.critical: 99.9], restarts: 0))
        #expect(reading == .plan(plan))
    }

    @Test func `every mistake is named at once, with its line and its fix`() {
        let found = mistakes(
            """
              faults:
                - {fault: cutt, site: rural}
                - {fault: cut, site: rurall, percent: 45}
                - {fault: loss}
                - {fault: set-clock}
                - {fault: cut, site: rural, node: rural-1}
              oops: 1
            """)
        #expect(
            found == [
                "6 spec.faults[0].fault: did you mean 'cut'?",
                "7 spec.faults[1].site: did you mean 'rural'?",
                "7 spec.faults[1].percent: delete it; beside 'at', cut takes: site, node, for, way",
                "8 spec.faults[2].percent: write 'percent: ...'",
                "9 spec.faults[3]: write one of them; `skerry explain scenario.spec.faults` says more",
                "10 spec.faults[4].node: keep one of them: a node says its site already",
                "11 spec.oops: the fields here are: length, faults, expect",
            ])
    }

    @Test(arguments: [
        "", "kind: Site", "[]", "kind: Scenario\n---\nkind: Scenario", "a: b: c", "\u{0}",
    ])
    func `what is no scenario is a mistake`(text: String) {
        let source = ManifestSource(name: "x.yaml", bytes: Array(text.utf8))
        guard case .mistakes(let mistakes, _) = ScenarioFile.read(source, for: fleet) else {
            Issue.record("it was read")
            return
        }
        #expect(!mistakes.isEmpty)
    }

    @Test(arguments: ["storm-at-rural", "hub-lost", "poor-link"])
    func `the examples are read without a mistake`(name: String) throws {
        let file = URL(filePath: #filePath)
            .appending(path: "../../../Fixtures/scenarios/\(name).yaml").standardizedFileURL
        let source = ManifestSource(name: name, bytes: Array(try Data(contentsOf: file)))
        let reading = ScenarioFile.read(source, for: fleet)
        guard case .plan(let plan) = reading else {
            Issue.record("\(reading)")
            return
        }
        #expect(plan.name == name)
    }

    @Test func `explain knows scenarios`() {
        #expect(Schema.explain("scenario.spec.faults")?.contains("lose-node") == true)
        #expect(Schema.suggestion(for: "scenari") == "scenario")
    }
}
