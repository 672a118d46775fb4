package import Model
package import Storage

/// A store under test: it can be told to take step after step, and the state after each is known.
package protocol Subject: Sendable {
    associatedtype Snapshot: Equatable, Sendable
    static var name: String { get }

    init(directory: String, options: StoreOptions) throws
    var opening: Opening { get }
    var damaged: [DamagedRow] { get }
    /// Makes step `number` durable, counting from 1.
    func take(step number: Int) throws
    func load() throws -> Snapshot
    func close()

    /// The step that a state says it is the outcome of.
    static func step(of snapshot: Snapshot) -> Int
    /// The states after steps 0 to `count`, worked out without a store.
    static func states(count: Int) -> [Snapshot]
}

extension NodeStore: Subject {
    package static let name = "node"

    package func take(step number: Int) throws { try commit(nodeStep(number)) }
    package static func step(of snapshot: NodeSnapshot) -> Int { Int(snapshot.appliedRevision) }

    package static func states(count: Int) -> [NodeSnapshot] {
        var state = NodeSnapshot()
        return [state]
            + (1...count).map { number in
                for write in nodeStep(number).joined() { perform(write, on: &state) }
                return state
            }
    }
}

extension HubStore: Subject {
    package static let name = "hub"

    package func take(step number: Int) throws { try commit(hubStep(number)) }
    package static func step(of snapshot: HubSnapshot) -> Int { Int(snapshot.epoch) }

    package static func states(count: Int) -> [HubSnapshot] {
        var state = HubSnapshot()
        return [state]
            + (1...count).map { number in
                for write in hubStep(number).joined() { perform(write, on: &state) }
                return state
            }
    }
}

// MARK: - A node's life

private func nodeStep(_ number: Int) -> [[NodeWrite]] {
    let key = DocumentKey.site(SiteID("site-\(number % 7)"))
    let record = InstanceRecord(
        id: InstanceID(workload: "shop", ordinal: number % 5), generation: UInt64(number),
        containers: [ContainerSpec(name: "main", command: ["run"])], ports: ["http": 8000],
        restarts: number)
    var batches: [[NodeWrite]] = [
        [
            .document(
                Document(key: key, revision: UInt64(number), content: .site(site(number)))),
            .appliedRevision(UInt64(number)),
        ],
        [
            .instance(record),
            .append(
                LogEntry(
                    sequence: UInt64(number), at: time(number), body: .event(event(number)))),
        ],
    ]
    if number % 10 == 0 { batches.append([.trimLog(through: UInt64(number - 4))]) }
    if number % 11 == 0 { batches.append([.contact(reading(number))]) }
    if number % 7 == 0 { batches.append([.localChange(change(number))]) }
    if number % 21 == 0 { batches.append([.forgetLocalChanges(through: UInt64(number - 8))]) }
    batches.append(auditStep(number).map { .audit($0) })
    if number % 6 == 0 { batches.append([.auditSeen(seen(number))]) }
    if number % 13 == 0 { batches.append([.removeDocument(key), .removeInstance(record.id)]) }
    if number % 50 == 0 { batches.append([.epoch(UInt64(number)), .trimLog(through: .max)]) }
    return batches
}

private func perform(_ write: NodeWrite, on state: inout NodeSnapshot) {
    switch write {
    case .document(let document):
        state.documents.removeAll { $0.key == document.key }
        state.documents.append(document)
        state.documents.sort { $0.key < $1.key }
    case .removeDocument(let key):
        state.documents.removeAll { $0.key == key }
    case .appliedRevision(let revision):
        state.appliedRevision = revision
    case .instance(let record):
        state.instances.removeAll { $0.id == record.id }
        state.instances.append(record)
        state.instances.sort { $0.id < $1.id }
    case .removeInstance(let id):
        state.instances.removeAll { $0.id == id }
    case .append(let entry):
        state.log.append(entry)
        state.nextSequence = entry.sequence + 1
    case .trimLog(let sequence):
        state.log.removeAll { $0.sequence <= sequence }
    case .epoch(let epoch):
        state.epoch = epoch
    case .contact(let reading):
        state.contact = reading
    case .run(let run):
        state.run = run
    case .localChange(let change):
        state.localChanges.removeAll { $0.workload == change.workload }
        state.localChanges.append(change)
        state.localChanges.sort { $0.workload < $1.workload }
    case .forgetLocalChanges(let sequence):
        state.localChanges.removeAll { $0.sequence <= sequence }
    case .audit(let write):
        perform(write, on: &state.audit)
    case .auditSeen(let seen):
        state.auditSeen = seen
    }
}

