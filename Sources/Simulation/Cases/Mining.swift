import Model

/// Mines whose satellite is in reach for a part of each day, and loses much of what is said. The nodes
/// of a mine hear each other no better, and form a mesh.
struct Mining {
    let assumptions: Assumptions
    /// What a mine runs: one of each.
    private static let duties = ["dispatch", "ventilation", "haulage"]

    init(_ assumptions: Assumptions) { self.assumptions = assumptions }

    func run() -> CaseResult {
        let fleet = fleet()
        var meshed = fleet
        for index in meshed.sites.indices { meshed.sites[index].spec.pattern = .mesh }
        meshed.localLinks = LocalLinks(
            loss: fleet.rates.loss, latency: assumptions["localMilliseconds"] / 1_000)
        var central = fleet
        central.centralise(
            stopAfter: .seconds(Int64(assumptions["stopAfterSeconds"])), replacing: true)
        let (ours, ourReport) = live(meshed)
        let (theirs, theirReport) = live(central)
        return result(ours, theirs, ourReport.violation ?? theirReport.violation, fleet)
    }

    private func result(
        _ ours: DutyWatch, _ theirs: DutyWatch, _ violation: String?, _ fleet: CaseFleet
    ) -> CaseResult {
        let availability = 100 * (1 - ours.failed / ours.asked)
        let share = share(of: ours)
        return CaseResult(
            title: "mining: \(fleet.sites.count) sites, \(fleet.members.count) nodes, "
                + "\(Interval(fleet.length))",
            baseline: "the hub decides everything; what runs on a node that does not hear from it "
                + "for \(Int(assumptions["stopAfterSeconds"])) s is evicted and placed elsewhere",
            rows: [
                .init(
                    figure: "availability of Tier 1",
                    ours: percent(ours.asked - ours.failed, of: ours.asked),
                    baseline: percent(theirs.asked - theirs.failed, of: theirs.asked)),
                .init(
                    figure: "down, a workload and day",
                    ours: minutes(ours), baseline: minutes(theirs)),
                .init(
                    figure: "in two places at once, a workload and day",
                    ours: minutes(ours.doubled / ours.asked),
                    baseline: minutes(theirs.doubled / theirs.asked)),
                .init(
                    figure: "began again on another node", ours: "\(ours.moves)",
                    baseline: "\(theirs.moves)"),
                .init(
                    figure: "coordination, a node",
                    ours: "\(Int(perNode(ours.coordinationBytes, fleet))) B/s", baseline: "-"),
                .init(
                    figure: "of it gossip, claims, link to the hub",
                    ours: [ours.gossipBytes, ours.claimBytes, ours.linkBytes].map {
                        "\(Int(perNode($0, fleet)))"
                    }.joined(separator: ", "), baseline: "-"),
            ],
            claims: [
                .init(
                    text: "availability, goal 99.9 %", claimed: "99.2 %",
                    found: thousandths(availability) + " %", holds: availability >= 99.9),
                .init(
                    text: "coordination as a part of all bytes, at most", claimed: "15 %",
                    found: thousandths(share) + " %", holds: share <= 15),
            ],
            limits: [
                "what a machine of a mine really sends: coordination is measured, and payload is "
                    + "taken to fill the rest of the assumed link",
                "signatures, handshakes of sessions and checkpoints of audit logs: their bytes are "
                    + "not in it, some ten a second",
                "loss in bursts, nodes out of earshot of each other, and a mine split in two",
                "the state of a workload that is taken over: it begins anew on another node",
            ],
            violation: violation)
    }

    private func fleet() -> CaseFleet {
        let perSite = Int(assumptions["nodesPerSite"])
        var fleet = CaseFleet(assumptions, nodesPerSite: perSite, workload: nil)
        for index in fleet.members.indices {
            fleet.members[index].labels = ["mine": fleet.members[index].site.text]
        }
        fleet.workloads = fleet.sites.flatMap { site in
            Mining.duties.map { duty in
                var workload = CaseFleet.workload("\(duty)-\(site.metadata.name)")
                workload.spec.replicas = .count(1)
                workload.spec.selector = ["mine": site.metadata.name]
                return workload
            }
        }
        fleet.rates.containerLife = assumptions["containerLifeHours"] * 3_600
        fleet.rates.loss = assumptions["lossPercent"] / 100
        cutDaily(&fleet)
        strike(&fleet, .nodeReboot, perWeek: assumptions["rebootsPerWeek"], length: 0)
        strike(
            &fleet, .nodeLoss, perWeek: assumptions["breakdownsPerWeek"],
            length: assumptions["repairHours"])
        return fleet
    }

