import Model

/// Policies in words and cells.
enum PolicyTables {
    static func columns(isWide: Bool) -> [TextTable.Column] {
        [
            .init("NAME", rank: 0), .init("VERSION", rank: 1), .init("SITES", rank: 3, widthMin: 6),
            .init("CANARY", rank: 4, widthMin: 6), .init("IN-FORCE", rank: 2),
            .init("ACCEPTED-FOR", rank: 5), .init("AGE", rank: 6),
        ] + (isWide ? [.init("KEY", rank: 7), .init("ROWS", rank: 8)] : [])
    }

    /// All cells behind the name.
    static func row(
        _ policy: Policy, _ picture: Picture, isWide: Bool
    ) -> [TextTable.Cell] {
        let newest = policy.status?.versions.first
        return [
            .init("\(policy.metadata.generation)"), .init(sites(policy.spec.scope)),
            .init(policy.spec.scope.canary.map(words) ?? "-"), inForce(newest),
            accepted(newest, asOf: picture.asOf), .init(picture.age(policy.metadata.createdAt)),
        ]
            + (isWide
                ? [
                    .init(policy.signed?.key ?? "-"), .init("\(policy.spec.authority.count)"),
                ] : [])
    }

    private static func inForce(_ version: PolicyStatus.Version?) -> TextTable.Cell {
        guard let version else { return .init("unknown", .dim) }
        return .init(
            "\(version.inForce)/\(version.wanted)",
            version.inForce < version.wanted ? .caution : .good)
    }

    private static func accepted(
        _ version: PolicyStatus.Version?, asOf: WallTime
    ) -> TextTable.Cell {
        guard let version else { return .init("unknown", .dim) }
        let left = version.notAfter - asOf
        return left > .zero ? .init(Age(left).description) : .init("expired", .caution)
    }

    static func versions(_ policy: Policy, _ picture: Picture) -> TextTable {
        TextTable(
            [
                .init("VERSION", rank: 0), .init("CANARY", rank: 3, widthMin: 6),
                .init("IN-FORCE", rank: 1), .init("ACCEPTED-FOR", rank: 4), .init("AGE", rank: 2),
                .init("KEY", rank: 5),
            ],
            rows: (policy.status?.versions ?? []).map { version in
                [
                    .init("\(version.version)"), .init(version.canary.map(words) ?? "-"),
                    inForce(version), accepted(version, asOf: picture.asOf),
                    .init(picture.age(version.issuedAt)), .init(version.signed.key),
                ]
            })
    }

    static func sites(_ scope: PolicyScope) -> String {
        scope.sites.isEmpty ? "every site" : scope.sites.map(\.text).joined(separator: ",")
    }

    static func words(_ canary: Canary) -> String {
        (canary.nodes.map(\.text) + (canary.percent.map { ["\($0)%"] } ?? []))
            .joined(separator: ",")
    }

    static func words(_ row: AuthorityOverride) -> String {
        let cases = [
            row.staleness?.rawValue, row.tier.map { "tier \($0.rawValue)" },
            row.reach.map { "reach \($0.rawValue)" },
        ].compactMap { $0 }
        let place = cases.isEmpty ? "" : " (\(cases.joined(separator: ", ")))"
        return "\(row.domain.rawValue)\(place): \(row.verdict.rawValue)"
            + (row.by.map { " by \($0.rawValue)" } ?? "")
    }
}
