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
        _ steps: [FaultPlan.Step], for length: Interval, nodes: Int = 1,
        window: Interval = .hours(72),
        expecting expectations: FaultPlan.Expectations = FaultPlan.Expectations()
    ) -> Rehearsal {
        let sites = [site("rural", window: window), site("urban", window: window)]
        return Rehearsal(
            sites: sites, nodes: Rehearsal.members(of: sites, each: nodes),
            workloads: [workload("till", tier: .critical), workload("sign", tier: .optional)],
            plan: FaultPlan(length: length, steps: steps, expectations: expectations), seed: 1)
    }

    private func cut(_ site: SiteID, for length: Interval) -> FaultPlan.Step {
        FaultPlan.Step(.cut(.site(site), .both), for: length)
    }

    private func line(_ report: RehearsalReport, _ site: SiteID, _ tier: Tier)
        -> RehearsalReport.TierLine?
    {
        report.tiers.first { $0.site == site && $0.tier == tier }
    }

    @Test func `a cut stops nothing, restarts nothing, and is noticed`() {
        let report = rehearsal([cut("rural", for: .hours(2))], for: .hours(2)).run()
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

    private func policy(_ spec: PolicySpec) -> Policy {
        Policy(metadata: Metadata(name: "rules"), spec: spec)
    }

    @Test func `a policy that nobody signed yet is rehearsed like a signed one`() {
        var rehearsal = rehearsal([cut("rural", for: .hours(2))], for: .hours(2))
        rehearsal.policies = [
            policy(
                PolicySpec(
                    scope: PolicyScope(sites: ["rural"]), stalenessBound: .seconds(1200),
                    authority: [
                        AuthorityOverride(domain: .update, reach: .alone, verdict: .hold)
                    ]))
        ]
        let report = rehearsal.run()
        #expect(report.violation == nil)
        #expect(report.turns.contains { $0.text.contains("stale (stalenessBound 20m)") })
        #expect(
            report.limits(of: rehearsal).contains { $0.hasPrefix("stalenessBound of rural, 20m") })
        let rows = report.authority(of: rehearsal.sites[0], in: rehearsal)
        #expect(rows.first { $0[0] == "update" }?[2] == "hold central")
        #expect(
            report.authority(of: rehearsal.sites[1], in: rehearsal)
                .first { $0[0] == "update" }?[2] == "restrict central")
    }

    @Test func `the end of a node's authority is among the limits`() {
        func told(_ hours: Int) -> [String] {
            let rehearsal = rehearsal(
                [cut("rural", for: .hours(hours))], for: .hours(hours), window: .hours(4))
            return rehearsal.run().limits(of: rehearsal).filter { $0.hasPrefix("certificates") }
        }
        #expect(told(20).allSatisfy { $0.hasSuffix("not reached") })
        #expect(told(30).contains { $0.contains("authority of 28h: reached at +28h") })
    }

    @Test func `a policy that cannot be is refused before anything is rehearsed`() {
        let rows = [
            AuthorityOverride(domain: .update, verdict: .permit, by: .local),
            AuthorityOverride(domain: .update, verdict: .hold, by: .central),
        ]
        let objects: [Object] = [
            .site(site("rural")), .policy(policy(PolicySpec(authority: rows))),
        ]
        let refusal = Rehearsal.refusal(of: objects)
        #expect(refusal?.mistakes.contains { $0.field.contains("authority") } == true)
    }

    @Test func `a reboot beyond the autonomy window brings back tier 1, and tier 3 on return`() {
        let steps = [
            cut("rural", for: .hours(4)), FaultPlan.Step(.reboot(.site("rural")), at: .hours(2)),
        ]
        let report = rehearsal(steps, for: .hours(4), window: .hours(1)).run()
        #expect(report.violation == nil)
        #expect(line(report, "rural", .critical)?.after == 1)
        #expect(line(report, "rural", .optional)?.heldMost == 1)
        #expect(line(report, "rural", .optional)?.fewest == 0)
        #expect(line(report, "rural", .optional)?.after == 1)
        #expect(report.turns.contains { $0.text.contains("tier 3 is held") })
        #expect(report.turns.contains { $0.text.contains("expired") })
    }

    @Test func `a hub that is gone cuts every site off`() {
        let report = rehearsal([FaultPlan.Step(.loseHub, for: .hours(1))], for: .hours(1)).run()
        #expect(report.violation == nil)
        let cut = report.turns.filter { $0.text == "out of contact" }.map(\.site)
        #expect(Set(cut) == ["rural", "urban"])
        #expect(report.restarts == 0)
    }

    @Test func `equal seeds give equal runs`() {
        let rehearsal = rehearsal([cut("rural", for: .seconds(1800))], for: .seconds(1800))
        #expect(rehearsal.run().hash == rehearsal.run().hash)
    }

    @Test func `the words name what was cut, who decides and which limits were met`() {
        let rehearsal = rehearsal([cut("rural", for: .hours(1))], for: .hours(1))
        let text = rehearsal.run().text(of: rehearsal, version: "9.9.9").joined(separator: "\n")
        #expect(text.contains("rural cut off for 1h"))
        #expect(text.contains("seed 1, skerry 9.9.9"))
        #expect(text.contains("placement    permit central   permit local"))
        #expect(text.contains("autonomyWindow of rural, 72h: not reached"))
        #expect(!text.contains("Who decides at urban"))
    }

    @Test func `the page is whole and shows names as text`() {
        var rehearsal = rehearsal([cut("rural", for: .seconds(1800))], for: .seconds(1800))
        rehearsal.workloads[0].metadata.labels = ["x": "<script>"]
        let page = rehearsal.run().page(of: rehearsal, version: "<b>")
        #expect(page.hasPrefix("<!doctype html>"))
        #expect(page.contains("<svg"))
        #expect(!page.contains("<b>"))
        #expect(page.contains("&lt;b&gt;"))
        #expect(!page.contains("src=") && !page.contains("href="))
    }

    @Test func `a node that is lost for good is missed, and nothing else is`() {
        let report = rehearsal(
            [FaultPlan.Step(.loseNode("rural-2"), at: .seconds(1800))], for: .hours(1), nodes: 2
        ).run()
        #expect(report.violation == nil)
        #expect(line(report, "rural", .critical)?.fewest == 1)
        #expect(line(report, "rural", .critical)?.after == 1)
        #expect(abs((line(report, "rural", .critical)?.availability ?? 0) - 75) < 1)
        #expect(line(report, "urban", .critical)?.availability == 100)
        #expect(report.restarts == 0)
    }

    @Test func `a node that is off for a while comes back`() {
        let report = rehearsal(
            [FaultPlan.Step(.loseNode("rural-1"), at: .seconds(600), for: .seconds(600))],
            for: .hours(1)
        ).run()
        #expect(report.violation == nil)
        #expect(line(report, "rural", .critical)?.fewest == 0)
        #expect(line(report, "rural", .critical)?.after == 1)
        #expect(abs((line(report, "rural", .critical)?.availability ?? 0) - 83.3) < 1)
    }

    @Test func `a poor link stops nothing`() {
        let span = Interval.hours(2)
        let report = rehearsal(
            [
                FaultPlan.Step(.loss(.everywhere, percent: 45), for: span),
                FaultPlan.Step(.latency(.site("rural"), .seconds(1)), for: span),
                FaultPlan.Step(.duplication(.everywhere, percent: 20), for: span),
                FaultPlan.Step(.flap(.node("urban-1"), every: .seconds(40)), for: .seconds(900)),
            ], for: span, expecting: .init(availability: [.critical: 100], restarts: 0)
        ).run()
        #expect(report.violation == nil)
        #expect(report.disappointments == [])
        #expect(report.turns.contains { $0.site == "urban" && $0.text == "out of contact" })
    }

    @Test func `what was expected and is not so is said`() {
        let report = rehearsal(
            [FaultPlan.Step(.crashEngine(.site("rural")), at: .seconds(60), for: .seconds(300))],
            for: .seconds(900), expecting: .init(availability: [.critical: 99.9], restarts: 1)
        ).run()
        #expect(report.violation == nil)
        #expect(report.disappointments.count == 2)
        #expect(report.disappointments.first?.hasPrefix("tier 1 of rural ran for ") == true)
    }

    @Test func `a change reaches a site once its path is mended`() {
        let change = FaultPlan.Change(tier: .reduced)
        let report = rehearsal(
            [
                cut("rural", for: .hours(2)),
                FaultPlan.Step(.change("till", change), at: .seconds(600)),
                FaultPlan.Step(.reconnect, at: .hours(1)),
            ], for: .hours(2)
        ).run()
        #expect(report.violation == nil)
        let stories = report.stories.map { story in
            (story.site, story.changes.first { $0.sample.running[.reduced] == 1 }?.at)
        }
        for (site, at) in stories {
            let since = (at ?? .zero) - Rehearsal.begin
            #expect(site == "rural" ? since > .seconds(3600) : since < .seconds(660))
            #expect(since < .seconds(2 * 3600))
        }
    }

    @Test func `a full disk, a wrong clock and a lost store end in agreement`() {
        let report = rehearsal(
            [
                FaultPlan.Step(.fillDisk(.site("rural")), at: .seconds(60), for: .seconds(600)),
                FaultPlan.Step(
                    .setClock(.node("urban-1"), ahead: .hours(2), back: .seconds(0)),
                    at: .seconds(120)),
                FaultPlan.Step(.slowDisk(.everywhere), at: .seconds(900), for: .seconds(300)),
                FaultPlan.Step(.loseStore("rural-1"), at: .seconds(1500)),
            ], for: .hours(1)
        ).run()
        #expect(report.violation == nil)
        #expect(report.convergence != nil)
        #expect(line(report, "rural", .critical)?.after == 1)
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
