import Authority
import Machines
import Model

/// Factories that inspect by a central policy, and choose how by themselves.
struct Automotive {
    let assumptions: Assumptions

    init(_ assumptions: Assumptions) { self.assumptions = assumptions }

    func run() -> CaseResult {
        var fleet = CaseFleet(assumptions, workload: CaseFleet.workload("inspection"))
        fleet.rates.containerLife = assumptions["containerLifeHours"] * 3_600
        fleet.drop(
            hoursPerWeek: assumptions["dropHoursPerWeek"], minutes: assumptions["dropMinutes"]
        ) { random in 24 * random.unit }
        var central = fleet
        central.centralise(stopAfter: nil)
        changePolicies(&fleet)
        changePolicies(&central)
        let (ours, ourReport) = live(fleet)
        let (theirs, theirReport) = live(central)
        let compliance = 100 * (1 - ours.breaches / ours.decided)
        let less = theirs.down > 0 ? 100 * (1 - ours.down / theirs.down) : 0
        return CaseResult(
            title: "automotive: \(fleet.sites.count) factories, \(Interval(fleet.length))",
            baseline: "each decision is checked with the hub when it is taken",
            rows: [
                .init(
                    figure: "decisions taken", ours: String(Int(ours.decided)),
                    baseline: String(Int(theirs.decided))),
                .init(
                    figure: "on a policy that was replaced more than "
                        + "\(Int(assumptions["allowedAgeSeconds"])) s before",
                    ours: String(Int(ours.breaches)), baseline: String(Int(theirs.breaches))),
                .init(
                    figure: "compliance", ours: thousandths(compliance) + " %",
                    baseline: percent(theirs.decided - theirs.breaches, of: theirs.decided)),
                .init(
                    figure: "no inspection, a factory and week", ours: minutes(ours),
                    baseline: minutes(theirs)),
            ],
            claims: [
                .init(
                    text: "compliance of decisions", claimed: "99.7 %",
                    found: thousandths(compliance) + " %", holds: compliance >= 99.7),
                .init(
                    text: "orchestration-caused downtime less than the baseline", claimed: "76 %",
                    found: thousandths(less) + " %", holds: less >= 76),
            ],
            limits: [
                "inspection latency: the choice of an algorithm is counted, not timed",
                "how many policies a factory really changes: compliance falls with their number and "
                    + "with the length of drops",
                "downtime of the inspection's own making",
            ],
            violation: ourReport.violation ?? theirReport.violation)
    }

    /// The policy of each factory changes at drawn moments, back and forth between two rows.
    private func changePolicies(_ fleet: inout CaseFleet) {
        var random = Random(seed: fleet.seed ^ 0x9011)
        let mean = 24 / assumptions["policyChangesPerDay"]
        for site in fleet.sites {
            var hour = mean * 2 * random.unit
            var isOdd = true
            while hour < assumptions["hours"] {
                var changed = site
                changed.spec.authority.append(
                    AuthorityOverride(
                        domain: .adaptation, reach: .hub, verdict: isOdd ? .restrict : .permit))
                fleet.changes.append(
                    Cast.Change(
                        at: CaseFleet.begin + .milliseconds(Int64(hour * 3_600_000)),
                        object: .site(changed), node: nil))
                isOdd.toggle()
                hour += mean * 2 * random.unit
            }
        }
    }

    private func live(_ fleet: CaseFleet) -> (PolicyWatch, Report) {
        let watch = PolicyWatch(
            length: fleet.length, perSecond: assumptions["decisionsPerMinute"] / 60,
            allowed: .seconds(Int64(assumptions["allowedAgeSeconds"])))
        return (watch, fleet.run(watch).report)
    }

    private func minutes(_ watch: PolicyWatch) -> String {
        thousandths(168 * 60 * watch.down / watch.watched) + " min"
    }
}

/// Looks at regular times who may decide at each node, and on which policy.
private final class PolicyWatch: Watcher {
    private let period: Int64 = 5_000_000_000
    private let end: Int64
    private let perSecond: Double
    private let allowed: Int64
    private var last = CaseFleet.begin.nanoseconds
    /// When each generation of a site's policy came to be at the hub.
    private var births: Table<SiteID, [(generation: UInt64, at: Int64)]> = Table()
    private(set) var decided = 0.0
    private(set) var breaches = 0.0
    /// In seconds of one node.
    private(set) var down = 0.0
    private(set) var watched = 0.0

    init(length: Duration, perSecond: Double, allowed: Duration) {
        end = (CaseFleet.begin + length).nanoseconds
        self.perSecond = perSecond
        self.allowed = allowed.nanoseconds
    }

    func isDue(_ time: Int64) -> Bool { time >= last + period && last < end }

    func look(_ world: World) {
        let span = Double(min(world.time, end) - last) / 1e9
        last = world.time
        guard span > 0 else { return }
        for site in world.centre.store.sites.rows { note(site, at: world.time) }
        for place in world.places {
            watched += span
            guard let agent = place.agent, place.serves(at: world.time),
                decides(agent, at: place.clock.moment(at: world.time))
            else {
                down += span
                continue
            }
            decided += span * perSecond
            if isBreach(agent.regime.generation, of: place.site, at: world.time) {
                breaches += span * perSecond
            }
        }
    }

    /// Whether the choice of an algorithm may be made here and now, by the table in force at the node.
    private func decides(_ agent: Agent, at now: Moment) -> Bool {
        let here = agent.circumstances(at: now)
        let cell = AuthorityTable.Cell(.scaling, here.staleness, .critical, here.reach)
        return agent.regime.table[cell].verdict == .permit
    }

    private func note(_ site: Site, at time: Int64) {
        let id = SiteID(site.metadata.name)
        let known = births[id] ?? []
        guard known.last?.generation != site.metadata.generation else { return }
        births.insert(known + [(site.metadata.generation, time)], for: id)
    }

    /// Whether a newer policy has been there for longer than is allowed.
    private func isBreach(_ generation: UInt64, of site: SiteID, at time: Int64) -> Bool {
        births.read(site) { births in
            births.first { $0.generation > generation }.map { time - $0.at > allowed } ?? false
        } ?? false
    }
}
