import Model

/// Shows which node of a mesh has which revision, by each node's own word.
package struct CompareMesh: Sendable {
    private let site: SiteID?
    private let format: Format
    private let headings: Bool

    package init(site: String?, format: Format, headings: Bool) {
        self.site = site.map(SiteID.init)
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let holdings = try await session.connection.meshHoldings(of: site)
        try session.console.list(
            holdings, "holdings are", as: format, headings: headings, table: table(holdings.items),
            names: nil, absence: "no node has said that it holds anything")
    }

    /// A row for each thing, a column for each node.
    private func table(_ holdings: [MeshHolding]) -> TextTable {
        let nodes = Set(holdings.map(\.node)).sorted()
        let subjects = Set(holdings.map(\.subject)).sorted()
        return TextTable(
            [.init("WHAT", rank: 0)]
                + nodes.enumerated().map { .init($1.text.uppercased(), rank: $0 + 1) },
            rows: subjects.map { subject in
                let held = holdings.filter { $0.subject == subject }
                let newest = held.map(\.version).max()
                return [TextTable.Cell(subject)]
                    + nodes.map { node in
                        guard let version = held.first(where: { $0.node == node })?.version else {
                            return TextTable.Cell("-", .dim)
                        }
                        return TextTable.Cell("\(version)", version == newest ? .good : .caution)
                    }
            })
    }
}
