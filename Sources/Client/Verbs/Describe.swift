import Model

/// Tells all that is known about objects: fields, conditions, what belongs to them, what happened.
package struct Describe: Sendable {
    private static let eventsAsked = 500
    private static let eventsShown = 20

    private let targets: [Target]

    package init(_ words: [String]) throws(Failure) { targets = try Target.parse(words) }

    package func run(in session: Session) async throws {
        async let nodes = session.connection.list(.node)
        async let instances = session.connection.list(.instance)
        async let events = session.connection.events(limit: Describe.eventsAsked)
        let facts = try await Facts(
            nodes: nodes, instances: instances.items, events: events, vantage: session.vantage)
        var isFirst = true
        var isMissing = false
        for target in targets {
            let objects = try await objects(target, facts, in: session)
            if objects.isEmpty, let name = target.name {
                try session.console.remark("\(target.kind.word) '\(name)' not found")
                isMissing = true
            }
            for object in objects {
                if !isFirst { try session.console.say("") }
                isFirst = false
                try session.console.say(Description(object, facts).lines(on: session.console))
            }
        }
        if isMissing { throw Failure(.notFound, "") }
    }

    private func objects(
        _ target: Target, _ facts: Facts, in session: Session
    ) async throws -> [Object] {
        let all =
            switch target.kind {
            case .node: facts.nodes
            case .instance: facts.instances
            case .site, .workload, .policy, .secret:
                try await session.connection.list(target.kind).items
            }
        return all.filter { target.name == nil || $0.metadata.name == target.name }
    }

    /// What the descriptions of all objects rest on.
    struct Facts {
        let nodes: [Object]
        let instances: [Object]
        let events: [Event]
        let picture: Picture

        init(nodes: ObjectList, instances: [Object], events: EventList, vantage: Picture.Vantage) {
            self.nodes = nodes.items
            self.instances = instances
            self.events = events.items
            picture = Picture(asOf: nodes.asOf, vantage: vantage, nodes: nodes.items)
        }

        func events(about object: Object) -> [Event] {
            let own = events.filter { event in
                event.kind == object.kind && event.name == object.metadata.name
                    || (object.kind == .node && event.node?.text == object.metadata.name)
            }
            return own.sorted { $0.at < $1.at }.suffix(Describe.eventsShown)
        }
    }
}

/// The lines that describe one object.
private struct Description {
    private let object: Object
    private let facts: Describe.Facts

    init(_ object: Object, _ facts: Describe.Facts) {
        self.object = object
        self.facts = facts
    }

    func lines(on console: Console) -> [String] {
        let metadata = object.metadata
        var fields: [(String, String)] = [
            ("Name", metadata.name), ("Kind", object.kind.rawValue),
            ("Labels", pairs(metadata.labels)), ("Annotations", pairs(metadata.annotations)),
        ]
        if metadata.createdAt != nil { fields.append(("Created", ago(metadata.createdAt))) }
        if metadata.generation > 0 { fields.append(("Generation", "\(metadata.generation)")) }
        fields += details
        let width = (fields.map { cells($0.0) }.max() ?? 0) + 3
        var lines = fields.map { name, value in
            (name + ":").padded(to: width) + visible(value.isEmpty ? "-" : value)
        }
        lines += section("Conditions", conditions, console)
        for (title, table) in belongings { lines += section(title, table, console) }
        return lines + section("Events", events, console)
    }

    private func section(_ title: String, _ table: TextTable, _ console: Console) -> [String] {
        guard !table.rows.isEmpty else { return [] }
        let width = console.width.map { max(20, $0 - 2) }
        return ["", title + ":"]
            + table.lines(width: width, colours: console.colours).map { "  " + $0 }
    }

    private func ago(_ time: WallTime?) -> String {
        guard let time else { return "never" }
        let age = facts.picture.age(time)
        return age == "unknown" ? time.description : "\(age) ago (\(time))"
    }

    private var details: [(String, String)] {
        switch object {
        case .site(let site): details(site)
        case .node(let node): details(node)
        case .workload(let workload): details(workload)
        case .instance(let instance): details(instance)
        case .policy(let policy): details(policy)
        case .secret(let secret):
            [
                ("Type", secret.type),
                ("Keys", (secret.status?.keys ?? []).joined(separator: ", ")),
                ("Values", "sealed, and shown to nobody"),
            ]
        }
    }

    private func details(_ site: Site) -> [(String, String)] {
        [
            ("Location", site.spec.location.map { "\($0.latitude), \($0.longitude)" } ?? "unknown"),
            ("Autonomy window", site.spec.autonomyWindow.description),
            ("Link budget", site.spec.link.map { Figure.text($0.bytesPerSecond) + "/s" } ?? "-"),
            (
                "Nodes in contact",
                site.status.map {
                    "\($0.nodesInContact) of \($0.nodes), as of \(ago($0.observedAt))"
                } ?? "unknown"
            ),
        ]
    }

    private func details(_ node: Node) -> [(String, String)] {
        let status = node.status
        var fields = [
            ("Site", node.spec.site.text), ("Cordoned", node.spec.cordoned ? "yes" : "no"),
            ("State", status?.state.rawValue ?? "unknown"), ("Last seen", ago(status?.lastSeen)),
            (
                "Revision",
                status.map {
                    "applied \($0.appliedRevision), desired \($0.desiredRevision)"
                } ?? "unknown"
            ),
            ("Agent", status?.agentVersion ?? "unknown"),
            ("Engine", status?.engine.map(words) ?? "unknown"),
        ]
        for limitation in status?.engine.map({ $0.isAbsent ? [] : $0.limitations }) ?? [] {
            fields.append(("Limitation", limitation))
        }
        let capacity = status?.capacity.map { "\($0.cpu) cores, \(Figure.text($0.memory))" }
        let usage = status?.usage.map {
            "\($0.cpu) cores, \(Figure.text($0.memory)), as of \(ago($0.observedAt))"
        }
        return fields + [("Capacity", capacity ?? "unknown"), ("Usage", usage ?? "unknown")]
    }

