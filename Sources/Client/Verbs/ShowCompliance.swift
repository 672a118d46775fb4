import Model

/// Shows which decisions of nodes were against the policy that they name, by site.
package struct ShowCompliance: Sendable {
    private let site: SiteID?
    private let format: Format
    private let headings: Bool

    package init(site: String?, format: Format, headings: Bool) {
        self.site = site.map(SiteID.init)
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let report = try await session.connection.compliance(of: site)
        let console = session.console
        try console.list(
            report, "compliance is", as: format, headings: headings, table: table(report.items),
            names: report.items.map(\.site.text), absence: "no sites yet")
        if format.isTable { try showBreaches(report, on: console) }
    }

    private func table(_ sites: [SiteCompliance]) -> TextTable {
        TextTable(
            [
                .init("SITE", rank: 0), .init("COMPLIANT", rank: 1), .init("BREACHES", rank: 2),
                .init("JUDGED", rank: 3), .init("OFFLINE", rank: 4), .init("SUPERSEDED", rank: 5),
            ],
            rows: sites.map { site in
                [
                    .init(site.site.text),
                    .init(
                        site.judged == 0 ? "-" : percent(site.compliantShare),
                        site.breached == 0 ? .good : .bad),
                    .init("\(site.breached)"), .init("\(site.judged)"),
                    .init(site.judged == 0 ? "-" : percent(site.offlineShare)),
                    .init("\(site.superseded)"),
                ]
            })
    }

    /// Every breach that the hub still has: what was decided, and what was wrong with it.
    private func showBreaches(_ report: ComplianceReport, on console: Console) throws {
        for site in report.items where !site.breaches.isEmpty {
            try console.say("")
            let older = site.breached - min(site.breached, UInt64(site.breaches.count))
            try console.say(
                visible(
                    "Breaches at site \(site.site)"
                        + (older > 0 ? ", the newest; \(older) older ones are not kept" : "") + ":")
            )
            for breach in site.breaches {
                let decision = breach.decision
                let age = Age(max(.zero, report.asOf - decision.at))
                try console.say(
                    visible(
                        "  \(decision.id), \(age) ago, \(decision.action.rawValue) "
                            + "\(decision.subject): \(decision.sentence)"))
                try console.say(breach.faults.map { visible("    wrong: \($0)") })
            }
        }
    }

    /// Never rounded up to a hundred.
    private func percent(_ share: Double) -> String {
        let tenths = Int(share * 1000)
        return "\(tenths / 10).\(tenths % 10) %"
    }
}
