import Management
import Model
import Synchronization

/// A small fleet in memory that keeps the rules of the seam: names are unique, all of an apply or
/// nothing, one waiting signal, and an input that one task reads.
final class Fleet: ManagementBackend {
    struct State {
        var objects: [Kind: [Object]] = [:]
        var events: [Event] = []
        var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
        var watchersEver = 0
        var decisions: [Decision] = []
        var tokens: [IssuedToken] = []
        var asOf = WallTime(milliseconds: 1_795_000_000_000)
    }

    private let state = Mutex(State())
    /// One for each run that was cut off.
    let cancellations: AsyncStream<StreamRequest>
    private let cancelled: AsyncStream<StreamRequest>.Continuation
    /// How many listen for changes, each time that it changes.
    private let watching: AsyncStream<Int>
    private let watched: AsyncStream<Int>.Continuation

    init(_ objects: [Object] = []) {
        (cancellations, cancelled) = AsyncStream.makeStream(of: StreamRequest.self)
        (watching, watched) = AsyncStream.makeStream(of: Int.self)
        for object in objects { put(object) }
    }

    func put(_ object: Object) {
        change { state in
            var list = state.objects[object.kind] ?? []
            list.removeAll { $0.metadata.name == object.metadata.name }
            list.append(object)
            state.objects[object.kind] = list.sorted { $0.metadata.name < $1.metadata.name }
        }
    }

    func take(_ kind: Kind, _ name: String) {
        change { $0.objects[kind]?.removeAll { $0.metadata.name == name } }
    }

    func tell(_ event: Event) { change { $0.events.append(event) } }

    func record(_ decision: Decision) { change { $0.decisions.append(decision) } }

