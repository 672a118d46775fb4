package import Model

/// The table of each kind: which columns it has, and what stands in them.
package struct ObjectTables: Sendable {
    package var picture: Picture
    /// Every column and nothing left out.
    package var isWide: Bool
    /// Writes `node/rural-1` instead of `rural-1`, where several kinds stand below each other.
    package var namesKinds: Bool

    package init(picture: Picture, isWide: Bool = false, namesKinds: Bool = false) {
        self.picture = picture
        self.isWide = isWide
        self.namesKinds = namesKinds
    }

    package func table(_ kind: Kind, _ objects: [Object]) -> TextTable {
        TextTable(columns(kind), rows: sorted(objects).map(row))
    }

    private func columns(_ kind: Kind) -> [TextTable.Column] {
        switch kind {
        case .site: siteColumns
        case .node: nodeColumns
        case .workload: workloadColumns
        case .instance: instanceColumns
        case .policy: PolicyTables.columns(isWide: isWide)
        case .secret: secretColumns
        }
    }

    package func row(_ object: Object) -> [TextTable.Cell] {
        switch object {
        case .site(let site): row(site)
        case .node(let node): row(node)
        case .workload(let workload): row(workload)
        case .instance(let instance): row(instance)
        case .policy(let policy):
            [name(object)] + PolicyTables.row(policy, picture, isWide: isWide)
        case .secret(let secret): row(secret)
        }
    }

    /// By name, where `shop-10` comes behind `shop-9`.
    private func sorted(_ objects: [Object]) -> [Object] {
        objects.sorted { left, right in
            if case .instance(let left) = left, case .instance(let right) = right {
                return left.status.id < right.status.id
            }
            return left.metadata.name < right.metadata.name
        }
    }

    private func name(_ object: Object) -> TextTable.Cell {
        .init(namesKinds ? object.name : object.metadata.name)
    }

    private func optional(_ cells: [TextTable.Cell]) -> [TextTable.Cell] { isWide ? cells : [] }
    private func optional(_ columns: [TextTable.Column]) -> [TextTable.Column] {
        isWide ? columns : []
    }

    // MARK: - Secrets

    private var secretColumns: [TextTable.Column] {
        [
            .init("NAME", rank: 0), .init("TYPE", rank: 2), .init("DATA", rank: 1),
            .init("AGE", rank: 3),
        ] + optional([.init("KEYS", rank: 4, widthMin: 12)])
    }

    private func row(_ secret: Secret) -> [TextTable.Cell] {
        let keys = secret.status?.keys ?? []
        return [
            name(.secret(secret)), .init(secret.type), .init("\(keys.count)"),
            .init(picture.age(secret.metadata.createdAt)),
        ] + optional([.init(keys.joined(separator: ","))])
    }

    // MARK: - Sites

    private var siteColumns: [TextTable.Column] {
        [
            .init("NAME", rank: 0), .init("NODES", rank: 2), .init("IN-CONTACT", rank: 1),
            .init("AGE", rank: 3),
        ]
            + optional([
                .init("AS-OF", rank: 4), .init("WINDOW", rank: 5), .init("LINK", rank: 6),
                .init("LOCATION", rank: 7), .init("LABELS", rank: 8, widthMin: 12),
            ])
    }

    private func row(_ site: Site) -> [TextTable.Cell] {
        let status = site.status
        let inContact: TextTable.Cell =
            if let status {
                .init(
                    "\(status.nodesInContact)",
                    status.nodesInContact < status.nodes ? .caution : .good)
            } else {
                .init("unknown", .dim)
            }
        return [
            name(.site(site)),
            status.map { .init("\($0.nodes)") } ?? .init("unknown", .dim),
            inContact, .init(picture.age(site.metadata.createdAt)),
        ]
            + optional([
                .init(picture.age(status?.observedAt)),
                .init(site.spec.autonomyWindow.description),
                .init(site.spec.link.map { Figure.text($0.bytesPerSecond) + "/s" } ?? "-"),
                .init(site.spec.location.map { "\($0.latitude),\($0.longitude)" } ?? "-"),
                .init(labels(site.metadata)),
            ])
    }

    // MARK: - Nodes

    private var nodeColumns: [TextTable.Column] {
        [
            .init("NAME", rank: 0), .init("SITE", rank: 5, widthMin: 6), .init("STATE", rank: 1),
            .init("LAST-SEEN", rank: 2), .init("ENGINE", rank: 8), .init("REVISION", rank: 4),
            .init("CPU", rank: 6), .init("MEM", rank: 7), .init("AGE", rank: 3),
        ] + optional([.init("VERSION", rank: 9), .init("LABELS", rank: 10, widthMin: 12)])
    }

    private func row(_ node: Node) -> [TextTable.Cell] {
        let status = node.status
        return [
            name(.node(node)), .init(node.spec.site.text), state(node),
            .init(status?.lastSeen == nil ? "never" : picture.age(status?.lastSeen)),
            engine(status?.engine),
            status.map { .init("\($0.appliedRevision)/\($0.desiredRevision)") } ?? "unknown",
            usage(status) { ($0.cpu.description, $1?.cpu.description) },
            usage(status) { (Figure.text($0.memory), $1.map { Figure.text($0.memory) }) },
            .init(picture.age(node.metadata.createdAt)),
        ] + optional([.init(status?.agentVersion ?? "unknown"), .init(labels(node.metadata))])
    }

    private func engine(_ engine: EngineStatus?) -> TextTable.Cell {
        engine.map { .init($0.name, $0.isAbsent ? .bad : .plain) } ?? .init("unknown", .dim)
    }

    private func state(_ node: Node) -> TextTable.Cell {
        let isRefused = node.status?.conditions.contains {
            $0.type == Condition.contact && !$0.isTrue && $0.reason == Condition.refused
        }
        let warnings = ["Cloned", "Superseded", "Revoked"].filter { warning in
            node.status?.conditions.contains { $0.type == warning && $0.isTrue } ?? false
        }
        let cordoned =
            (isRefused == true ? ",Refused" : "") + warnings.map { "," + $0 }.joined()
            + (node.spec.cordoned ? ",Cordoned" : "")
        guard let state = node.status?.state else { return .init("unknown" + cordoned, .dim) }
        let tone: Tone =
            switch state {
            case .ready: node.spec.cordoned || !warnings.isEmpty ? .caution : .good
            case .autonomous, .awaitingReconnect, .vouched: .caution
            case .silent, .conflictPaused: .bad
            }
        return .init(state.rawValue + cordoned, tone)
    }

    /// Used of available. A figure from a node that is cut off carries its age.
    private func usage(
        _ status: NodeStatus?, _ part: (Usage, Capacity?) -> (used: String, of: String?)
    ) -> TextTable.Cell {
        guard let status, let usage = status.usage else { return .init("unknown", .dim) }
        let (used, of) = part(usage, status.capacity)
        let text = of.map { "\(used)/\($0)" } ?? used
        guard status.state != .ready, picture.vantage == .hub else { return .init(text) }
        return .init("\(text) (\(picture.age(usage.observedAt)) ago)", .dim)
    }

    // MARK: - Workloads

    private var workloadColumns: [TextTable.Column] {
        [
            .init("NAME", rank: 0), .init("TIER", rank: 4), .init("READY", rank: 1),
            .init("AS-OF", rank: 2), .init("AGE", rank: 3),
        ]
            + optional([
                .init("REPLICAS", rank: 5), .init("CONTAINERS", rank: 6, widthMin: 10),
                .init("IMAGES", rank: 7, widthMin: 10), .init("SELECTOR", rank: 8, widthMin: 10),
            ])
    }

    private func row(_ workload: Workload) -> [TextTable.Cell] {
        let status = workload.status
        let ready: TextTable.Cell =
            if let status {
                .init(
                    "\(status.ready)/\(status.desired)",
                    status.ready >= status.desired ? .good : status.ready > 0 ? .caution : .bad)
            } else {
                .init("unknown", .dim)
            }
        let containers = workload.spec.containers
        return [
            name(.workload(workload)), .init("\(workload.spec.tier.rawValue)"), ready,
            .init(status?.observedAt == nil ? "never" : picture.age(status?.observedAt)),
            .init(picture.age(workload.metadata.createdAt)),
        ]
            + optional([
                .init(workload.spec.replicas.text),
                .init(containers.map(\.name).joined(separator: ",")),
                .init(
                    containers.map { $0.image ?? $0.command.first ?? "-" }.joined(separator: ",")),
                .init(pairs(workload.spec.selector)),
            ])
    }

    // MARK: - Instances

    private var instanceColumns: [TextTable.Column] {
        [
            .init("NAME", rank: 0), .init("NODE", rank: 3, widthMin: 8),
            .init("SITE", rank: 7, widthMin: 6), .init("STATE", rank: 1), .init("READY", rank: 2),
            .init("RESTARTS", rank: 5), .init("AS-OF", rank: 4),
            .init("ADDRESS", rank: 6, widthMin: 9),
        ]
            + optional([
                .init("GENERATION", rank: 9), .init("STARTED", rank: 8),
                .init("REASON", rank: 10, widthMin: 8), .init("MESSAGE", rank: 11, widthMin: 12),
            ])
    }

    private func row(_ instance: Instance) -> [TextTable.Cell] {
        let status = instance.status
        let ready = status.ready ? "yes" : "no"
        let figures: [TextTable.Cell] =
            switch picture.currency(of: status) {
            case .current(let age):
                [
                    status.reason == "NotAdmitted"
                        ? .init("\(status.phase.rawValue), NotAdmitted", .caution)
                        : .init(status.phase.rawValue, status.phase.tone),
                    .init(ready, status.ready ? .good : .caution), .init("\(status.restarts)"),
                    .init(age),
                ]
            case .past(let age):
                [
                    .init("\(status.phase.rawValue) (\(age) ago)", .dim),
                    .init("was \(ready)", .dim), .init("\(status.restarts)"), .init(age),
                ]
            }
        return [name(.instance(instance)), .init(status.node.text), .init(status.site.text)]
            + figures + [.init(ports(status))]
            + optional([
                .init("\(status.observedGeneration)"), .init(picture.age(status.startedAt)),
                .init(status.reason.isEmpty ? "-" : status.reason),
                .init(status.message.isEmpty ? "-" : status.message),
            ])
    }

    private func ports(_ status: InstanceStatus) -> String {
        let ports = status.ports.sorted { $0.key < $1.key }
        return ports.isEmpty ? "-" : ports.map { "\($0.key):\($0.value)" }.joined(separator: ",")
    }

    private func labels(_ metadata: Metadata) -> String { pairs(metadata.labels) }
}

func pairs(_ labels: [String: String]) -> String {
    let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return pairs.isEmpty ? "-" : pairs.joined(separator: ",")
}

extension Object {
    /// `node/rural-1`: how the command line names it, in and out.
    package var name: String { "\(kind.word)/\(metadata.name)" }
}

extension Kind {
    /// The singular, as the command line writes it.
    package var word: String { rawValue.lowercased() }
}

extension Replicas {
    var text: String {
        switch self {
        case .count(let count): "\(count)"
        case .perNode: "perNode"
        }
    }
}

extension Phase {
    var tone: Tone {
        switch self {
        case .running, .succeeded: .good
        case .pending, .degraded: .caution
        case .crashLoopBackOff, .imagePullBackOff, .failed: .bad
        }
    }
}