// MARK: - An audit log's life

private func hash(_ number: Int) -> AuditHash {
    guard let hash = AuditHash([UInt8](repeating: UInt8(number % 251), count: 32)) else {
        preconditionFailure("32 bytes are a hash")
    }
    return hash
}

private func checkpoint(_ number: Int) -> AuditCheckpoint {
    AuditCheckpoint(
        log: "node-1", index: UInt64(number), head: hash(number), at: time(number),
        signature: "s\(number)")
}

private func seen(_ number: Int) -> AuditSeen {
    AuditSeen(
        receipt: AuditReceipt(
            key: "k",
            head: AuditTreeHead(size: UInt64(number), root: hash(number), at: time(number)),
            index: UInt64(number), leaf: 0, inclusion: [hash(1)], consistency: nil),
        checkpoint: checkpoint(number))
}

/// One leaf each time, and now and then the oldest become roots.
private func leafStep(_ number: Int, of node: NodeID) -> [HubWrite] {
    let leaf = AuditLeaf(
        number: UInt64(number - 1), hash: hash(number), checkpoint: checkpoint(number))
    let witness = AuditWitness(key: "k", newest: checkpoint(number), leaf: leaf.number)
    var writes: [HubWrite] = [.auditLeaf(leaf), .auditWitness(node, witness)]
    if number % 30 == 0 {
        writes.append(.pruneAuditLeaves(through: UInt64(number - 8), roots: [hash(number)]))
    }
    return writes
}

/// One record with its checkpoint each time, and now and then the oldest go.
private func auditStep(_ number: Int) -> [AuditWrite] {
    let index = UInt64(number)
    let hash = hash(number)
    let checkpoint = checkpoint(number)
    var writes: [AuditWrite] = [
        .append(
            AuditEntry(
                index: index, hash: hash, text: String(repeating: "z", count: number * 53 % 900))),
        .checkpoint(checkpoint, isKept: number % 4 == 0),
    ]
    if number % 24 == 0 { writes.append(.prune(through: index - 12)) }
    return writes
}

private func perform(_ write: AuditWrite, on tail: inout AuditTail) {
    switch write {
    case .append(let entry):
        tail.index = entry.index
        tail.head = entry.hash
    case .checkpoint(let checkpoint, let isKept):
        tail.newest = checkpoint
        if isKept { tail.kept.append(checkpoint.index) }
    case .prune(let index):
        tail.kept.removeAll { $0 < index }
        // Every fourth is kept, and these are among them.
        guard case .checkpoint(let start, _)? = auditStep(Int(index)).dropFirst().first else {
            return
        }
        tail.start = start
    }
}

// MARK: - A hub's life

private func hubStep(_ number: Int) -> [[HubWrite]] {
    let id = NodeID("node-\(number % 3)")
    let workload = WorkloadID("shop-\(number % 4)")
    let key = DocumentKey.site(SiteID("site-\(number % 7)"))
    var batches: [[HubWrite]] = [
        [
            .epoch(UInt64(number)),
            .node(
                Node(
                    metadata: Metadata(name: id.text, generation: UInt64(number)),
                    spec: NodeSpec(site: "site-1"))),
            .placement(workload, [id: [number, number + 1]]),
            .document(
                id, Document(key: key, revision: UInt64(number), content: .site(site(number)))),
        ],
        [
            .acknowledged(id, sequence: UInt64(number)), .contact(id, time(number)),
            .appliedRevision(id, UInt64(number - 1)), .event(event(number)),
            .decision(decision(number, about: workload)),
        ],
    ]
    batches.append(auditStep(number).map { .audit($0) } + leafStep(number, of: id))
    if number % 9 == 0 { batches.append([.forgetDocument(id, key), .site(site(number))]) }
    if number % 7 == 0 {
        batches.append([
            .localChange(id, change(number)),
            .replacements(workload, [Replacement(ordinal: number, holders: [id, "node-9"])]),
        ])
    }
    if number % 14 == 0 { batches.append([.replacements(workload, [])]) }
    if number % 21 == 0 { batches.append([.removeLocalChange(id, change(number).workload)]) }
    if number % 6 == 0 { batches.append([.secret(secret(number))]) }
    if number % 24 == 0 { batches.append([.removeSecret(secret(number).id)]) }
    if number % 17 == 0 { batches.append([.removeNode(id)]) }
    if number % 6 == 0 { batches.append([.roster(roster(number)), .plan(plan(number))]) }
    if number % 5 == 0 { batches.append([.userToken(userToken(number))]) }
    if number % 5 == 1 { batches.append([.approval(approval(number))]) }
    if number % 15 == 1 { batches.append([.removeApproval(id: approval(number).id)]) }
    if number % 15 == 0 { batches.append([.removeUserToken(id: userToken(number).id)]) }
    return batches
}

