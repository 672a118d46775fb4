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
                    + "\(Decision.text(report.policyVersion, report.policies ?? [])); fresh for "
                    + "\(report.stalenessBound), stale until \(report.autonomyWindow), then expired"
            ))
        try say(table(of: report.cells), on: console)
        for variant in report.variants ?? [] {
            let nodes = variant.nodes.map(\.text).joined(separator: ", ")
            try console.say("")
            try console.say(
                visible(
                    "canary, at \(nodes): pattern \(variant.pattern.rawValue), policy version "
                        + "\(Decision.text(report.policyVersion, variant.policies)); fresh for "
                        + "\(variant.stalenessBound), stale until \(variant.autonomyWindow), then "
                        + "expired"))
            try say(table(of: variant.cells), on: console)
        }
        guard !report.nodes.isEmpty else { return }
        try say(nodes(of: report), on: console)
    }

    private func say(_ table: TextTable, on console: Console) throws {
        try console.say("")
        try console.say(table, as: format, headings: headings)
    }

    private func table(of cells: [AuthorityReport.Cell]) -> TextTable {
        let columns: [(title: String, Staleness, Reach)] = [
            ("IN CONTACT", .fresh, .hub), ("CUT OFF", .stale, .alone),
            ("IN A MESH", .stale, .mesh), ("EXPIRED", .expired, .alone),
        ]
        var rows: [[TextTable.Cell]] = []
        var isOverridden = false
        for domain in Domain.allCases {
            for run in runs(of: domain, columns.map { ($0.1, $0.2) }, in: cells) {
                isOverridden = isOverridden || !run.sources.isEmpty
                rows.append(
                    [.init(domain.rawValue), .init(run.tiers)] + run.cells.map(cell)
                        + [.init(run.sources.isEmpty ? "-" : run.sources)])
            }
        }
        var headings: [TextTable.Column] = [.init("DOMAIN", rank: 0), .init("TIERS", rank: 1)]
        headings += columns.enumerated().map { .init($1.title, rank: $0 + 2, widthMin: 10) }
        // Where nothing was replaced there is nothing to tell about it.
        guard isOverridden else { return TextTable(headings, rows: rows.map { $0.dropLast() }) }
        return TextTable(
            headings + [.init("SET BY", rank: columns.count + 2, widthMin: 6)], rows: rows)
    }

    private struct Run {
        var first: Int
        var last: Int
        var cells: [AuthorityReport.Cell?]

        var tiers: String { first == last ? "\(first)" : "\(first)-\(last)" }
        var rules: [Ruling?] { cells.map { $0?.ruling } }
        /// Who set them, but for the pattern; each once.
        var sources: String {
            var seen: [String] = []
            for source in cells.compactMap({ $0?.source }) where !seen.contains(source) {
                seen.append(source)
            }
            return seen.joined(separator: ", ")
        }
    }

    /// Neighbouring tiers for which the same holds, as one.
    private func runs(
        of domain: Domain, _ columns: [(Staleness, Reach)], in cells: [AuthorityReport.Cell]
    ) -> [Run] {
        var runs: [Run] = []
        for tier in Tier.allCases {
            let found = columns.map { staleness, reach in
                cells.first {
                    $0.domain == domain && $0.tier == tier && $0.staleness == staleness
                        && $0.reach == reach
                }
            }
            let run = Run(first: tier.rawValue, last: tier.rawValue, cells: found)
            if let last = runs.last, last.rules == run.rules, last.sources == run.sources {
                runs[runs.count - 1].last = tier.rawValue
            } else {
                runs.append(run)
            }
        }
        return runs
    }

    private func cell(_ cell: AuthorityReport.Cell?) -> TextTable.Cell {
        guard let ruling = cell?.ruling else { return "unknown" }
        let tone: Tone =
            switch ruling.verdict {
            case .permit: .good
            case .restrict: .plain
            case .hold: .caution
            }
        return .init("\(ruling.verdict.rawValue) \(ruling.by.rawValue)", tone)
    }

    private func nodes(of report: AuthorityReport) -> TextTable {
        let hasPolicies = report.policies != nil || report.variants != nil
        return TextTable(
            [
                .init("NODE", rank: 0), .init("POLICY", rank: 1), .init("AGE", rank: 2),
                .init("REACH", rank: 3), .init("EXPIRES-IN", rank: 4),
            ] + (hasPolicies ? [.init("SIGNED", rank: 5, widthMin: 8)] : []),
            rows: report.nodes.map { node in
                let variant = report.variants?.first { $0.nodes.contains(node.node) }
                let window = variant?.autonomyWindow ?? report.autonomyWindow
                let left = window.duration - node.policyAge.duration
                let isHere = node.reach == .hub
                return [
                    .init(node.node.text),
                    .init(node.staleness.rawValue, node.staleness == .expired ? .bad : .plain),
                    .init(Age(node.policyAge.duration).description), .init(node.reach.rawValue),
                    .init(isHere ? "-" : left > .zero ? Age(left).description : "expired"),
                ] + (hasPolicies ? [signed(node)] : [])
            })
    }

    /// The signed policies in force at a node, as it said itself.
    private func signed(_ node: AuthorityReport.Standing) -> TextTable.Cell {
        guard let policies = node.policies else { return .init("unknown", .dim) }
        return .init(
            policies.isEmpty ? "-" : policies.map(\.description).joined(separator: ", "))
    }
}