    /// Returns once the last of those that listened for changes has stopped.
    func untilNobodyWatches() async {
        for await count in watching where count == 0 { return }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            for watcher in state.watchers.values { watcher.yield() }
        }
    }

    /// What was asked to be settled.
    let resolutions = Mutex<[Resolution]>([])

    func localChanges() async -> LocalChangeList {
        LocalChangeList(items: [], asOf: WallTime(milliseconds: 1_795_000_000_000))
    }

    func resolve(_ resolution: Resolution) async throws(Refusal) {
        resolutions.withLock { $0.append(resolution) }
    }

    /// What was asked about who belongs, in words.
    let identityRequests = Mutex<[String]>([])

    func certificates() async throws(Refusal) -> CertificateList {
        CertificateList(items: [], asOf: state.withLock(\.asOf), clock: "Measured")
    }

    func pending() async throws(Refusal) -> PendingList {
        let asOf = state.withLock(\.asOf)
        return PendingList(
            items: [
                PendingNode(node: "n1", site: "rural", device: "ab12", firstAsked: asOf)
            ], asOf: asOf)
    }

    func answer(
        _ node: NodeID, _ answer: PendingAnswer, by principal: Principal
    ) async throws(Refusal) -> PendingNode {
        identityRequests.withLock { $0.append("\(principal) \(node) \(answer.isApproved)") }
        return PendingNode(
            node: node, site: "rural", device: "ab12", firstAsked: state.withLock(\.asOf),
            state: answer.isApproved ? .approved : .denied)
    }

    func revocations() async -> RevocationReport {
        RevocationReport(
            version: 3, issuedAt: nil, expiresAt: nil, items: [], allowance: 1,
            asOf: state.withLock(\.asOf))
    }

    func revoke(
        _ request: RevocationRequest, by principal: Principal
    ) async throws(Refusal) -> RevocationReport {
        identityRequests.withLock {
            $0.append("\(principal) revokes \(request.subjects.joined(separator: " "))")
        }
        return await revocations()
    }

    /// What waits for somebody else's yes.
    let approvalList = Mutex<[Approval]>([])

    func approvals() async throws(Refusal) -> ApprovalList {
        ApprovalList(items: approvalList.withLock { $0 }, asOf: state.withLock(\.asOf))
    }

    let retirements = Mutex(0)
    func retireRoots() async throws(Refusal) { retirements.withLock { $0 += 1 } }

    func requestApproval(
        _ wish: ApprovalWish, by requester: Requester
    ) async throws(Refusal) -> Approval {
        let now = state.withLock(\.asOf)
        let approval = Approval(
            id: "a1", verb: wish.verb, kind: wish.target.kind, name: wish.target.name,
            act: wish.act, requestedBy: requester.name,
            credential: requester.credential.word, requestedAt: now,
            expiresAt: now + .seconds(60), reasons: wish.reasons)
        approvalList.withLock { $0.append(approval) }
        return approval
    }

    func settleApproval(
        _ id: String, _ answer: ApprovalAnswer, by requester: Requester
    ) async throws(Refusal) -> Approval {
        let settled = approvalList.withLock { list -> Approval? in
            guard let place = list.firstIndex(where: { $0.id == id }) else { return nil }
            list[place].state = answer.isApproved ? .done : .denied
            list[place].answeredBy = requester.name
            return list[place]
        }
        guard let settled else { throw Refusal(.notFound, "no '\(id)'") }
        return settled
    }

    typealias Rule = @Sendable (Principal, Verb, AccessTarget) -> Bool

    /// Who may do what; everybody everything until a test says otherwise.
    private let rule = Mutex<Rule>({ _, _, _ in true })
    /// Each question about it.
    let questions = Mutex<[String]>([])

    func rule(_ rule: @escaping Rule) { self.rule.withLock { $0 = rule } }

    let noted = Mutex<[AccessRecord]>([])
    func note(_ record: AccessRecord) async { noted.withLock { $0.append(record) } }
    func records(of request: String) async -> [AccessRecord] {
        noted.withLock { $0.filter { $0.request == request } }
    }
    func excerpts(of ids: [String]) async -> [PolicyExcerpt] {
        ids.map { PolicyExcerpt(id: $0, place: "here", text: "permit;") }
    }

    func decide(_ question: ServiceQuestion) async throws(Refusal) -> AccessReport {
        let isAllowed = question.context["method"] == .text("GET")
        return AccessReport(isAllowed: isAllowed, reasons: isAllowed ? ["test/get"] : [])
    }

    /// Whom each token speaks for.
    let bearers = Mutex<[String: String]>([:])
    let userTokenList = Mutex<[UserToken]>([])

    func bearer(of token: String) async throws(Refusal) -> Requester {
        guard let user = bearers.withLock({ $0[token] }) else {
            throw Refusal(.unauthenticated, "the token is not good")
        }
        return Requester(.user(user), by: .token(id: "id-" + token))
    }

    func objection(to requester: Requester) async -> Refusal? {
        guard case .token(let id) = requester.credential else { return nil }
        let isKnown = bearers.withLock { $0[String(id.dropFirst(3))] != nil }
        return isKnown ? nil : Refusal(.unauthenticated, "the token is not good any more")
    }

    func breakGlass(reason: String, validFor: Duration) async throws(Refusal) -> WallTime {
        WallTime(milliseconds: 1_795_000_000_000) + validFor
    }

    func userToken(_ id: String) async -> UserToken? {
        userTokenList.withLock { $0.first { $0.id == id } }
    }

    func userTokens() async throws(Refusal) -> UserTokenList {
        UserTokenList(
            items: userTokenList.withLock { $0 }, asOf: WallTime(milliseconds: 1_795_000_000_000))
    }

    func vouch(
        for user: String, validFor: Duration, by requester: Requester
    ) async throws(Refusal) -> IssuedUserToken {
        let now = WallTime(milliseconds: 1_795_000_000_000)
        let token = UserToken(
            id: "t1", user: user, issuedBy: requester.name, issuedAt: now,
            expiresAt: now + validFor)
        userTokenList.withLock { $0.append(token) }
        bearers.withLock { $0["text-of-t1"] = user }
        return IssuedUserToken(text: "text-of-t1", token: token)
    }

    func revokeToken(_ id: String, by requester: Requester) async throws(Refusal) -> UserToken {
        guard var token = await userToken(id) else { throw Refusal(.notFound, "no '\(id)'") }
        token.revokedBy = requester.name
        bearers.withLock { $0["text-of-\(id)"] = nil }
        return token
    }

    func access(
        of requester: Requester, _ verb: Verb, _ target: AccessTarget
    ) async -> AccessReport {
        let place = target.sites.isEmpty ? "" : " at \(target.sites[0])"
        let principal = requester.principal
        questions.withLock { $0.append("\(principal) \(verb) \(target.reference)\(place)") }
        let isAllowed = rule.withLock { $0 }(principal, verb, target)
        var report = AccessReport(
            isAllowed: isAllowed, reasons: [isAllowed ? "test/yes" : "test/no"])
        var approved = target
        approved.isApproved = true
        if !isAllowed, rule.withLock({ $0 })(principal, verb, approved) {
            report.needsApproval = true
        }
        return report
    }

    /// What was kept of what was decided, and whether anything can be kept.
    let records = Mutex<[(act: AuditAct, auditing: Auditing)]>([])
    let keepsRecords = Mutex(true)

    func record(_ act: AuditAct, _ auditing: Auditing) async throws(Refusal) {
        guard keepsRecords.withLock({ $0 }) else {
            throw Refusal(.unavailable, "nothing can be kept")
        }
        records.withLock { $0.append((act, auditing)) }
        change { _ in }
    }

    func audit(from index: UInt64?, limit: Int) async throws(Refusal) -> AuditPage {
        guard let hash = AuditHash([UInt8](repeating: 1, count: 32)) else {
            preconditionFailure("32 bytes are a hash")
        }
        let entries = records.withLock { records in
            records.indices.map {
                AuditEntry(index: UInt64($0 + 1), hash: hash, text: records[$0].act.action)
            }
        }
        let items =
            index.map { index in entries.filter { $0.index >= index } }
            ?? entries.suffix(limit)
        return AuditPage(
            log: "hub/hub", items: Array(items.prefix(limit)), asOf: state.withLock(\.asOf))
    }

    func auditProof(of index: UInt64) async throws(Refusal) -> AuditProof {
        throw Refusal(.notFound, "there is no record \(index)")
    }

    func auditVerdict() async throws(Refusal) -> AuditVerdict {
        AuditVerdict(
            log: "hub/hub", first: 1, last: 0, checkpoints: 0, newest: nil,
            fault: AuditFault(.truncated, at: 1, "empty"))
    }

    func info() async -> ServerInfo { ServerInfo(role: .hub, name: "hub", version: "1.2.3") }

    func list(_ kind: Kind) async -> ObjectList {
        state.withLock { ObjectList(items: $0.objects[kind] ?? [], asOf: $0.asOf) }
    }

    func decisions(about filter: DecisionFilter?, limit: Int) async -> DecisionList {
        state.withLock { state in
            let items = state.decisions.filter { filter?.matches($0) ?? true }
            return DecisionList(items: items.suffix(limit), asOf: state.asOf)
        }
    }

    func authority(of site: SiteID) async -> AuthorityReport? {
        guard site == "rural" else { return nil }
        let node = AuthorityReport.Standing(
            node: "rural-1", staleness: .stale, reach: .alone, policyVersion: 3,
            policyAge: .hours(4))
        return AuthorityReport(
            site: site, pattern: .hybrid, policyVersion: 3, stalenessBound: .seconds(300),
            autonomyWindow: .hours(72),
            cells: [
                AuthorityReport.Cell(
                    domain: .update, tier: .critical, staleness: .fresh, reach: .hub,
                    ruling: Ruling(.permit, by: .central))
            ],
            nodes: [node], asOf: state.withLock(\.asOf))
    }

    func conflicts() async throws(Refusal) -> ConflictList {
        ConflictList(
            items: [
                Conflict(
                    node: "n1", kind: .site, name: "rural", atHub: site("rural"), atNode: nil)
            ], asOf: state.withLock(\.asOf))
    }

    func compliance(of site: SiteID?) async throws(Refusal) -> ComplianceReport {
        guard site == nil || site == "rural" else { throw Refusal(.notFound, "no such site") }
        return ComplianceReport(
            items: [SiteCompliance(site: "rural", judged: 4, breached: 1, offline: 2)],
            asOf: state.withLock(\.asOf))
    }

    func mesh(of site: SiteID?) async throws(Refusal) -> MeshReport {
        guard site == nil || site == "rural" else { throw Refusal(.notFound, "no such site") }
        let asOf = state.withLock(\.asOf)
        return MeshReport(
            items: [
                MeshView(
                    node: "n1", site: "rural", address: "127.0.0.1:1", roster: .none, at: asOf)
            ], asOf: asOf)
    }

    func services() async -> ServiceList {
        ServiceList(items: [], asOf: state.withLock(\.asOf))
    }

    func meshHoldings(of site: SiteID?) async throws(Refusal) -> MeshHoldings {
        MeshHoldings(
            items: [MeshHolding(node: "n1", subject: "Site/rural", version: 1)],
            asOf: state.withLock(\.asOf))
    }

    func meshTraces(of record: String) async throws(Refusal) -> MeshTraces {
        MeshTraces(items: [], asOf: state.withLock(\.asOf))
    }

    func apply(_ objects: [Object], dryRun: Bool) async throws(Refusal) -> [ApplyResult] {
        let mistakes = objects.enumerated().compactMap { index, object in
            isDNSLabel(object.metadata.name)
                ? nil
                : Mistake(
                    object: index, field: "metadata.name", message: "not a DNS label",
                    fix: "use lower case letters, digits and hyphens")
        }
        guard mistakes.isEmpty else {
            throw Refusal(.invalid, "the manifest has mistakes", mistakes: mistakes)
        }
        var results: [ApplyResult] = []
        for object in objects {
            let known = state.withLock { state in
                state.objects[object.kind]?.first { $0.metadata.name == object.metadata.name }
            }
            let outcome: ApplyResult.Outcome =
                known == nil ? .created : known == object ? .unchanged : .configured
            results.append(
                ApplyResult(kind: object.kind, name: object.metadata.name, outcome: outcome))
            if !dryRun, outcome != .unchanged { put(object) }
        }
        return results
    }

    func delete(_ kind: Kind, name: String) async throws(Refusal) {
        guard kind != .node else { throw Refusal(.denied, "nodes are not deleted here") }
        guard await object(kind, name) != nil else { throw Refusal(.notFound, "no '\(name)'") }
        change { $0.objects[kind]?.removeAll { $0.metadata.name == name } }
    }

    func edit(_ kind: Kind, name: String, _ edit: Edit) async throws(Refusal) -> Object {
        guard let object = await object(kind, name) else {
            throw Refusal(.notFound, "no '\(name)'")
        }
        guard case .node(var node) = object else {
            throw Refusal(.conflict, "only nodes are edited here")
        }
        switch edit {
        case .labels(let labels):
            for (key, value) in labels { node.metadata.labels[key] = value }
        case .cordon(let isCordoned): node.spec.cordoned = isCordoned
        case .resolve: throw Refusal(.conflict, "nothing is in conflict here")
        }
        put(.node(node))
        return .node(node)
    }

    func events(limit: Int) async -> EventList {
        state.withLock { EventList(items: $0.events.suffix(limit), asOf: $0.asOf) }
    }

    func issueToken(site: SiteID, validFor: Duration) async throws(Refusal) -> IssuedToken {
        guard await object(.site, site.text) != nil else {
            throw Refusal(.unavailable, "the store is closed")
        }
        return state.withLock { state in
            let token = IssuedToken(text: "secret", site: site, expiresAt: state.asOf + validFor)
            state.tokens.append(token)
            return token
        }
    }

    func changes() async -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.watchersEver += 1
            state.watchers[state.watchersEver] = continuation
            watched.yield(state.watchers.count)
            return state.watchersEver
        }
        continuation.onTermination = { [self] _ in
            state.withLock { state in
                state.watchers[number] = nil
                watched.yield(state.watchers.count)
            }
        }
        return stream
    }

    /// `echo` sends back what comes in, `log` follows for ever, `brief` ends at once without
    /// reading its input, anything else is refused.
    func run(
        _ request: StreamRequest, on node: NodeID?, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(Refusal) {
        do {
            switch request.container.name {
            case "echo": try await echo(input, output)
            case "log":
                try await output(.output(Array("on \(node?.text ?? "any")\n".utf8)))
                try await Task.sleep(for: .seconds(3600))
            case "brief": try await output(.exit(0))
            default: throw Refusal(.notFound, "there is no such container")
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            cancelled.yield(request)
            throw Refusal(.unavailable, "\(error)")
        }
    }

    func metrics() async -> String { "skerry_nodes 3\n" }

    private func echo(
        _ input: AsyncStream<StreamFrame>,
        _ output: @Sendable (StreamFrame) async throws -> Void
    ) async throws {
        for await frame in input {
            switch frame {
            case .input(let bytes): try await output(.output(bytes))
            case .resize(let size): try await output(.errorOutput([UInt8(size.columns)]))
            case .endOfInput:
                try await output(.exit(3))
                return
            default: throw Refusal(.invalid, "\(frame) is not for a backend")
            }
        }
        try Task.checkCancellation()
    }

    private func object(_ kind: Kind, _ name: String) async -> Object? {
        await list(kind).items.first { $0.metadata.name == name }
    }
}

func node(
    _ name: String, site: SiteID = "rural", labels: [String: String] = [:],
    at time: WallTime = WallTime(milliseconds: 1_794_999_990_000)
) -> Object {
    .node(
        Node(
            metadata: Metadata(name: name, labels: labels, createdAt: time),
            spec: NodeSpec(site: site),
            status: NodeStatus(
                state: .ready, lastSeen: time, observedAt: time, agentVersion: "1.2.3",
                engine: EngineStatus(
                    name: "process", version: "1", limitations: ["no memory limits"]),
                capacity: Capacity(cpu: CPUShare(millicores: 4000), memory: ByteCount(1 << 30)),
                usage: Usage(
                    cpu: CPUShare(millicores: 20), memory: ByteCount(1 << 20), observedAt: time),
                desiredRevision: 7, appliedRevision: 6,
                conditions: [
                    Condition(
                        type: "InContact", isTrue: true, reason: "Heard", message: "heard from",
                        observedAt: time)
                ])))
}

func site(_ name: String) -> Object {
    .site(Site(metadata: Metadata(name: name), spec: SiteSpec()))
}

func workload(_ name: String) -> Object {
    .workload(
        Workload(
            metadata: Metadata(name: name),
            spec: WorkloadSpec(containers: [ContainerSpec(name: "main", command: ["true"])])))
}

func event(_ message: String, at milliseconds: Int64 = 0) -> Event {
    Event(
        at: WallTime(milliseconds: milliseconds), node: "n1", reason: "Started", kind: .workload,
        name: "w", message: message)
}

/// The first copy of a workload, running.
func instance(_ workload: WorkloadID, on node: NodeID, site: SiteID = "rural") -> Object {
    let time = WallTime(milliseconds: 1_794_999_990_000)
    return .instance(
        Instance(
            InstanceStatus(
                id: InstanceID(workload: workload, ordinal: 0), node: node, site: site,
                tier: .reduced, observedGeneration: 1, phase: .running, ready: true, restarts: 0,
                startedAt: time, ports: [:], reason: "Running", message: "", observedAt: time)))
}
