import Model

/// Shows who may decide what at a site: in contact, cut off, and beyond the autonomy window.
package struct ShowAuthority: Sendable {
    private let site: SiteID?
    private let format: Format
    private let headings: Bool

    package init(site: String?, format: Format, headings: Bool) {
        self.site = site.map(SiteID.init)
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let report = try await session.connection.authority(of: try await chosen(in: session))
        switch format {
        case .json: try session.console.sayJSON(report)
        case .yaml, .name: throw Failure(.usage, "authority is shown as a table, wide or as json")
        case .table, .wide: try show(report, on: session.console)
        }
    }

    /// The site that was named, or the only one there is.
    private func chosen(in session: Session) async throws -> SiteID {
        if let site { return site }
        let sites = try await session.connection.list(.site).items.map(\.metadata.name)
        guard sites.count == 1 else {
            throw Failure(
                .usage, "say which site with --site: \(sites.sorted().joined(separator: ", "))")
        }
        return SiteID(sites[0])
    }

    private func show(_ report: AuthorityReport, on console: Console) throws {
        try console.say(
            visible(
                "site \(report.site): pattern \(report.pattern.rawValue), policy version "
                    + "\(report.policyVersion); fresh for \(report.stalenessBound), stale until "
                    + "\(report.autonomyWindow), then expired"))
        try console.say("")
        try console.say(
            table(of: report).lines(
                width: format == .wide ? nil : console.width, colours: console.colours,
                headings: headings))
        guard !report.nodes.isEmpty else { return }
        try console.say("")
        try console.say(
            nodes(of: report).lines(
                width: format == .wide ? nil : console.width, colours: console.colours,
                headings: headings))
    }

    private func table(of report: AuthorityReport) -> TextTable {
        let columns: [(title: String, Staleness, Reach)] = [
            ("IN CONTACT", .fresh, .hub), ("CUT OFF", .stale, .alone),
            ("IN A MESH", .stale, .mesh), ("EXPIRED", .expired, .alone),
        ]
        var rows: [[TextTable.Cell]] = []
        for domain in Domain.allCases {
            for (tiers, rulings) in runs(of: domain, columns.map { ($0.1, $0.2) }, in: report) {
                rows.append([.init(domain.rawValue), .init(tiers)] + rulings.map(cell))
            }
        }
        return TextTable(
            [.init("DOMAIN", rank: 0), .init("TIERS", rank: 1)]
                + columns.enumerated().map { .init($1.title, rank: $0 + 2, widthMin: 10) },
            rows: rows)
    }

    /// Neighbouring tiers for which the same holds, as one.
    private func runs(
        of domain: Domain, _ columns: [(Staleness, Reach)], in report: AuthorityReport
    ) -> [(tiers: String, rulings: [Ruling?])] {
        var runs: [(first: Int, last: Int, rulings: [Ruling?])] = []
        for tier in Tier.allCases {
            let rulings = columns.map { report[domain, tier, $0.0, $0.1] }
            if runs.last?.rulings == rulings {
                runs[runs.count - 1].last = tier.rawValue
            } else {
                runs.append((tier.rawValue, tier.rawValue, rulings))
            }
        }
        return runs.map {
            ($0.first == $0.last ? "\($0.first)" : "\($0.first)-\($0.last)", $0.rulings)
        }
    }

    private func cell(_ ruling: Ruling?) -> TextTable.Cell {
        guard let ruling else { return "unknown" }
        let tone: Tone =
            switch ruling.verdict {
            case .permit: .good
            case .restrict: .plain
            case .hold: .caution
            }
        return .init("\(ruling.verdict.rawValue) \(ruling.by.rawValue)", tone)
    }

    private func nodes(of report: AuthorityReport) -> TextTable {
        TextTable(
            [
                .init("NODE", rank: 0), .init("POLICY", rank: 1), .init("AGE", rank: 2),
                .init("REACH", rank: 3), .init("EXPIRES-IN", rank: 4),
            ],
            rows: report.nodes.map { node in
                let left = report.autonomyWindow.duration - node.policyAge.duration
                let isHere = node.reach == .hub
                return [
                    .init(node.node.text),
                    .init(node.staleness.rawValue, node.staleness == .expired ? .bad : .plain),
                    .init(Age(node.policyAge.duration).description), .init(node.reach.rawValue),
                    .init(isHere ? "-" : left > .zero ? Age(left).description : "expired"),
                ]
            })
    }
}
