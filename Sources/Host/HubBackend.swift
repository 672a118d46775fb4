import Machines
import Management
import Model
import Synchronization
import Transport
import Trust

/// The fleet's view, for people and tools.
struct HubBackend: ManagementBackend {
    let host: HubHost

    private var now: WallTime { SystemClock.now().wall }

    func access(
        of requester: Requester, _ verb: Verb, _ target: AccessTarget
    ) async -> AccessReport {
        // The hub is where policy comes from, so here it is never old.
        return point.decide(
            requester.principal, verb, target, in: .init(credential: requester.credential))
    }

    func info() async -> ServerInfo {
        ServerInfo(
            role: .hub, name: host.settings.name, version: Version.text,
            disk: DiskProtection(ofHub: host.identity.vault))
    }

    func list(_ kind: Kind) async -> ObjectList {
        let now = now
        return ObjectList(
            items: host.machine.withLock { $0.objects(kind, at: now) }, asOf: now)
    }

    func apply(_ objects: [Object], dryRun: Bool) async throws(Refusal) -> [ApplyResult] {
        let sealed = try host.secrets.sealed(objects)
        guard case .applied(let results) = try await host.carryOut(.apply(sealed, dryRun: dryRun))
        else { preconditionFailure("an apply is answered with results or a refusal") }
        return results
    }

    func delete(_ kind: Kind, name: String) async throws(Refusal) {
        _ = try await host.carryOut(.delete(kind, name: name))
    }

    func edit(_ kind: Kind, name: String, _ edit: Edit) async throws(Refusal) -> Object {
        guard case .object(let object) = try await host.carryOut(.edit(kind, name: name, edit))
        else { preconditionFailure("an edit is answered with the object or a refusal") }
        return object
    }

    func localChanges() async -> LocalChangeList {
        LocalChangeList(items: host.machine.withLock { $0.localChanges }, asOf: now)
    }

    func resolve(_ resolution: Resolution) async throws(Refusal) {
        _ = try await host.carryOut(.resolve(resolution))
    }

    func events(limit: Int) async -> EventList {
        EventList(items: host.machine.withLock { Array($0.eventLog.suffix(limit)) }, asOf: now)
    }

    func decisions(about filter: DecisionFilter?, limit: Int) async -> DecisionList {
        DecisionList(
            items: host.machine.withLock { $0.decisions(about: filter, limit: limit) }, asOf: now)
    }

    func authority(of site: SiteID) async -> AuthorityReport? {
        host.machine.withLock { $0.authority(of: site, at: now) }
    }

    func conflicts() async throws(Refusal) -> ConflictList {
        ConflictList(items: host.machine.withLock(\.conflicts), asOf: now)
    }

    func compliance(of site: SiteID?) async throws(Refusal) -> ComplianceReport {
        let items = host.machine.withLock { $0.compliance(of: site) }
        guard let items else {
            throw Refusal(.notFound, "there is no site '\(site?.text ?? "")'")
        }
        return ComplianceReport(items: items, asOf: now)
    }

    func mesh(of site: SiteID?) async throws(Refusal) -> MeshReport {
        let items = host.machine.withLock { $0.meshViews(of: site) }
        guard let items else {
            throw Refusal(.notFound, "there is no site '\(site?.text ?? "")'")
        }
        return MeshReport(items: items, asOf: now)
    }

    func services() async -> ServiceList {
        let now = now
        return ServiceList(items: host.machine.withLock { $0.services(at: now) }, asOf: now)
    }

    func meshHoldings(of site: SiteID?) async throws(Refusal) -> MeshHoldings {
        let items = host.machine.withLock { $0.meshHoldings(of: site) }
        guard let items else {
            throw Refusal(.notFound, "there is no site '\(site?.text ?? "")'")
        }
        return MeshHoldings(items: items, asOf: now)
    }

    func meshTraces(of record: String) async throws(Refusal) -> MeshTraces {
        throw Refusal(
            .denied,
            "records travel between nodes, and the hub is none: ask a node, with "
                + "skerry --context local mesh trace")
    }

    func issueToken(site: SiteID, validFor: Duration) async throws(Refusal) -> IssuedToken {
        guard let address = host.enrolmentAddress else {
            throw Refusal(.unavailable, "the hub is still starting; try again in a moment")
        }
        let text = JoinTokenText(
            hub: address, authority: host.identity.certificateDER)
        let expiresAt = now + validFor
        _ = try await host.carryOut(
            .issue(
                JoinToken(
                    id: text.id, secretDigest: JoinTokenText.digest(ofSecret: text.secret),
                    site: site, expiresAt: expiresAt)))
        return IssuedToken(text: text.text, site: site, expiresAt: expiresAt)
    }

    func changes() async -> AsyncStream<Void> { host.observers.changes() }

    func run(
        _ request: StreamRequest, on node: NodeID?, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(Refusal) {
        let place = host.machine.withLock { hub -> (node: NodeID, session: SessionID?)? in
            guard let node = node ?? hub.node(of: request.container.instance) else { return nil }
            return (node, hub.session(of: node))
        }
        guard let place else {
            throw Refusal(.notFound, "there is no instance '\(request.container.instance)'")
        }
        guard place.session != nil else {
            throw Refusal(
                .unavailable,
                "node '\(place.node)' is not in contact; its logs can be read on the node itself: "
                    + "skerry --context local logs \(request.container.instance)")
        }
        do {
            try await host.control.run(request, on: place.node, input: input, output: output)
        } catch {
            throw Refusal(.unavailable, "node '\(place.node)': \(error)")
        }
    }

    private var expiries: [Metrics.Sample] {
        let now = host.identity.time.now
        let nodes = host.machine.withLock(\.authorityEnds).map { node, end in
            Metrics.Sample(
                "skerry_node_authority_left_seconds",
                "For how long the authority that this hub last gave a node stays good.",
                labels: ["node": node.text], Double((end - now).components.seconds))
        }
        return nodes + [
            .init(
                "skerry_issuing_authority_left_seconds",
                "For how long this hub can sign; it renews that by itself.",
                Double((host.identity.issuing.notAfter - now).components.seconds))
        ]
    }

    func metrics() async -> String {
        let now = now
        let (nodes, workloads) = host.machine.withLock {
            ($0.objects(.node, at: now), $0.objects(.workload, at: now))
        }
        var states: [NodeState: Int] = [
            .ready: 0, .autonomous: 0, .vouched: 0, .silent: 0, .awaitingReconnect: 0,
            .conflictPaused: 0,
        ]
        var ages: [Metrics.Sample] = []
        for case .node(let node) in nodes {
            guard let status = node.status else { continue }
            states[status.state, default: 0] += 1
            guard let seen = status.lastSeen else { continue }
            ages.append(
                .init(
                    "skerry_contact_age_seconds", "Since the hub last heard from a node.",
                    labels: ["node": node.metadata.name],
                    Double((now - seen).components.seconds)))
        }
        let counts = states.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            Metrics.Sample(
                "skerry_nodes", "Nodes by state.", labels: ["state": $0.key.rawValue],
                Double($0.value))
        }
        return Metrics.text(
            [
                .init(
                    "skerry_build_info", "The version of this hub.",
                    labels: ["version": Version.text], 1)
            ] + counts + ages + expiries + [
                .init("skerry_workloads", "Workloads applied.", Double(workloads.count))
            ])
    }
}
