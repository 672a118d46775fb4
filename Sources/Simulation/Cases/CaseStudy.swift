import Model

/// One of the article's deployments, lived through twice with one seed: as Skerry does it, and as a
/// baseline in which the hub decides everything.
package enum CaseStudy: String, CaseIterable, Sendable {
    case retail, automotive, mining, telecom

    /// The names of what it rests on.
    package var names: [String] {
        let common = ["seed", "sites", "hours", "latencyMilliseconds"]
        let drops = ["dropHoursPerWeek", "dropMinutes", "containerLifeHours"]
        switch self {
        case .retail:
            return common + drops
                + ["openHour", "closeHour", "salesPerHour", "peakFactor", "stopAfterSeconds"]
        case .automotive:
            return common + drops
                + ["policyChangesPerDay", "decisionsPerMinute", "allowedAgeSeconds"]
        case .mining:
            return common + [
                "nodesPerSite", "lossPercent", "localMilliseconds", "linkKilobits", "upHours",
                "containerLifeHours", "rebootsPerWeek", "breakdownsPerWeek", "repairHours",
                "stopAfterSeconds",
            ]
        case .telecom: return common + ["decisionsPerSite", "commitMilliseconds"]
        }
    }

    package func run(_ assumptions: Assumptions) -> CaseResult {
        switch self {
        case .retail: Retail(assumptions).run()
        case .automotive: Automotive(assumptions).run()
        case .mining: Mining(assumptions).run()
        case .telecom: Telecom(assumptions).run()
        }
    }
}

/// What came of a case.
package struct CaseResult: Sendable {
    package struct Row: Sendable {
        package var figure: String
        package var ours: String
        package var baseline: String
    }

    /// A figure beside the article's.
    package struct Claim: Sendable {
        package var text: String
        package var claimed: String
        package var found: String
        package var holds: Bool
    }

    package var title: String
    package var baseline: String
    package var rows: [Row]
    package var claims: [Claim]
    /// What it cannot show.
    package var limits: [String]
    /// An invariant that broke: a bug of Skerry.
    package var violation: String?

    package var holds: Bool { violation == nil && claims.allSatisfy(\.holds) }
}

/// A fleet of a case, its faults, and one life through them.
struct CaseFleet {
    var sites: [Site]
    var members: [Cast.Member]
    var workloads: [Workload]
    var changes: [Cast.Change] = []
    var rates = Rates()
    /// What lies between the nodes of a site; nil where they form no mesh.
    var localLinks: LocalLinks?
    var mishaps: [Mishap] = []
    var length: Duration
    var seed: UInt64

    /// From here on the fleet is up, and is watched.
    static let begin = Duration.seconds(600)

    init(_ assumptions: Assumptions, nodesPerSite: Int = 1, workload: Workload?) {
        let count = Int(assumptions["sites"])
        sites = (0..<count).map {
            Site(metadata: Metadata(name: "s\($0)", generation: 1), spec: SiteSpec())
        }
        members = Rehearsal.members(of: sites, each: nodesPerSite)
        workloads = workload.map { [$0] } ?? []
        length = .milliseconds(Int64(assumptions["hours"] * 3_600_000))
        seed = UInt64(assumptions["seed"])
        rates.latency = assumptions["latencyMilliseconds"] / 1_000
        rates.commit = 0.005
    }

    /// Lives through it. The log of what was seen is the watcher's.
    func run(_ watcher: (any Watcher)?) -> (report: Report, starts: Table<WorkloadID, Duration>) {
        var scenario = Scenario(nodes: members.count, horizon: CaseFleet.begin + length)
        scenario.isSettled = true
        var cast = Cast(sites: sites, nodes: members, workloads: workloads)
        cast.changes = changes
        scenario.cast = cast
        scenario.localLinks = localLinks
        var script = Script(seed: seed, scenario: scenario)
        script.rates = rates
        script.mishaps = mishaps.sorted { ($0.time, $0.node) < ($1.time, $1.node) }
        var world = World(script: script, scenario: scenario, tracedFrom: 0, trace: nil)
        world.watcher = watcher
        world.run()
        return (world.report, world.firstStarts)
    }

    /// Cuts of every node, drawn apart from all else: `hours` a week in drops of so many minutes on
    /// average, each beginning at an hour that `begins` draws.
    mutating func drop(
        hoursPerWeek hours: Double, minutes: Double, begins: (inout Random) -> Double
    ) {
        var random = Random(seed: seed ^ 0xD209)
        let weeks = Double(length.nanoseconds) / 1e9 / (168 * 3_600)
        for node in members.indices {
            // As many as come on average, and one more as often as the rest says.
            let wanted = hours * 60 / minutes * weeks
            let count = Int(wanted) + (random.unit < wanted - wanted.rounded(.down) ? 1 : 0)
            for _ in 0..<count {
                let day = Double(random.next() % UInt64(max(1, Int(weeks * 7))))
                let hour = day * 24 + begins(&random)
                let span = minutes * 60 * (0.5 + random.unit)
                mishaps.append(
                    Mishap(
                        time: CaseFleet.begin.nanoseconds / 1_000_000 + Int64(hour * 3_600_000),
                        fault: .partition, node: node, length: Int64(span * 1_000),
                        draw: Mishap.draw(cut: .both)))
            }
        }
    }

    /// As a hub that decides everything: what is not standing intent waits for it, and where `stopAfter`
    /// says so, nodes that do not hear from it stop what they run, which is started elsewhere where
    /// `replacing`. In contact its leave is taken for given, since it costs it nothing to give.
    mutating func centralise(stopAfter: Duration?, replacing: Bool = false) {
        let rows = Domain.allCases.flatMap { domain -> [AuthorityOverride] in
            [Reach.mesh, .alone].map {
                AuthorityOverride(domain: domain, reach: $0, verdict: .restrict, by: .central)
            }
        }
        for index in sites.indices { sites[index].spec.authority = rows }
        guard let stopAfter else { return }
        for index in workloads.indices {
            workloads[index].spec.disconnect = Disconnect(
                lostAfter: Interval(stopAfter), stopAfter: Interval(stopAfter),
                replace: replacing)
        }
    }

    static func workload(_ name: String) -> Workload {
        Workload(
            metadata: Metadata(name: name, generation: 1),
            spec: WorkloadSpec(
                tier: .critical, replicas: .perNode,
                containers: [ContainerSpec(name: "main", command: ["serve"])]))
    }
}

extension Report {
    var violation: String? {
        failure.map { "\($0.invariant.rawValue) at \($0.time): \($0.message)" }
    }
}

/// A share in a hundred, with three digits behind the point.
func percent(_ part: Double, of whole: Double) -> String {
    whole > 0 ? thousandths(100 * part / whole) + " %" : "-"
}
