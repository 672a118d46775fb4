import Authority
import Containers
import Machines
import Management
import Model
import Synchronization
import Trust

/// The node's own view, for people on the node: the same verbs, with or without a hub.
struct AgentBackend: ManagementBackend {
    let host: AgentHost

    private var now: WallTime { SystemClock.now().wall }

    func access(
        of requester: Requester, _ verb: Verb, _ target: AccessTarget
    ) async -> AccessReport {
        let moment = SystemClock.now()
        let (point, here, isGlassBroken) = host.machine.withLock { agent in
            (
                host.access.point(isCurrent: agent.isCurrent, make: agent.accessPoint),
                agent.circumstances(at: moment), agent.isGlassBroken(at: moment.monotonic)
            )
        }
        return point.decide(
            requester.principal, verb, target,
            in: .init(
                staleness: here.staleness, policyAge: here.policyAge,
                credential: requester.credential, isGlassBroken: isGlassBroken))
    }

    func info() async -> ServerInfo {
        host.machine.withLock { agent in
            ServerInfo(
                role: .node, name: agent.configuration.node.text, version: Version.text,
                hubInContact: agent.link.isUp, since: agent.link.since,
                disk: DiskProtection(ofNode: host.vault))
        }
    }

    func list(_ kind: Kind) async -> ObjectList {
        let moment = SystemClock.now()
        let now = moment.wall
        let contact = contact
        let identity = identity
        let items = host.machine.withLock { agent -> [Object] in
            switch kind {
            case .site: agent.site.map { [.site($0)] } ?? []
            case .node: [.node(agent.selfPortrait(at: moment, contact, identity))]
            case .workload: agent.workloads.map { .workload(agent.view(of: $0, at: now)) }
            case .instance: agent.instances(at: now).map { .instance(Instance($0)) }
            case .secret: agent.secretObjects.map { .secret($0) }
            case .policy: agent.policyObjects(at: now).map { .policy($0) }
            }
        }
        return ObjectList(items: items, asOf: now)
    }

    /// Why there is no link; nil while there is one, and before anything is known.
    private var contact: Condition? {
        host.story.withLock { story in
            story.current.map { trouble, at in
                Condition(
                    type: Condition.contact, isTrue: false, reason: trouble.kind.rawValue,
                    message: trouble.reason, observedAt: at)
            }
        }
    }

    /// For how long this node can prove who it is.
    private var identity: Condition? {
        let credentials = host.identity.credentials
        let (certificate, authority) = credentials.left
        guard let authority else { return nil }
        let isGood = authority > .zero && certificate.map { $0 > .zero } ?? true
        let words = certificate.map { "its certificate for \(Interval($0).toTheSecond)" }
        return Condition(
            type: "Identity", isTrue: isGood, reason: credentials.time.standing.rawValue,
            message: "its authority is good for \(Interval(authority).toTheSecond), "
                + (words ?? "and it has no certificate"),
            observedAt: now)
    }

    func events(limit: Int) async -> EventList {
        EventList(
            items: host.machine.withLock { Array($0.events.suffix(limit)) }, asOf: now)
    }

    func decisions(about filter: DecisionFilter?, limit: Int) async -> DecisionList {
        DecisionList(
            items: host.machine.withLock { $0.decisions(about: filter, limit: limit) }, asOf: now)
    }

    func authority(of site: SiteID) async -> AuthorityReport? {
        host.machine.withLock { agent in
            agent.configuration.site == site ? agent.authority(at: SystemClock.now()) : nil
        }
    }

    func changes() async -> AsyncStream<Void> { host.observers.changes() }

