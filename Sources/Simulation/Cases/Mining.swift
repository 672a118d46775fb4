import Model

/// Mines whose satellite is in reach for a part of each day, and loses much of what is said.
struct Mining {
    let assumptions: Assumptions

    init(_ assumptions: Assumptions) { self.assumptions = assumptions }

    func run() -> CaseResult {
        var fleet = CaseFleet(
            assumptions, nodesPerSite: Int(assumptions["nodesPerSite"]),
            workload: CaseFleet.workload("dispatch"))
        fleet.rates.containerLife = assumptions["containerLifeHours"] * 3_600
        fleet.rates.loss = assumptions["lossPercent"] / 100
        cutDaily(&fleet)
        reboot(&fleet)
        var central = fleet
        central.centralise(stopAfter: .seconds(Int64(assumptions["stopAfterSeconds"])))
        let (ours, ourReport) = live(fleet)
        let (theirs, theirReport) = live(central)
        let availability = 100 * (1 - ours.failed / ours.asked)
        return CaseResult(
            title: "mining: \(fleet.sites.count) sites, \(fleet.members.count) nodes, "
                + "\(Interval(fleet.length))",
            baseline: "the hub decides everything; a node that does not hear from it for "
                + "\(Int(assumptions["stopAfterSeconds"])) s is evicted",
            rows: [
                .init(
                    figure: "availability of Tier 1",
                    ours: percent(ours.asked - ours.failed, of: ours.asked),
                    baseline: percent(theirs.asked - theirs.failed, of: theirs.asked)),
                .init(
                    figure: "down, a node and day",
                    ours: minutes(ours), baseline: minutes(theirs)),
            ],
            claims: [
                .init(
                    text: "availability", claimed: "99.2 %",
                    found: thousandths(availability) + " %", holds: availability >= 99.2)
            ],
            limits: [
                "the link is a stream that sends again what is lost: a placeholder until nodes of a "
                    + "mesh talk to each other by datagrams",
                "no mesh, so no sharing of load and no peer that vouches: each node stands alone",
                "broken hardware: nodes reboot, and none of them stays away",
                "coordination as a part of the traffic, which needs the mesh",
            ],
            violation: ourReport.violation ?? theirReport.violation)
    }

    /// Out of reach each day for as long as the satellite is below the horizon.
    private func cutDaily(_ fleet: inout CaseFleet) {
        let down = 24 - assumptions["upHours"]
        let days = Int(assumptions["hours"] / 24)
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

    private func reboot(_ fleet: inout CaseFleet) {
        var random = Random(seed: fleet.seed ^ 0xB007)
        let mean = 168 / assumptions["rebootsPerWeek"]
        for node in fleet.members.indices {
            var hour = mean * 2 * random.unit
            while hour < assumptions["hours"] {
                fleet.mishaps.append(
                    Mishap(
                        time: CaseFleet.begin.nanoseconds / 1_000_000 + Int64(hour * 3_600_000),
                        fault: .nodeReboot, node: node, length: 0, draw: 0))
                hour += mean * 2 * random.unit
            }
        }
    }

    private func live(_ fleet: CaseFleet) -> (ServiceWatch, Report) {
        let watch = ServiceWatch(every: .seconds(5), length: fleet.length) { _ in 1 }
        return (watch, fleet.run(watch).report)
    }

    private func minutes(_ watch: ServiceWatch) -> String {
        thousandths(24 * 60 * watch.failed / watch.asked) + " min"
    }
}