    /// Out of reach each day for as long as the satellite is below the horizon.
    private func cutDaily(_ fleet: inout CaseFleet) {
        let down = 24 - assumptions["upHours"]
        let days = Int((assumptions["hours"] / 24).rounded(.up))
        let perSite = Int(assumptions["nodesPerSite"])
        for node in fleet.members.indices {
            for day in 0..<days {
                let hour = Double(day * 24 + (node / perSite) % 12)
                fleet.mishaps.append(
                    Mishap(
                        time: CaseFleet.begin.nanoseconds / 1_000_000 + Int64(hour * 3_600_000),
                        fault: .partition, node: node, length: Int64(down * 3_600_000),
                        draw: Mishap.draw(cut: .both)))
            }
        }
    }

    /// A fault of single nodes at drawn moments, so often a week, for so many hours.
    private func strike(
        _ fleet: inout CaseFleet, _ fault: Fault, perWeek: Double, length: Double
    ) {
        var random = Random(seed: fleet.seed ^ (fault == .nodeReboot ? 0xB007 : 0xB4EA))
        let mean = 168 / perWeek
        for node in fleet.members.indices {
            var hour = mean * 2 * random.unit
            while hour < assumptions["hours"] {
                fleet.mishaps.append(
                    Mishap(
                        time: CaseFleet.begin.nanoseconds / 1_000_000 + Int64(hour * 3_600_000),
                        fault: fault, node: node, length: Int64(length * 3_600_000), draw: 0))
                hour += length + mean * 2 * random.unit
            }
        }
    }

    private func live(_ fleet: CaseFleet) -> (DutyWatch, Report) {
        let watch = DutyWatch(
            fleet.workloads.map(\.id), every: .seconds(1), length: fleet.length)
        return (watch, fleet.run(watch).report)
    }

    /// In a hundred bytes, where payload fills what coordination leaves of each node's link.
    private func share(of watch: DutyWatch) -> Double {
        let link = assumptions["linkKilobits"] * 125 * watch.seconds
        let nodes = assumptions["sites"] * assumptions["nodesPerSite"]
        return 100 * Double(watch.coordinationBytes) / (link * nodes)
    }

    private func perNode(_ bytes: Int, _ fleet: CaseFleet) -> Double {
        Double(bytes) / (Double(fleet.length.nanoseconds) / 1e9) / Double(fleet.members.count)
    }

    private func minutes(_ watch: DutyWatch) -> String { minutes(watch.failed / watch.asked) }

    private func minutes(_ part: Double) -> String { thousandths(24 * 60 * part) + " min" }
}

/// Looks at regular times which of the workloads that every mine needs serve, wherever that is.
private final class DutyWatch: Watcher {
    private let duties: [WorkloadID]
    private let period: Int64
    private let end: Int64
    private var last = CaseFleet.begin.nanoseconds
    /// Seconds of workloads.
    private(set) var asked = 0.0
    private(set) var failed = 0.0
    private(set) var doubled = 0.0
    private(set) var seconds = 0.0
    /// How often a workload served elsewhere than before.
    private(set) var moves = 0
    private var places: [WorkloadID: [Int]] = [:]
    // What was said since the story began.
    private(set) var gossipBytes = 0
    private(set) var claimBytes = 0
    private(set) var linkBytes = 0
    private var before: Meshes?

    var coordinationBytes: Int { gossipBytes + claimBytes + linkBytes }

    init(_ duties: [WorkloadID], every period: Duration, length: Duration) {
        self.duties = duties
        self.period = period.nanoseconds
        end = (CaseFleet.begin + length).nanoseconds
    }

    func isDue(_ time: Int64) -> Bool { time >= last + period && last < end }

    func look(_ world: World) {
        let span = Double(min(world.time, end) - last) / 1e9
        last = world.time
        guard span > 0 else { return }
        seconds += span
        count(world.meshes)
        var serving: [WorkloadID: [Int]] = [:]
        for (index, place) in world.places.enumerated() {
            for workload in place.serving(at: world.time) {
                serving[workload, default: []].append(index)
            }
        }
        for duty in duties {
            asked += span
            let now = serving[duty] ?? []
            if now.isEmpty { failed += span }
            if now.count > 1 { doubled += span }
            guard !now.isEmpty else { continue }
            if let before = places[duty], Set(before).isDisjoint(with: now) { moves += 1 }
            places[duty] = now
        }
    }

    private func count(_ meshes: Meshes?) {
        guard let meshes else { return }
        let first = before ?? meshes
        before = first
        gossipBytes = meshes.gossipBytes - first.gossipBytes
        claimBytes = meshes.claimBytes - first.claimBytes
        linkBytes = meshes.linkBytes - first.linkBytes
    }
}