    func run(
        _ request: StreamRequest, on node: NodeID?, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(Refusal) {
        do {
            try await host.engine.run(request, input: input, output: output)
        } catch {
            if error.isAbsence { throw Refusal(.notFound, error.message) }
            throw Refusal(error.reason == .refused ? .invalid : .unavailable, error.message)
        }
    }

    func metrics() async -> String {
        let now = now
        let credentials = expiries
        return host.machine.withLock { agent in
            Metrics.text(
                credentials + [
                    .init(
                        "skerry_build_info", "The version of this agent.",
                        labels: ["version": Version.text], 1),
                    .init(
                        "skerry_hub_in_contact", "1 while the control link stands.",
                        agent.link.isUp ? 1 : 0),
                    .init(
                        "skerry_applied_version",
                        "The newest document revision that is durable here.",
                        Double(agent.appliedRevision)),
                    .init(
                        "skerry_queue_depth", "Log entries that the hub has not acknowledged.",
                        Double(agent.unacknowledged)),
                    .init(
                        "skerry_queue_dropped_total", "Log entries shed for want of room.",
                        type: .counter, Double(agent.dropped)),
                ]
                    + agent.instances(at: now).map {
                        .init(
                            "skerry_workload_restarts_total", "Starts beyond the first.",
                            type: .counter, labels: ["instance": $0.id.description],
                            Double($0.restarts))
                    })
        }
    }

    private var expiries: [Metrics.Sample] {
        let (certificate, authority) = host.identity.credentials.left
        return [("certificate", certificate), ("authority", authority)].compactMap { kind, left in
            left.map {
                .init(
                    "skerry_credential_left_seconds",
                    "For how long what proves who this node is stays good.",
                    labels: ["kind": kind], Double($0.components.seconds))
            }
        }
    }

    // MARK: - What the site's table may give to the node

    func apply(_ objects: [Object], dryRun: Bool) async throws(Refusal) -> [ApplyResult] {
        guard case .applied(let results) = try await host.carryOut(.apply(objects, dryRun: dryRun))
        else { preconditionFailure("an apply is answered with results or a refusal") }
        return results
    }

    func delete(_ kind: Kind, name: String) async throws(Refusal) {
        _ = try await host.carryOut(.delete(kind, name: name))
    }

    func localChanges() async -> LocalChangeList {
        LocalChangeList(items: host.machine.withLock { $0.localChanges }, asOf: now)
    }

    // MARK: - What is the hub's to decide

    func resolve(_ resolution: Resolution) async throws(Refusal) { throw hubDecides("resolve") }

    func edit(_ kind: Kind, name: String, _ edit: Edit) async throws(Refusal) -> Object {
        throw hubDecides("edit")
    }

    func conflicts() async throws(Refusal) -> ConflictList { throw hubDecides("get conflicts") }

    func compliance(of site: SiteID?) async throws(Refusal) -> ComplianceReport {
        throw hubDecides("get compliance")
    }

    func mesh(of site: SiteID?) async throws(Refusal) -> MeshReport {
        let own = host.identity.enrolment.site
        guard site == nil || site == own else {
            throw Refusal(.notFound, "this node knows of its own site '\(own)' alone")
        }
        var view = try await mesh.view()
        view.claims = host.machine.withLock { $0.claims }
        return MeshReport(items: [view], asOf: now)
    }

    func services() async -> ServiceList {
        ServiceList(items: await host.serviceDirectory().endpoints, asOf: now)
    }

    func meshHoldings(of site: SiteID?) async throws(Refusal) -> MeshHoldings {
        MeshHoldings(items: try await mesh.holdings, asOf: now)
    }

    func meshTraces(of record: String) async throws(Refusal) -> MeshTraces {
        MeshTraces(items: try await mesh.traces(of: record), asOf: now)
    }

    private var mesh: NodeMesh {
        get throws(Refusal) {
            guard let seat = host.seat else {
                throw Refusal(
                    .unavailable,
                    "node '\(host.identity.enrolment.node)' takes no part in a mesh: its setting "
                        + "meshListen is off, or its port was taken (see its log)")
            }
            return seat.mesh
        }
    }

    func issueToken(site: SiteID, validFor: Duration) async throws(Refusal) -> IssuedToken {
        throw hubDecides("token create")
    }

    func hubDecides(_ verb: String) -> Refusal {
        Refusal(
            .denied,
            "'\(verb)' is for the hub to decide, and this is node "
                + "\(host.identity.enrolment.node); use a hub's context (--context)")
    }
}

extension Agent {
    /// The node as it sees itself: its state is about its contact with the hub.
    fileprivate func selfPortrait(
        at now: Moment, _ contact: Condition?, _ identity: Condition?
    ) -> Node {
        var node =
            node
            ?? Node(
                metadata: Metadata(name: configuration.node.text),
                spec: NodeSpec(site: configuration.site))
        let state: NodeState =
            link.isUp
            ? .ready : circumstances(at: now).staleness == .expired ? .silent : .autonomous
        node.status = NodeStatus(
            state: state, lastSeen: link.isUp ? now.wall : link.since, observedAt: now.wall,
            agentVersion: Version.text, engine: shownEngine, capacity: configuration.capacity,
            desiredRevision: appliedRevision, appliedRevision: appliedRevision,
            conditions: [
                contact, identity, skewCondition(at: now.wall), glassCondition(at: now),
                auditCondition(at: now.wall),
            ].compactMap { $0 })
        return node
    }

    fileprivate func view(of workload: Workload, at now: WallTime) -> Workload {
        let own = instances(at: now).filter { $0.id.workload == workload.id }
        var workload = workload
        workload.status = WorkloadStatus(
            desired: own.count, ready: own.count(where: \.ready), observedAt: now)
        return workload
    }
}
