import Model

/// Shows how records of a mesh came to a node.
package struct TraceRecords: Sendable {
    private let record: String
    private let format: Format
    private let headings: Bool

    package init(_ record: String, format: Format, headings: Bool) {
        self.record = record
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let traces = try await session.connection.meshTraces(of: record)
        if traces.items.isEmpty, format.isTable {
            throw Failure(
                .notFound,
                record.isEmpty
                    ? "this node holds no records" : "this node holds no record of '\(record)'")
        }
        try session.console.list(
            traces, "traces are", as: format, headings: headings, table: table(traces),
            names: traces.items.map(\.key), absence: "this node holds no records")
    }

    private func table(_ traces: MeshTraces) -> TextTable {
        TextTable(
            [
                .init("RECORD", rank: 0), .init("ORIGIN", rank: 1), .init("NO", rank: 4),
                .init("WRITTEN", rank: 3), .init("VIA", rank: 2), .init("TOOK", rank: 5),
                .init("HELD-BY", rank: 6),
            ],
            rows: traces.items.map { trace in
                [
                    .init(trace.key + (trace.isTombstone ? " (gone)" : "")),
                    .init(trace.origin.text), .init("\(trace.sequence)"),
                    .init(
                        Age(of: trace.writtenAt, asOf: traces.asOf).map { "\($0) ago" } ?? "-"),
                    .init(trace.via?.text ?? "-"),
                    .init(
                        trace.arrivedAt.map {
                            "\(max(0, ($0 - trace.writtenAt).nanoseconds / 1_000_000))ms"
                        } ?? "-"),
                    .init(
                        trace.holders.isEmpty
                            ? "-" : trace.holders.map(\.text).joined(separator: ",")),
                ]
            })
    }
}
