import Model

/// Cells that place what they need: by asking the hub, or by themselves.
struct Telecom {
    let assumptions: Assumptions

    init(_ assumptions: Assumptions) { self.assumptions = assumptions }

    func run() -> CaseResult {
        let edge = live(.edgeFirst)
        let hybrid = live(.hybrid)
        let less = hybrid.mean > 0 ? 100 * (1 - edge.mean / hybrid.mean) : 0
        return CaseResult(
            title: "telecom: \(Int(assumptions["sites"])) cells, \(hybrid.count) placements",
            baseline: "hybrid: a placement is the hub's, so the cell asks it over the link",
            rows: [
                .init(
                    figure: "decision latency, mean", ours: milliseconds(edge.mean),
                    baseline: milliseconds(hybrid.mean)),
                .init(
                    figure: "95th percentile", ours: milliseconds(edge.late),
                    baseline: milliseconds(hybrid.late)),
            ],
            claims: [
                .init(
                    text: "decision latency below hybrid", claimed: "58 %",
                    found: thousandths(less) + " %", holds: less >= 58 && edge.count == hybrid.count
                )
            ],
            limits: [
                "time to decide: from the wish at the cell to the order to its engine, durable "
                    + "writes included; how long the engine then takes is the same in both",
                "the gain is that of the link: with a hub next door it would be small",
                "whether what a cell decides alone is as good; nothing is learned yet",
            ],
            violation: edge.violation ?? hybrid.violation)
    }

    private struct Figures {
        var count = 0
        var mean = 0.0
        var late = 0.0
        var violation: String?
    }

    private func live(_ pattern: Pattern) -> Figures {
        var fleet = CaseFleet(assumptions, workload: nil)
        fleet.rates.commit = assumptions["commitMilliseconds"] / 1_000
        for index in fleet.sites.indices { fleet.sites[index].spec.pattern = pattern }
        var random = Random(seed: fleet.seed ^ 0x7E1E)
        var wishes: [(workload: WorkloadID, at: Duration)] = []
        for node in fleet.members.indices {
            for number in 0..<Int(assumptions["decisionsPerSite"]) {
                let name = "d\(node)-\(number)"
                let at =
                    CaseFleet.begin
                    + .milliseconds(Int64(random.unit * assumptions["hours"] * 3_600_000))
                let workload = Workload(
                    metadata: Metadata(name: name),
                    spec: WorkloadSpec(
                        tier: .critical, selector: ["node": fleet.members[node].node.text],
                        containers: [ContainerSpec(name: "main", command: ["serve"])]))
                wishes.append((workload.id, at))
                fleet.changes.append(
                    Cast.Change(
                        at: at, object: .workload(workload),
                        node: pattern == .edgeFirst ? node : nil))
            }
        }
        let (report, starts) = fleet.run(nil)
        let spans = wishes.compactMap { wish in
            starts[wish.workload].map { Double(($0 - wish.at).nanoseconds) / 1e6 }
        }.sorted()
        guard !spans.isEmpty else { return Figures(violation: report.violation) }
        return Figures(
            count: spans.count, mean: spans.reduce(0, +) / Double(spans.count),
            late: spans[spans.count * 95 / 100], violation: report.violation)
    }

    private func milliseconds(_ value: Double) -> String { thousandths(value) + " ms" }
}
