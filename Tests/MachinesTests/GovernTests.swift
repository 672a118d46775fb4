import Authority
import Machines
import Model
import Testing

/// Who may decide on a node, and on the hub, as the machines live it.
@Suite struct GovernTests {
    private let week = Duration.seconds(7 * 86_400)

    /// A node that ran `web`, was in contact then, and starts with no hub so long after.
    private func apart(_ duration: Duration, tier: Tier) -> AgentBench {
        var stored = snapshot(of: web(tier: tier))
        stored.contact = Reading(
            Moment(
                monotonic: .seconds(5),
                wall: WallTime(milliseconds: 1_760_000_000_000) + (.zero - duration)), boot: 1)
        var bench = AgentBench(snapshot: stored)
        bench.list()
        return bench
    }

    @Test(arguments: [(Tier.critical, 1), (.reduced, 0), (.optional, 0)])
    func `beyond the autonomy window a reboot brings back tier 1 alone`(tier: Tier, starts: Int) {
        #expect(apart(week, tier: tier).starts.count == starts)
    }

    @Test(arguments: Tier.allCases)
    func `inside the autonomy window a reboot brings back every tier`(tier: Tier) {
        #expect(apart(.seconds(71 * 3600), tier: tier).starts.count == 1)
    }

    @Test func `what is held says so, and starts when the hub is back`() {
        var bench = apart(week, tier: .reduced)
        #expect(bench.status?.reason == "Held")
        #expect(bench.agent.decisions(about: nil, limit: 10).map(\.passed) == [false])

        bench.tell(.linkUp)
        bench.welcome()
        #expect(bench.starts.count == 1)
        #expect(bench.status?.reason != "Held")
    }

    @Test func `a refusal is recorded once, not at every look`() {
        var bench = apart(week, tier: .reduced)
        for _ in 0..<5 {
            bench.pass(.seconds(60))
            bench.tell(.wake(.audit))
            bench.list()
        }
        #expect(bench.agent.decisions(about: nil, limit: 10).count == 1)
    }

