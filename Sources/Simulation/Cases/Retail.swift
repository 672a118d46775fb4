import Model

/// A chain of stores that sell through drops of their link.
struct Retail {
    let assumptions: Assumptions

    init(_ assumptions: Assumptions) { self.assumptions = assumptions }

    func run() -> CaseResult {
        var fleet = CaseFleet(assumptions, workload: CaseFleet.workload("till"))
        fleet.rates.containerLife = assumptions["containerLifeHours"] * 3_600
        fleet.drop(
            hoursPerWeek: assumptions["dropHoursPerWeek"], minutes: assumptions["dropMinutes"]
        ) { random in
            (random.chance(0.5) ? 11 : 16) + 3 * random.unit
        }
        var central = fleet
        central.centralise(stopAfter: .seconds(Int64(assumptions["stopAfterSeconds"])))
        let (ours, ourReport) = live(fleet)
        let (theirs, theirReport) = live(central)
        let fewer = theirs.failed > 0 ? 100 * (1 - ours.failed / theirs.failed) : 0
        return CaseResult(
            title: "retail: \(fleet.sites.count) stores, \(Interval(fleet.length))",
            baseline: "the hub decides everything; a store that does not hear from it for "
                + "\(Int(assumptions["stopAfterSeconds"])) s is evicted",
            rows: [
                .init(
                    figure: "sales tried", ours: whole(ours.asked), baseline: whole(theirs.asked)),
                .init(
                    figure: "sales failed", ours: whole(ours.failed),
                    baseline: whole(theirs.failed)),
                .init(
                    figure: "of a hundred", ours: percent(ours.failed, of: ours.asked),
                    baseline: percent(theirs.failed, of: theirs.asked)),
            ],
            claims: [
                .init(
                    text: "failed transactions fewer than the baseline", claimed: "89 %",
                    found: thousandths(fewer) + " %", holds: fewer >= 89)
            ],
            limits: [
                "a sale here needs the till alone; one that needs the centre, such as an "
                    + "authorisation of a card, fails in both",
                "checkout time: there are no queues of people in it",
                "how long real images take to start, and what a cut does to the till's own data",
            ],
            violation: ourReport.violation ?? theirReport.violation)
    }

    private func live(_ fleet: CaseFleet) -> (ServiceWatch, Report) {
        let open = assumptions["openHour"]..<assumptions["closeHour"]
        let perSecond = assumptions["salesPerHour"] / 3_600
        let factor = assumptions["peakFactor"]
        let watch = ServiceWatch(every: .seconds(5), length: fleet.length) { second in
            let hour = (second / 3_600).truncatingRemainder(dividingBy: 24)
            guard open.contains(hour) else { return 0 }
            let isPeak = (11..<14).contains(hour) || (16..<19).contains(hour)
            return isPeak ? perSecond * factor : perSecond
        }
        return (watch, fleet.run(watch).report)
    }

    private func whole(_ value: Double) -> String { String(Int(value.rounded())) }
}