private func perform(_ write: HubWrite, on state: inout HubSnapshot) {
    switch write {
    case .epoch(let epoch):
        state.epoch = epoch
    case .site(let site):
        state.sites.removeAll { $0.metadata.name == site.metadata.name }
        state.sites.append(site)
        state.sites.sort { $0.metadata.name < $1.metadata.name }
    case .node(let node):
        if let place = state.nodes.firstIndex(where: { $0.node.metadata.name == node.metadata.name }
        ) {
            state.nodes[place].node = node
        } else {
            state.nodes.append(HubSnapshot.NodeState(node: node))
            state.nodes.sort { $0.node.metadata.name < $1.node.metadata.name }
        }
    case .removeNode(let id):
        state.nodes.removeAll { $0.node.metadata.name == id.text }
        for workload in state.placements.keys.sorted() {
            state.placements[workload]?[id] = nil
            if state.placements[workload]?.isEmpty == true { state.placements[workload] = nil }
        }
    case .placement(let workload, let nodes):
        state.placements[workload] = nodes
    case .document(let id, let document):
        alter(id, in: &state) { node in
            node.documents.removeAll { $0.key == document.key }
            node.documents.append(document)
            node.documents.sort { $0.revision < $1.revision }
            node.headRevision = max(node.headRevision, document.revision)
        }
    case .forgetDocument(let id, let key):
        alter(id, in: &state) { node in node.documents.removeAll { $0.key == key } }
    case .acknowledged(let id, let sequence):
        alter(id, in: &state) { node in node.acknowledged = sequence }
    case .appliedRevision(let id, let revision):
        alter(id, in: &state) { node in node.appliedRevision = revision }
    case .contact(let id, let time):
        alter(id, in: &state) { node in node.lastSeen = time }
    case .localChange(let id, let change):
        alter(id, in: &state) { node in
            node.changes.removeAll { $0.workload == change.workload }
            node.changes.append(change)
            node.changes.sort { $0.workload < $1.workload }
        }
    case .removeLocalChange(let id, let workload):
        alter(id, in: &state) { node in node.changes.removeAll { $0.workload == workload } }
    case .replacements(let workload, let replacements):
        state.replacements[workload] = replacements.isEmpty ? nil : replacements
    case .claims(let id, let claims):
        alter(id, in: &state) { node in node.claims = claims }
    case .secret(let secret):
        state.secrets.removeAll { $0.id == secret.id }
        state.secrets.append(secret)
        state.secrets.sort { $0.id < $1.id }
    case .removeSecret(let id):
        state.secrets.removeAll { $0.id == id }
    case .roster(let roster):
        state.rosters.removeAll { $0.site == roster.site }
        state.rosters.append(roster)
        state.rosters.sort { $0.site < $1.site }
    case .plan(let plan):
        state.plans.removeAll { $0.site == plan.site }
        state.plans.append(plan)
        state.plans.sort { $0.site < $1.site }
    case .userToken(let token):
        state.userTokens.removeAll { $0.id == token.id }
        state.userTokens.append(token)
        state.userTokens.sort { $0.id < $1.id }
    case .removeUserToken(let id):
        state.userTokens.removeAll { $0.id == id }
    case .approval(let approval):
        state.approvals.removeAll { $0.id == approval.id }
        state.approvals.append(approval)
        state.approvals.sort { $0.id < $1.id }
    case .removeApproval(let id):
        state.approvals.removeAll { $0.id == id }
    case .event(let event):
        state.events.append(event)
    case .decision(let decision):
        state.decisions.append(decision)
    case .audit(let write):
        perform(write, on: &state.audit)
    case .auditLeaf(let leaf):
        state.auditTree.leaves.append(leaf.hash)
    case .auditWitness(let id, let witness):
        alter(id, in: &state) { node in node.audit = witness }
    case .pruneAuditLeaves(let count, let roots):
        state.auditTree.leaves.removeFirst(Int(count - state.auditTree.pruned))
        state.auditTree.pruned = count
        state.auditTree.roots = roots
    default:
        preconditionFailure("no step writes \(write)")
    }
}

