import Authority
import Machines
import Model
import Testing

/// Decisions of nodes, judged again by the policy that they name.
@Suite struct ComplianceTests {
    private func bench(_ spec: SiteSpec = SiteSpec()) -> HubBench {
        var bench = HubBench()
        bench.enrol()
        if spec != SiteSpec() { bench.apply(spec) }
        bench.greet()
        return bench
    }

    /// What an honest node of the hybrid pattern says of a start while it is cut off.
    private func honest(_ version: UInt64 = 1) -> Decision {
        Decision(
            id: DecisionID(origin: "n1", number: 1), at: WallTime(milliseconds: 1_760_000_000_000),
            site: "urban", domain: .recovery, action: .start,
            subject: .instance(InstanceID(workload: "web", ordinal: 0)), tier: .optional,
            basis: .judgement, cause: .exited, passed: true, ruling: Ruling(.permit, by: .local),
            staleness: .stale, reach: .alone, policyVersion: version, policyAge: .hours(1))
    }

    private func judged(_ decisions: [Decision], by bench: HubBench) -> SiteCompliance? {
        var bench = bench
        bench.tell(
            .received(
                first,
                .entries(
                    decisions.enumerated().map { index, decision in
                        LogEntry(
                            sequence: UInt64(index + 1), at: decision.at, body: .decision(decision))
                    })))
        return bench.hub.compliance(of: "urban")?.first
    }

    @Test func `what the table allows is compliant, also before the first contact`() {
        let result = judged([honest(), honest(0)], by: bench())
        #expect(result?.judged == 2)
        #expect(result?.breached == 0)
        #expect(result?.offline == 2)
        #expect(result?.compliantShare == 1)
    }

    @Test func `a node that passes what its table holds is found out`() {
        var decision = honest()
        decision.staleness = .expired
        decision.policyAge = .hours(80)
        let result = judged([decision], by: bench())
        #expect(result?.breached == 1)
        let faults = result?.breaches.first?.faults.joined(separator: "; ") ?? ""
        #expect(faults.contains("the table says hold by local, not permit by local"))
        #expect(faults.contains("the table does not let it"))
    }

    @Test func `a staleness that does not fit the age, and a version that never was, are breaches`()
    {
        var late = honest()
        late.policyAge = .hours(80)
        let result = judged([late, honest(7)], by: bench())
        #expect(result?.breached == 2)
        let faults = result?.breaches.flatMap(\.faults).joined(separator: "; ") ?? ""
        #expect(faults.contains("is expired there, not stale"))
        #expect(faults.contains("policy version 7, which this hub never made"))
    }

    @Test func `a decision is judged by the version it names, and a newer one in force is noted`() {
        var bench = bench()
        let row = AuthorityOverride(
            domain: .recovery, staleness: .stale, tier: .optional, verdict: .hold)
        bench.apply(SiteSpec(authority: [row]))
        var decision = honest()
        decision.at = bench.now.wall + .seconds(60)
        let result = judged([decision], by: bench)
        #expect(result?.breached == 0)
        #expect(result?.superseded == 1)

        decision.policyVersion = 2
        #expect(judged([decision], by: bench)?.breached == 1)
    }

    @Test func `old versions are let go, and nothing is said of what names them`() {
        var bench = bench()
        for hours in 1...70 {
            bench.apply(SiteSpec(autonomyWindow: .hours(100 + hours)))
        }
        let result = judged([honest(2)], by: bench)
        #expect(result?.judged == 0)
    }

    @Test func `what was judged outlives the hub`() throws {
        var bench = bench()
        bench.tell(
            .received(
                first,
                .entries([
                    LogEntry(
                        sequence: 1, at: bench.now.wall, body: .decision(honest(9)))
                ])))
        #expect(bench.hub.eventLog.last?.reason == "PolicyBreach")
        var snapshot = HubSnapshot(epoch: 1)
        for write in bench.stored {
            switch write {
            case .site(let site): snapshot.sites = [site]
            case .siteHistory(let site, let history): snapshot.siteHistories[site] = history
            case .compliance(let account): snapshot.compliance = [account]
            default: break
            }
        }
        let again = HubBench(snapshot: snapshot)
        #expect(again.hub.compliance(of: "urban") == bench.hub.compliance(of: "urban"))
        #expect(again.hub.compliance(of: "nowhere") == nil)
    }

    @Test func `the agent's own decisions comply, through contact, silence and old age`() {
        var agent = AgentBench()
        agent.tell(.linkUp)
        agent.welcome()
        let site = Site(metadata: Metadata(name: "urban", generation: 1), spec: SiteSpec())
        agent.deliver([.site(site)], from: 1)
        agent.tell(.linkDown(reason: "cut"))
        agent.pass(.seconds(90 * 3_600))
        let circumstances = agent.agent.circumstances(at: agent.now)
        #expect(circumstances.staleness == .expired)
        #expect(circumstances.policyVersion == 1)
    }
}

extension HubBench {
    fileprivate mutating func apply(_ spec: SiteSpec) {
        ask(.apply([.site(Site(metadata: Metadata(name: "urban"), spec: spec))], dryRun: false))
    }
}
