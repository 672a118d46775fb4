package import Model

/// Shows what nodes use of what they have, and how old each figure is.
package struct Top: Sendable {
    private let selector: Selector
    private let headings: Bool

    package init(_ kind: String, selector: Selector, headings: Bool) throws(Failure) {
        guard try Target.kind(kind) == .node else {
            throw Failure(.usage, "usage is measured for whole nodes only: skerry top nodes")
        }
        self.selector = selector
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let heard = try await session.hear(.node, selector)
        let silence = try session.remarkSilence([heard])
        let nodes = heard.list.items.compactMap { object in
            if case .node(let node) = object { node } else { nil }
        }
        if nodes.isEmpty {
            try session.console.remark(
                selector.isEmpty ? "no nodes yet" : "no nodes with \(selector.text)")
            if let silence { throw silence }
            return
        }
        let table = Top.table(
            nodes.sorted { $0.metadata.name < $1.metadata.name }, asOf: heard.list.asOf)
        try session.console.say(table, headings: headings)
        if let silence { throw silence }
    }

    package static func table(_ nodes: [Node], asOf: WallTime) -> TextTable {
        TextTable(
            [
                .init("NAME", rank: 0), .init("CPU", rank: 3), .init("CPU%", rank: 1),
                .init("MEMORY", rank: 4), .init("MEMORY%", rank: 2), .init("AS-OF", rank: 1),
            ],
            rows: nodes.map { node in
                guard let usage = node.status?.usage else {
                    let unknown = TextTable.Cell("unknown", .dim)
                    return [.init(node.metadata.name)]
                        + [unknown, unknown, unknown, unknown, "never"]
                }
                let capacity = node.status?.capacity
                let tone: Tone = node.status?.state == .ready ? .plain : .dim
                return [
                    .init(node.metadata.name), .init(usage.cpu.description, tone),
                    .init(
                        Figure.percent(
                            Int64(usage.cpu.millicores), of: Int64(capacity?.cpu.millicores ?? 0)),
                        tone),
                    .init(Figure.text(usage.memory), tone),
                    .init(
                        Figure.percent(usage.memory.bytes, of: capacity?.memory.bytes ?? 0), tone),
                    .init(Age.text(of: usage.observedAt, asOf: asOf) + " ago", tone),
                ]
            })
    }
}
