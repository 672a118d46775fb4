import Manifest
package import Model

/// Lists about what hub and nodes differ: each with both generations, or both specs.
package struct Conflicts: Sendable {
    private let format: Format
    private let headings: Bool

    package init(format: Format, headings: Bool) {
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let list = try await session.connection.conflicts()
        let console = session.console
        if format == .yaml {
            for conflict in list.items { try show(conflict, on: console) }
            return
        }
        try console.list(
            list, "conflicts are", as: format, headings: headings, table: table(list.items),
            names: list.items.map { "node/\($0.node) \($0.subject)" }, absence: "no conflicts")
    }

    /// Both words, as manifests, each under a line that says whose it is.
    private func show(_ conflict: Conflict, on console: Console) throws {
        for (side, object) in [("hub", conflict.atHub), ("node", conflict.atNode)] {
            let place = visible("node \(conflict.node), \(conflict.subject), at the \(side)")
            guard let object else {
                try console.say("# \(place): there is none")
                continue
            }
            try console.say("# \(place):")
            try console.sayYAML([object])
        }
    }

    private func table(_ conflicts: [Conflict]) -> TextTable {
        TextTable(
            [
                .init("NODE", rank: 0), .init("OBJECT", rank: 1), .init("AT-HUB", rank: 2),
                .init("AT-NODE", rank: 3), .init("DIFFERENCE", rank: 4, widthMin: 16),
            ],
            rows: conflicts.map { conflict in
                [
                    .init(conflict.node.text), .init(conflict.subject),
                    side(conflict.atHub), side(conflict.atNode), .init(conflict.difference),
                ]
            })
    }

    private func side(_ object: Object?) -> TextTable.Cell {
        guard let object else { return .init("-", .dim) }
        return .init("generation \(object.metadata.generation)")
    }
}

/// Ends the conflict of a node by the word of one side.
package struct ResolveNode: Sendable {
    private let node: String
    private let keep: Side

    package init(_ node: String, keep: Side) {
        self.node = node
        self.keep = keep
    }

    package func run(in session: Session) async throws {
        let object = try await session.connection.edit(.node, node, .resolve(keep))
        try session.console.say(
            visible("\(object.name) resolved: the \(keep.rawValue)'s word holds"))
    }
}

extension Conflict {
    fileprivate var subject: String { "\(kind.rawValue.lowercased())/\(name)" }

    /// In what the two differ, in a few words.
    fileprivate var difference: String {
        guard let atHub else { return "only the node has it" }
        guard let atNode else { return "only the hub has it" }
        let isSameText = atHub.spec == atNode.spec
        if !isSameText { return "specs differ" }
        return copiesAtHub == copiesAtNode
            ? "labels or annotations differ"
            : "copies \(copiesAtHub) at the hub, \(copiesAtNode) at the node"
    }
}

extension Object {
    /// What is written under `spec:`, for comparing.
    fileprivate var spec: Spec {
        switch self {
        case .site(let site): .site(site.spec)
        case .node(let node): .node(node.spec)
        case .workload(let workload): .workload(workload.spec)
        case .instance, .policy, .secret: .none
        }
    }
}

private enum Spec: Equatable {
    case none
    case site(SiteSpec)
    case node(NodeSpec)
    case workload(WorkloadSpec)
}
