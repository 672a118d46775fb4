import Model
import Simulation
import Testing

@Suite struct RehearsalTests {
    private func site(_ name: String, window: Interval = .hours(72)) -> Site {
        Site(metadata: Metadata(name: name), spec: SiteSpec(autonomyWindow: window))
    }

    private func workload(_ name: String, tier: Tier) -> Workload {
        Workload(
            metadata: Metadata(name: name),
            spec: WorkloadSpec(
                tier: tier, replicas: .perNode,
                containers: [ContainerSpec(name: "main", command: ["serve"])]))
    }

    private func rehearsal(
        _ outage: Rehearsal.Outage, window: Interval = .hours(72)
    ) -> Rehearsal {
        Rehearsal(
            sites: [site("rural", window: window), site("urban", window: window)],
            workloads: [workload("till", tier: .critical), workload("sign", tier: .optional)],
            nodesPerSite: 1, outage: outage, seed: 1)
    }

    private func line(_ report: RehearsalReport, _ site: SiteID, _ tier: Tier)
        -> RehearsalReport.TierLine?
    {
        report.tiers.first { $0.site == site && $0.tier == tier }
    }

    @Test func `a cut stops nothing, restarts nothing, and is noticed`() {
        let report = rehearsal(.init(cutSites: ["rural"], length: .seconds(2 * 3600))).run()
        #expect(report.violation == nil)
        #expect(report.restarts == 0)
        for tier in [Tier.critical, .optional] {
            #expect(line(report, "rural", tier)?.before == 1)
            #expect(line(report, "rural", tier)?.fewest == 1)
            #expect(line(report, "rural", tier)?.after == 1)
        }
        let texts = report.turns.filter { $0.site == "rural" }.map(\.text)
        #expect(texts.first == "out of contact")
        #expect(texts.contains { $0.contains("stale") })
        #expect(texts.last == "in contact")
        #expect(report.turns.allSatisfy { $0.site != "urban" })
        #expect(report.convergence != nil)
    }

    @Test func `a reboot beyond the autonomy window brings back tier 1, and tier 3 on return`() {
        let outage = Rehearsal.Outage(
            cutSites: ["rural"], rebootedSites: ["rural"], length: .seconds(4 * 3600))
        let report = rehearsal(outage, window: .hours(1)).run()
        #expect(report.violation == nil)
        #expect(line(report, "rural", .critical)?.after == 1)
        #expect(line(report, "rural", .optional)?.heldMost == 1)
        #expect(line(report, "rural", .optional)?.fewest == 0)
        #expect(line(report, "rural", .optional)?.after == 1)
        #expect(report.turns.contains { $0.text.contains("tier 3 is held") })
        #expect(report.turns.contains { $0.text.contains("expired") })
    }

    @Test func `a hub that is gone cuts every site off`() {
        let report = rehearsal(.init(losesHub: true, length: .seconds(3600))).run()
        #expect(report.violation == nil)
        let cut = report.turns.filter { $0.text == "out of contact" }.map(\.site)
        #expect(Set(cut) == ["rural", "urban"])
        #expect(report.restarts == 0)
    }

    @Test func `equal seeds give equal runs`() {
        let rehearsal = rehearsal(.init(cutSites: ["rural"], length: .seconds(1800)))
        #expect(rehearsal.run().hash == rehearsal.run().hash)
    }

    @Test func `the words name what was cut, who decides and which limits were met`() {
        let rehearsal = rehearsal(.init(cutSites: ["rural"], length: .seconds(3600)))
        let text = rehearsal.run().text(of: rehearsal, version: "9.9.9").joined(separator: "\n")
        #expect(text.contains("rural cut off for 1h"))
        #expect(text.contains("seed 1, skerry 9.9.9"))
        #expect(text.contains("placement    permit central   permit local"))
        #expect(text.contains("autonomyWindow of rural, 72h: not reached"))
        #expect(!text.contains("Who decides at urban"))
    }

    @Test func `the page is whole and shows names as text`() {
        var rehearsal = rehearsal(.init(cutSites: ["rural"], length: .seconds(1800)))
        rehearsal.workloads[0].metadata.labels = ["x": "<script>"]
        let page = rehearsal.run().page(of: rehearsal, version: "<b>")
        #expect(page.hasPrefix("<!doctype html>"))
        #expect(page.contains("<svg"))
        #expect(!page.contains("<b>"))
        #expect(page.contains("&lt;b&gt;"))
        #expect(!page.contains("src=") && !page.contains("href="))
    }

    @Test func `objects that a hub would refuse are refused with every mistake`() {
        var faulty = site("rural")
        faulty.spec.authority = [
            AuthorityOverride(domain: .security, verdict: .permit, by: .local)
        ]
        var lonely = workload("till", tier: .critical)
        lonely.spec.dependsOn = ["nobody"]
        let refusal = Rehearsal.refusal(of: [.site(faulty), .workload(lonely)])
        #expect(
            refusal?.mistakes.map(\.field) == ["spec.authority[0]", "spec.dependsOn[0]"])
        #expect(Rehearsal.refusal(of: [.site(site("rural"))]) == nil)
    }
}
