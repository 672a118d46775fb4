import Foundation
import Model

/// Tells which decisions put something where it is, or keep it from being there.
package struct Why: Sendable {
    private static let limit = 10_000

    private let filter: DecisionFilter
    private let format: Format

    package init(_ word: String, format: Format) throws(Failure) {
        filter = try DecisionFilter(word: word)
        self.format = format
    }

    package func run(in session: Session) async throws {
        let list = try await session.connection.decisions(about: filter, limit: Why.limit)
        let telling = atHome(Why.telling(of: list.items))
        let kept = try await notAdmitted(session)
        guard !telling.isEmpty || !kept.isEmpty else {
            throw Failure(
                .notFound,
                "no decision about \(filter) is on record here; is the name right? See: "
                    + "skerry get decisions")
        }
        switch format {
        case .json: try session.console.sayJSON(DecisionList(items: telling, asOf: list.asOf))
        case .name: try session.console.say(telling.map { visible($0.id.description) })
        case .yaml: throw Failure(.usage, "decisions are shown in words, as json or name")
        case .table, .wide:
            for (index, decision) in telling.enumerated() {
                if index > 0 { try session.console.say("") }
                try show(decision, asOf: list.asOf, on: session.console)
            }
            for instance in kept {
                if !telling.isEmpty { try session.console.say("") }
                try session.console.say(
                    visible(
                        "instance/\(instance.id) at node \(instance.node): not admitted; "
                            + "\(instance.message)"))
            }
        }
    }

    /// Instances that policies of their nodes do not let in.
    private func notAdmitted(_ session: Session) async throws -> [InstanceStatus] {
        try await session.connection.list(.instance).items.compactMap { object in
            guard case .instance(let instance) = object, instance.status.reason == "NotAdmitted"
            else { return nil }
            let isMeant =
                switch filter {
                case .workload(let workload): instance.status.id.workload == workload
                case .instance(let id): instance.status.id == id
                case .node(let node): instance.status.node == node
                }
            return isMeant ? instance.status : nil
        }
    }

    /// Of each subject and what was done to it, at each site: the last that passed, and the last
    /// that was refused where that is newer. Workloads before their instances.
    static func telling(of decisions: [Decision]) -> [Decision] {
        struct Matter: Hashable {
            var subject: Decision.Subject
            var site: SiteID?
            var isPlacing: Bool
        }
        var passed: [Matter: Decision] = [:]
        var refused: [Matter: Decision] = [:]
        for decision in decisions {
            let matter = Matter(
                subject: decision.subject, site: decision.site,
                isPlacing: decision.action == .place || decision.action == .update)
            if decision.passed {
                passed[matter] = decision
                refused[matter] = nil
            } else {
                refused[matter] = decision
            }
        }
        return (Array(passed.values) + refused.values).sorted {
            ($0.subject, $0.at, $0.id) < ($1.subject, $1.at, $1.id)
        }
    }

    /// Of an instance's workload, only what concerns the site where the instance is.
    private func atHome(_ decisions: [Decision]) -> [Decision] {
        guard case .instance(let id) = filter,
            let home = decisions.first(where: { $0.subject == .instance(id) })?.site
        else { return decisions }
        return decisions.filter { $0.site == nil || $0.site == home }
    }

    private func show(_ decision: Decision, asOf: WallTime, on console: Console) throws {
        let place = decision.site.map { " at site \($0)" } ?? ""
        try console.say(
            visible(
                "\(decision.subject.kind.word)/\(decision.subject.name)\(place): "
                    + "\(decision.action.rawValue) \(decision.answer), decision \(decision.id), "
                    + "\(Age.text(of: decision.at, asOf: asOf)) ago"))
        try console.say(visible("  \(decision.sentence)"))
        guard !decision.alternatives.isEmpty else { return }
        let table = TextTable(
            [
                .init("NODE", rank: 0), .init("CHOSEN", rank: 1), .init("OWN-COPIES", rank: 2),
                .init("OTHER-COPIES", rank: 3), .init("OBSTACLE", rank: 4, widthMin: 12),
            ],
            rows: decision.alternatives.map {
                [
                    .init($0.node.text), .init($0.isChosen ? "yes" : "no"), .init("\($0.own)"),
                    .init("\($0.others)"), .init($0.obstacle.isEmpty ? "none" : $0.obstacle),
                ]
            })
        let width = console.width.map { max(20, $0 - 2) }
        for line in table.lines(width: width, colours: console.colours) {
            try console.say("  " + line)
        }
    }
}
