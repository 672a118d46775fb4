import Model

/// Shows who holds what in a mesh, by which claim and since when: on a node as it knows it, at the hub as
/// each holder said it.
package struct ShowClaims: Sendable {
    private let site: SiteID?
    private let format: Format
    private let headings: Bool

    package init(site: String?, format: Format, headings: Bool) {
        self.site = site.map(SiteID.init)
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let report = try await session.connection.mesh(of: site)
        let claims = ShowClaims.claims(in: report)
        try session.console.list(
            claims, "claims are", as: format, headings: headings,
            table: table(claims, asOf: report.asOf),
            names: claims.map { "instance/\($0.instance)" },
            absence:
                "nothing is left to a mesh here: that takes a site whose pattern is mesh and a "
                + "workload with a number of replicas")
    }

    /// One of each instance: what its holder says itself counts before what others know.
    private static func claims(in report: MeshReport) -> [Tenure] {
        var claims: [InstanceID: Tenure] = [:]
        for view in report.items {
            for claim in view.claims ?? [] {
                let isOwn = claim.holder == view.node
                if let known = claims[claim.instance], !isOwn || known.outranks(claim) { continue }
                claims[claim.instance] = claim
            }
        }
        return claims.values.sorted { $0.instance < $1.instance }
    }

    private func table(_ claims: [Tenure], asOf now: WallTime) -> TextTable {
        TextTable(
            [
                .init("INSTANCE", rank: 0), .init("HOLDER", rank: 0), .init("CLAIM", rank: 1),
                .init("STATE", rank: 1), .init("IN-PLACE-OF", rank: 2), .init("SINCE", rank: 3),
            ],
            rows: claims.map { claim in
                [
                    .init("\(claim.instance)"), .init(claim.holder.text), .init("\(claim.epoch)"),
                    .init(claim.isHeld ? "held" : "asked for", claim.isHeld ? .good : .caution),
                    .init(claim.predecessor?.text ?? "-"),
                    .init(
                        claim.since.milliseconds == 0
                            ? "-" : Age(of: claim.since, asOf: now)?.description ?? "-"),
                ]
            })
    }
}