    @Test func `what runs goes on when the policy expires, whatever its tier`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web(tier: .optional))])
        bench.started(webMain)
        bench.tell(.linkDown(reason: "cut"))
        bench.pass(week)
        bench.tell(.wake(.policyAge))
        #expect(bench.stops.isEmpty)
        #expect(bench.status?.phase == .running)
        #expect(bench.agent.events.last?.reason == "PolicyExpired")
    }

    @Test func `a wall clock that jumps ages nothing`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web(tier: .reduced))])
        bench.started(webMain)
        bench.tell(.linkDown(reason: "cut"))
        bench.now.wall = bench.now.wall + week
        #expect(bench.agent.circumstances(at: bench.now).staleness == .fresh)
        bench.tell(.engine(.exited(webMain, handle: "a", Exit(code: 1))))
        bench.pass(.seconds(5))
        bench.tell(.wake(.restart(webMain)))
        #expect(bench.starts.count == 1)
    }

    @Test func `an agent that starts anew knows how long ago its last contact was`() {
        let bench = apart(.seconds(3600), tier: .critical)
        let here = bench.agent.circumstances(at: bench.now)
        #expect(here.policyAge == .seconds(3600))
        #expect(here.staleness == .stale)
    }

    @Test func `an attempt to reach the hub is no contact`() {
        var bench = apart(.seconds(3600), tier: .critical)
        let since = bench.agent.link.since
        #expect(bench.now.wall - since == .seconds(3600))
        bench.tell(.linkUp)
        #expect(bench.agent.link.since == since)
    }

    @Test func `within one boot an agent that starts anew trusts no wall clock`() {
        var stored = snapshot(of: web())
        stored.contact = Reading(
            Moment(monotonic: .seconds(400), wall: WallTime(milliseconds: 0)), boot: 2)
        let bench = AgentBench(snapshot: stored)
        #expect(bench.agent.circumstances(at: bench.now).policyAge == .seconds(600))
    }

    @Test func `the last contact is on disk, and renewed at most every five minutes`() {
        var bench = AgentBench()
        bench.list()
        bench.join()
        for _ in 0..<80 {
            bench.pass(.seconds(15))
            bench.tell(.wake(.heartbeat))
        }
        let contacts = bench.stored.count { if case .contact = $0 { true } else { false } }
        #expect(contacts == 1 + 4)
    }

    @Test func `what was ordered names a decision that is in the log`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        let orders = bench.latest.compactMap { effect -> Order? in
            if case .carryOut(let order) = effect { order } else { nil }
        }
        let logged = bench.stored.compactMap { write -> DecisionID? in
            guard case .append(let entry) = write, case .decision(let decision) = entry.body else {
                return nil
            }
            return decision.id
        }
        #expect(!orders.isEmpty)
        #expect(orders.map(\.decision) == logged)
        #expect(bench.status?.decision == logged.last)
    }

    @Test func `numbers of decisions are not used again after a restart`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        let first = bench.agent.decisions(about: nil, limit: 10).map(\.id.number)
        var stored = snapshot(of: web())
        stored.nextSequence = 40
        var later = AgentBench(snapshot: stored)
        later.list()
        let second = later.agent.decisions(about: nil, limit: 10).map(\.id.number)
        #expect(!first.isEmpty && !second.isEmpty)
        #expect(Set(first).isDisjoint(with: second))
    }

    @Test func `a person stops everything, also what is held`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web(tier: .optional))])
        bench.started(webMain)
        bench.tell(.linkDown(reason: "cut"))
        bench.pass(week)
        bench.tell(.halt)
        #expect(bench.stops == [webMain])
    }

    @Test func `a sick container of a held tier is left running and asked again`() {
        let probe = Probe(
            tcp: TCPProbe(port: "http"), period: .seconds(1), timeout: .seconds(1),
            failureThreshold: 1)
        var bench = AgentBench()
        bench.list()
        bench.join([
            assigned(
                web(
                    tier: .optional, probes: Probes(liveness: probe),
                    ports: [PortSpec(name: "http", port: 80)]))
        ])
        bench.started(webMain)
        let attempt = 1
        bench.tell(.linkDown(reason: "cut"))
        bench.pass(week)
        bench.tell(
            .engine(
                .probed(
                    ProbeID(container: webMain, kind: .liveness, attempt: attempt),
                    .failed("no answer"))))
        #expect(bench.stops.isEmpty)
        #expect(bench.status?.reason == "Unhealthy")
        #expect(!bench.wakes(for: .probe(webMain, .liveness)).isEmpty)
    }

    // MARK: - The site's own table

    private func site(_ rows: [AuthorityOverride], generation: UInt64) -> Document.Content {
        .site(
            Site(
                metadata: Metadata(name: "urban", generation: generation),
                spec: SiteSpec(authority: rows)))
    }

    @Test func `a site may let its nodes recover every tier for ever`() {
        var bench = AgentBench()
        bench.list()
        let row = AuthorityOverride(
            domain: .recovery, staleness: .expired, verdict: .permit, by: .local)
        bench.join([site([row], generation: 3), assigned(web(tier: .optional))])
        bench.started(webMain)
        bench.tell(.linkDown(reason: "cut"))
        bench.pass(week)
        bench.tell(.engine(.exited(webMain, handle: "a", Exit(code: 1))))
        bench.pass(.seconds(5))
        bench.tell(.wake(.restart(webMain)))
        #expect(bench.starts.count == 1)
        #expect(bench.agent.regime.generation == 3)
    }

    @Test func `a faulty table that gets this far leaves the one before in force`() {
        var bench = AgentBench()
        bench.list()
        bench.join([site([], generation: 1)])
        let before = bench.agent.regime.table
        bench.deliver(
            [
                site(
                    [AuthorityOverride(domain: .security, verdict: .permit, by: .local)],
                    generation: 2)
            ], from: 2)
        #expect(bench.agent.regime.table == before)
        #expect(bench.agent.regime.generation == 1)
        #expect(bench.agent.events.last?.reason == "AuthorityRefused")
    }

    // MARK: - The hub

    @Test func `the hub records where it placed a workload and what else was possible`() throws {
        var bench = HubBench()
        bench.enrol("n1")
        bench.enrol("n2")
        bench.ask(.edit(.node, name: "n2", .cordon(true)))
        bench.ask(.apply([.workload(web())], dryRun: false))

        let decision = try #require(
            bench.hub.decisions(about: .workload("web"), limit: 10).last)
        #expect(decision.passed)
        #expect(decision.action == .place)
        #expect(decision.alternatives.map(\.node) == ["n1", "n2"])
        #expect(decision.alternatives.map(\.isChosen) == [true, false])
        #expect(decision.alternatives.last?.obstacle == "it is cordoned")
        #expect(bench.stored.contains(.decision(decision)))
    }

    @Test func `a site that holds placement keeps what it has, and others get theirs`() {
        var bench = HubBench()
        bench.enrol("n1", at: "urban")
        bench.enrol("n2", at: "rural")
        let held = Site(
            metadata: Metadata(name: "rural"),
            spec: SiteSpec(authority: [AuthorityOverride(domain: .placement, verdict: .hold)]))
        bench.ask(.apply([.site(held)], dryRun: false))
        bench.ask(.apply([.workload(web(replicas: .perNode))], dryRun: false))

        let decisions = bench.hub.decisions(about: .workload("web"), limit: 10)
        #expect(decisions.map(\.site) == ["rural", "urban"])
        #expect(decisions.map(\.passed) == [false, true])
        let placed = bench.stored.compactMap { write -> [NodeID: [Int]]? in
            if case .placement("web", let places) = write { places } else { nil }
        }
        #expect(placed.last?.keys.sorted() == ["n1"])
    }

    @Test func `an update is refused where a site holds updates, and nothing is applied`() {
        var bench = HubBench()
        bench.enrol("n1", at: "urban")
        bench.ask(.apply([.workload(web())], dryRun: false))
        let held = Site(
            metadata: Metadata(name: "urban"),
            spec: SiteSpec(authority: [AuthorityOverride(domain: .update, verdict: .hold)]))
        bench.ask(.apply([.site(held)], dryRun: false))

        let reply = bench.ask(.apply([.workload(web(command: "serve v2"))], dryRun: false))
        guard case .refused(let refusal) = reply else {
            Issue.record("it was applied: \(String(describing: reply))")
            return
        }
        #expect(refusal.code == .conflict)
        #expect(refusal.message.contains("site 'urban'"))
        #expect(bench.hub.decisions(about: .workload("web"), limit: 10).last?.passed == false)
    }

    @Test(arguments: [
        (Disconnection.normal, Event.Severity.warning, "NotHeard"),
        (.expected, .normal, "Expected"), (.error, .warning, "Unexpected"),
    ])
    func `a site says what the silence of its nodes means`(
        absence: Disconnection, severity: Event.Severity, reason: String
    ) {
        var bench = HubBench()
        bench.enrol("n1", at: "urban")
        let site = Site(
            metadata: Metadata(name: "urban"), spec: SiteSpec(whenDisconnected: absence))
        bench.ask(.apply([.site(site)], dryRun: false))
        bench.greet()
        bench.tell(.closed(first))

        #expect(bench.hub.eventLog.last?.reason == "ContactLost")
        #expect(bench.hub.eventLog.last?.severity == severity)
        guard case .node(let node) = bench.hub.objects(.node, at: bench.now.wall).first else {
            Issue.record("there is no node")
            return
        }
        #expect(node.status?.conditions.map(\.reason) == [reason])
    }

    @Test func `a table that cannot be is refused with every row`() {
        var bench = HubBench()
        let faulty = Site(
            metadata: Metadata(name: "urban"),
            spec: SiteSpec(authority: [
                AuthorityOverride(domain: .security, verdict: .permit, by: .mesh),
                AuthorityOverride(domain: .update, reach: .alone, verdict: .permit, by: .central),
            ]))
        guard case .refused(let refusal) = bench.ask(.apply([.site(faulty)], dryRun: false)) else {
            Issue.record("it was applied")
            return
        }
        #expect(refusal.mistakes.map(\.field) == ["spec.authority[0]", "spec.authority[1]"])
    }

    @Test func `a hub that starts anew goes on numbering where it was`() {
        var bench = HubBench()
        bench.enrol("n1")
        bench.ask(.apply([.workload(web())], dryRun: false))
        let known = bench.hub.decisions(about: nil, limit: 10)
        var later = HubBench(snapshot: HubSnapshot(decisions: known))
        later.enrol("n1")
        later.ask(.apply([.workload(web())], dryRun: false))
        let numbers = later.hub.decisions(about: nil, limit: 10).map(\.id)
        #expect(Set(numbers).count == numbers.count)
    }
}
