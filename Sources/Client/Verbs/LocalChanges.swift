package import Model

/// Shows what people changed at nodes, and where that and the hub's word differ.
package struct ShowLocalChanges: Sendable {
    private let format: Format
    private let headings: Bool

    package init(format: Format, headings: Bool) {
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let list = try await session.connection.localChanges()
        try session.console.list(
            list, "changes are", as: format, headings: headings, table: table(list),
            names: list.items.map { "workload/\($0.change.workload) \($0.node)" },
            absence: "nobody changed anything at a node that is not settled")
    }

    private func table(_ list: LocalChangeList) -> TextTable {
        TextTable(
            [
                .init("WORKLOAD", rank: 0, widthMin: 12), .init("NODE", rank: 1),
                .init("CHANGE", rank: 2), .init("STATE", rank: 3), .init("AGE", rank: 5),
                .init("FIELDS", rank: 6), .init("CONFLICTS", rank: 4),
            ],
            rows: list.items.map { row($0, asOf: list.asOf) })
    }

    private func row(_ report: LocalChangeReport, asOf: WallTime) -> [TextTable.Cell] {
        let state =
            report.conflicts.isEmpty
            ? report.isHandedOver ? "merged" : "waits for the hub"
            : "conflict, \(report.standing.rawValue)'s word stands"
        return [
            .init(report.change.workload.text), .init(report.node.text),
            .init(report.change.effect.rawValue),
            .init(state, report.conflicts.isEmpty ? .plain : .caution),
            .init(Age.text(of: report.change.at, asOf: asOf)),
            .init(report.fields.joined(separator: ", ")),
            .init(report.conflicts.isEmpty ? "none" : report.conflicts.joined(separator: ", ")),
        ]
    }
}

/// Settles what somebody changed at a node.
package struct Resolve: Sendable {
    private let resolution: Resolution

    package init(_ word: String, node: String, keep: Side) throws(Failure) {
        let (kind, name) = try Target.objects([word.contains("/") ? word : "workload/\(word)"])[0]
        guard kind == .workload else {
            throw Failure(.usage, "what people change at nodes are workloads, not \(kind.plural)")
        }
        resolution = Resolution(node: NodeID(node), workload: WorkloadID(name), keep: keep)
    }

    package func run(in session: Session) async throws {
        try await session.connection.resolve(resolution)
        let outcome =
            resolution.keep == .hub
            ? "the change at node \(resolution.node) is dropped"
            : "what node \(resolution.node) has holds for all"
        try session.console.say(visible("workload/\(resolution.workload) resolved: \(outcome)"))
    }
}