private func alter(
    _ id: NodeID, in state: inout HubSnapshot, _ body: (inout HubSnapshot.NodeState) -> Void
) {
    guard let place = state.nodes.firstIndex(where: { $0.node.metadata.name == id.text }) else {
        return
    }
    body(&state.nodes[place])
}

// MARK: - Content

/// Now and then larger than a page, so that rows spill into further ones.
private func site(_ number: Int) -> Site {
    Site(
        metadata: Metadata(
            name: "site-\(number % 7)",
            annotations: ["text": String(repeating: "x", count: number % 6 == 0 ? 9000 : 200)],
            generation: UInt64(number)),
        spec: SiteSpec())
}

private func secret(_ number: Int) -> Secret {
    Secret(
        metadata: Metadata(name: "secret-\(number % 5)", generation: UInt64(number)),
        sealed: SealedValues(
            digest: "\(number)", keys: ["key"], box: String(repeating: "0f", count: number * 41)))
}

private func event(_ number: Int) -> Event {
    Event(
        at: time(number), node: nil, reason: "Stepped", kind: .node, name: "step-\(number)",
        message: String(repeating: "y", count: number * 37 % 400))
}

private func decision(_ number: Int, about workload: WorkloadID) -> Decision {
    Decision(
        id: DecisionID(origin: "", number: UInt64(number)), at: time(number), site: "site-1",
        domain: .placement, action: .place, subject: .workload(workload), tier: .reduced,
        basis: .intent, cause: .applied, passed: true, ruling: Ruling(.permit, by: .central),
        staleness: .fresh, reach: .hub, policyVersion: 1, policyAge: .seconds(0))
}

private func roster(_ number: Int) -> Roster {
    Roster(
        site: SiteID("site-\(number % 4)"),
        version: RosterVersion(epoch: 1, number: UInt64(number)),
        members: [Roster.Member(node: "node-1", key: "00", address: "127.0.0.1:\(number)")])
}

private func plan(_ number: Int) -> SitePlan {
    SitePlan(
        site: SiteID("site-\(number % 4)"),
        version: RosterVersion(epoch: 1, number: UInt64(number)),
        places: [SitePlan.Place(node: "node-1", labels: ["zone": "\(number)"])],
        homes: [
            SitePlan.Home(
                instance: InstanceID(workload: "till", ordinal: number), node: "node-1",
                epoch: UInt64(number))
        ])
}

private func change(_ number: Int) -> LocalChange {
    LocalChange(
        workload: WorkloadID("local-\(number % 5)"), at: time(number), sequence: UInt64(number),
        decision: DecisionID(origin: "node-1", number: UInt64(number)), base: nil,
        spec: WorkloadSpec(containers: []), ordinals: [number])
}

private func userToken(_ number: Int) -> UserToken {
    UserToken(
        id: "t\(number % 4)", user: "ann", issuedBy: "admin", issuedAt: time(number),
        expiresAt: time(number + 1))
}

private func approval(_ number: Int) -> Approval {
    Approval(
        id: "a\(number % 4)", verb: .delete, kind: .workload, name: "shop", requestedBy: "ann",
        credential: "token", requestedAt: time(number), expiresAt: time(number + 1))
}

private func reading(_ number: Int) -> Reading {
    Reading(
        Moment(monotonic: .seconds(Int64(number)), wall: time(number)),
        boot: UInt64.max - UInt64(number))
}

private func time(_ number: Int) -> WallTime { WallTime(milliseconds: Int64(number) * 1000) }
