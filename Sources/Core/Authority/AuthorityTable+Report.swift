package import Model

extension Regime {
    /// Every ruling, in the order that people read a table.
    package var report: [AuthorityReport.Cell] {
        AuthorityTable.Cell.all.map {
            AuthorityReport.Cell(
                domain: $0.domain, tier: $0.tier, staleness: $0.staleness, reach: $0.reach,
                ruling: table[$0], source: sources[$0])
        }
    }
}

extension Regime {
    /// The class of a policy that was proved current so long ago.
    package func staleness(ofAge age: Duration) -> Staleness {
        if age <= stalenessBound.duration { return .fresh }
        return age <= autonomyWindow.duration ? .stale : .expired
    }
}
