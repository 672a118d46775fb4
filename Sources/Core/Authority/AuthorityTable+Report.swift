package import Model

extension AuthorityTable {
    /// Every ruling, in the order that people read a table.
    package var report: [AuthorityReport.Cell] {
        Domain.allCases.flatMap { domain in
            Tier.allCases.flatMap { tier in
                Staleness.allCases.flatMap { staleness in
                    Reach.allCases.map { reach in
                        AuthorityReport.Cell(
                            domain: domain, tier: tier, staleness: staleness, reach: reach,
                            ruling: self[Cell(domain, staleness, tier, reach)])
                    }
                }
            }
        }
    }
}

extension SiteSpec {
    /// The class of a policy that was proved current so long ago.
    package func staleness(ofAge age: Duration) -> Staleness {
        if age <= stalenessBound.duration { return .fresh }
        return age <= autonomyWindow.duration ? .stale : .expired
    }
}
