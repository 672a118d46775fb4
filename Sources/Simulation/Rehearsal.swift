package import Model

/// A person's own sites and workloads on virtual time, with the links cut that the person names, and
/// nothing else going wrong.
///
/// Hub and nodes are the machines of production. Engines do as they are asked, at once and without
/// fail; containers run until they are stopped. What it cannot show: whether a workload itself bears a
/// cut, and how long real images, disks and links take.
package struct Rehearsal: Sendable {
    /// What goes wrong, all of it at once.
    package struct Outage: Equatable, Sendable {
        package var cutSites: Set<SiteID>
        package var losesHub: Bool
        /// Sites whose nodes all reboot in the middle of it.
        package var rebootedSites: Set<SiteID>
        package var length: Duration

        package init(
            cutSites: Set<SiteID> = [], losesHub: Bool = false, rebootedSites: Set<SiteID> = [],
            length: Duration
        ) {
            self.cutSites = cutSites
            self.losesHub = losesHub
            self.rebootedSites = rebootedSites
            self.length = length
        }
    }

    package var sites: [Site]
    package var workloads: [Workload]
    package var nodesPerSite: Int
    package var outage: Outage
    package var seed: UInt64

    package init(
        sites: [Site], workloads: [Workload], nodesPerSite: Int, outage: Outage, seed: UInt64
    ) {
        precondition(!sites.isEmpty && nodesPerSite > 0, "a rehearsal needs nodes")
        precondition(
            sites.count * nodesPerSite <= Scenario.nodeCounts.upperBound,
            "a fleet has at most \(Scenario.nodeCounts.upperBound) nodes here")
        self.sites = sites
        self.workloads = workloads
        self.nodesPerSite = nodesPerSite
        self.outage = outage
        self.seed = seed
    }

    /// When the outage begins: by then the fleet is up.
    package static let begin = Duration.seconds(600)

    /// The node names of a site: `SITE-1`, `SITE-2`.
    private var members: [Cast.Member] {
        sites.flatMap { site in
            (1...nodesPerSite).map {
                Cast.Member(
                    node: NodeID("\(site.metadata.name)-\($0)"), site: SiteID(site.metadata.name))
            }
        }
    }

    package func run() -> RehearsalReport {
        let members = members
        var scenario = Scenario(nodes: members.count, horizon: Rehearsal.begin + outage.length)
        scenario.isSettled = true
        scenario.wallJumps = false
        scenario.cast = Cast(
            sites: sites.map(\.asFirstApplied), nodes: members,
            workloads: workloads.map(\.asFirstApplied))
        var script = Script(seed: seed, scenario: scenario)
        script.rates = Rates()
        script.rates.latency = 0.05
        script.rates.commit = 0.005
        script.mishaps = mishaps(for: members)
        var world = World(script: script, scenario: scenario, tracedFrom: 0, trace: nil)
        let log = RehearsalLog(every: max(.seconds(5), outage.length / 20_000))
        world.watcher = log
        world.run()
        log.look(world)
        return RehearsalReport(rehearsal: self, log: log, report: world.report)
    }

    private func mishaps(for members: [Cast.Member]) -> [Mishap] {
        func mishap(_ fault: Fault, _ node: Int, at time: Duration, for length: Duration) -> Mishap
        {
            Mishap(
                time: time.nanoseconds / 1_000_000, fault: fault, node: node,
                length: length.nanoseconds / 1_000_000, draw: Mishap.oneNodeBothWays)
        }
        var mishaps: [Mishap] = []
        if outage.losesHub {
            mishaps.append(mishap(.hubCrash, 0, at: Rehearsal.begin, for: outage.length))
        }
        for (index, member) in members.enumerated() {
            if outage.cutSites.contains(member.site) {
                mishaps.append(mishap(.partition, index, at: Rehearsal.begin, for: outage.length))
            }
            if outage.rebootedSites.contains(member.site) {
                let middle = Rehearsal.begin + outage.length / 2
                mishaps.append(mishap(.nodeReboot, index, at: middle, for: .zero))
            }
        }
        return mishaps.sorted { $0.time < $1.time }
    }
}

extension Mishap {
    /// A draw that makes a partition one of one node, in both directions.
    fileprivate static let oneNodeBothWays: UInt64 = 6
}

extension Site {
    /// As the hub holds it once a person has applied it.
    fileprivate var asFirstApplied: Site {
        var site = self
        site.metadata.generation = 1
        site.status = nil
        return site
    }
}

extension Workload {
    fileprivate var asFirstApplied: Workload {
        var workload = self
        workload.metadata.generation = 1
        workload.status = nil
        return workload
    }
}