    private func words(_ engine: EngineStatus) -> String {
        engine.isAbsent
            ? "\(engine.name): " + engine.limitations.joined(separator: "; ")
            : "\(engine.name) \(engine.version)"
    }

    private func details(_ workload: Workload) -> [(String, String)] {
        let spec = workload.spec
        let ready = workload.status.map {
            "\($0.ready) of \($0.desired), as of \(ago($0.observedAt))"
        }
        var fields = [
            ("Tier", "\(spec.tier.rawValue)"), ("Replicas", spec.replicas.text),
            ("Ready", ready ?? "unknown"), ("Selector", pairs(spec.selector)),
            ("Restart policy", spec.restartPolicy.rawValue),
            ("Depends on", spec.dependsOn.map(\.text).joined(separator: ", ")),
            ("Stop grace", spec.stopGrace.description),
        ]
        for container in spec.containers {
            let command = container.command.joined(separator: " ")
            let what = [container.image, command.isEmpty ? nil : command].compactMap { $0 }
            let limits = [
                container.resources.cpu.map { "cpu \($0)" },
                container.resources.memory.map { "memory \($0)" },
            ].compactMap { $0 }
            fields.append(
                ("Container \(container.name)", (what + limits).joined(separator: "; ")))
        }
        return fields
    }

    private func details(_ instance: Instance) -> [(String, String)] {
        let status = instance.status
        let (state, contact) =
            switch facts.picture.currency(of: status) {
            case .current(let age): (status.phase.rawValue, "confirmed \(age) ago")
            case .past(let age):
                ("\(status.phase.rawValue) (\(age) ago)", "not heard from since, \(age) ago")
            }
        return [
            ("Workload", status.id.workload.text), ("Node", status.node.text),
            ("Site", status.site.text), ("Tier", "\(status.tier.rawValue)"), ("State", state),
            ("As of", contact), ("Ready", status.ready ? "yes" : "no"),
            (
                "Reason",
                [status.reason, status.message].filter { !$0.isEmpty }.joined(separator: ": ")
            ),
            ("Restarts", "\(status.restarts)"), ("Started", ago(status.startedAt)),
            ("Last change", ago(status.observedAt)),
            ("Observed generation", "\(status.observedGeneration)"),
            (
                "Ports",
                status.ports.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
                    .joined(separator: ", ")
            ),
        ]
    }

    private func details(_ policy: Policy) -> [(String, String)] {
        let spec = policy.spec
        var fields = [
            ("Signed by key", policy.signed?.key ?? "nobody"),
            ("Sites", PolicyTables.sites(spec.scope)),
            ("Canary", spec.scope.canary.map(PolicyTables.words) ?? "-"),
            ("Pattern", spec.pattern?.rawValue ?? "the site's"),
            ("Staleness bound", spec.stalenessBound?.description ?? "the site's"),
            ("Autonomy window", spec.autonomyWindow?.description ?? "the site's"),
        ]
        for (index, row) in spec.authority.enumerated() {
            fields.append(("Row \(index)", PolicyTables.words(row)))
        }
        for binding in spec.roleBindings {
            let place =
                binding.sites.isEmpty
                ? "" : " at " + binding.sites.map(\.text).joined(separator: ", ")
            fields.append(
                ("Role \(binding.role.rawValue)", binding.users.joined(separator: ", ") + place))
        }
        if let cedar = spec.cedar {
            for (index, line) in cedar.split(separator: "\n").enumerated() {
                fields.append((index == 0 ? "Rules" : "", String(line)))
            }
        }
        return fields
    }

    private var conditions: TextTable {
        TextTable(
            [
                .init("TYPE", rank: 0), .init("STATUS", rank: 1), .init("AS-OF", rank: 2),
                .init("REASON", rank: 3), .init("MESSAGE", rank: 4, widthMin: 20),
            ],
            rows: object.conditions.map { condition in
                [
                    .init(condition.type), .init(condition.isTrue ? "True" : "False"),
                    .init(facts.picture.age(condition.observedAt)), .init(condition.reason),
                    .init(condition.message),
                ]
            })
    }

    private var belongings: [(String, TextTable)] {
        let tables = ObjectTables(picture: facts.picture)
        let name = object.metadata.name
        func instances(_ belongs: (InstanceStatus) -> Bool) -> (String, TextTable) {
            let own = facts.instances.filter {
                if case .instance(let instance) = $0 { belongs(instance.status) } else { false }
            }
            return ("Instances", tables.table(.instance, own))
        }
        switch object {
        case .instance, .secret: return []
        case .policy(let policy):
            return [("Versions", PolicyTables.versions(policy, facts.picture))]
        case .workload: return [instances { $0.id.workload.text == name }]
        case .node: return [instances { $0.node.text == name }]
        case .site:
            let nodes = facts.nodes.filter {
                if case .node(let node) = $0 { node.spec.site.text == name } else { false }
            }
            return [("Nodes", tables.table(.node, nodes))]
        }
    }

    private var events: TextTable {
        EventTable.table(facts.events(about: object), asOf: facts.picture.asOf)
    }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - cells(self)))
    }
}
