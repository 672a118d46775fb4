import Foundation
import Model
import Synchronization

/// Tells what was decided, by whom and by which policy, oldest first; with `follows` also what is
/// decided from here on.
package struct Decisions: Sendable {
    private static let limitMax = 10_000

    private let filter: DecisionFilter?
    private let limit: Int
    private let follows: Bool
    private let format: Format
    private let headings: Bool

    package init(
        about word: String?, limit: Int, follows: Bool, format: Format, headings: Bool
    ) throws(Failure) {
        guard (1...Decisions.limitMax).contains(limit) else {
            throw Failure(.usage, "--limit is from 1 to \(Decisions.limitMax)")
        }
        filter = try word.map { word throws(Failure) in try DecisionFilter(word: word) }
        self.limit = limit
        self.follows = follows
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let list = try await session.connection.decisions(
            about: filter, limit: follows ? Decisions.limitMax : limit)
        let known = Mutex(Set(list.items.map(\.id)))
        let shown = Array(list.items.suffix(limit))
        switch format {
        case .json: try session.console.sayJSON(DecisionList(items: shown, asOf: list.asOf))
        case .name: try session.console.say(shown.map { visible($0.id.description) })
        case .yaml: throw Failure(.usage, "decisions are shown as a table, wide, json or name")
        case .table, .wide: try show(shown, asOf: list.asOf, on: session.console)
        }
        guard follows else { return }
        try await session.connection.watchDecisions(about: filter) { decision in
            guard known.withLock({ $0.insert(decision.id).inserted }) else { return }
            if format == .json {
                try session.console.sayJSON(decision, isPretty: false)
            } else {
                try session.console.say(DecisionTable.line(decision))
            }
        }
    }

    private func show(_ decisions: [Decision], asOf: WallTime, on console: Console) throws {
        if decisions.isEmpty, !follows { try console.remark("no decisions") }
        guard !decisions.isEmpty else { return }
        try console.say(DecisionTable.table(decisions, asOf: asOf), as: format, headings: headings)
    }
}

extension DecisionFilter {
    /// Reads `workload/shop`, `instance/shop-0` or `node/rural-1`, with the words of every verb.
    init(word: String) throws(Failure) {
        let (kind, name) = try Target.objects([word])[0]
        guard let filter = DecisionFilter("\(kind.rawValue)/\(name)") else {
            throw Failure(
                .usage,
                "decisions are about workloads and instances, and taken by nodes; '\(word)' is "
                    + "none of these")
        }
        self = filter
    }
}

/// Decisions as rows.
enum DecisionTable {
    static func table(_ decisions: [Decision], asOf: WallTime) -> TextTable {
        TextTable(
            [
                .init("AGE", rank: 3), .init("DECISION", rank: 1), .init("ANSWER", rank: 2),
                .init("DOMAIN", rank: 4), .init("ACTION", rank: 2),
                .init("OBJECT", rank: 0, widthMin: 12), .init("BY", rank: 5),
                .init("POLICY", rank: 6), .init("CAUSE", rank: 7),
            ],
            rows: decisions.map { decision in
                [
                    .init(Age.text(of: decision.at, asOf: asOf)), .init(decision.id.description),
                    .init(decision.answer, decision.passed ? .good : .caution),
                    .init(decision.domain.rawValue), .init(decision.action.rawValue),
                    .init("\(decision.subject.kind.word)/\(decision.subject.name)"),
                    .init("\(decision.ruling.by.rawValue) (\(decision.ruling.verdict.rawValue))"),
                    .init(
                        "v\(decision.policyText) \(decision.staleness.rawValue) "
                            + "\(Age(decision.policyAge.duration))"),
                    .init(decision.cause.rawValue),
                ]
            })
    }

    static func line(_ decision: Decision) -> String {
        visible(
            "\(decision.at)  \(decision.id)  \(decision.answer)  "
                + "\(decision.subject.kind.word)/\(decision.subject.name)  \(decision.sentence)")
    }
}

extension Decision {
    var answer: String { passed ? "passed" : "refused" }
}
