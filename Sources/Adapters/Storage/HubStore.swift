import Foundation
import GRDB
package import Model
import Synchronization

/// What the hub must still know after a crash: intent, who belongs, and how far each node has come.
///
/// One process, one store: a second one is refused. Calls block for as long as the disk takes and
/// belong off the decision path; they may come from any thread.
package final class HubStore: Sendable {
    private let file: StoreFile
    private let options: StoreOptions
    /// What the next commit needs to know of the history; nil where a failure left it in doubt. Held
    /// for the whole of a commit, hence the copies below for those who only look.
    private let tally: Mutex<HistoryTally?>
    private let dropped = Mutex<UInt64>(0)
    private let unreadable = Mutex<[DamagedRow]>([])

    package init(
        directory: String, options: StoreOptions = .production
    ) throws(StoreError) {
        self.options = options
        file = try StoreFile(directory: directory, schema: hubSchema, options: options)
        let tally = try file.read(HistoryTally.init)
        self.tally = Mutex(tally)
        dropped.withLock { $0 = counter(tally.shed) }
    }

    package var opening: Opening { file.opening }
    /// Rows that the last `load` left out.
    package var damaged: [DamagedRow] { unreadable.withLock { $0 } }
    /// Events and decisions that the caps took since the store was made.
    package var shed: UInt64 { dropped.withLock { $0 } }
    /// False while the disk is so full that the reserve is in use.
    package var ballastIsHeld: Bool { file.ballast.isHeld }
    /// Bytes of the store, without its write-ahead log.
    package var size: Int { file.storeBytes }
    package var walBytes: Int { file.logBytes }

    /// Everything that was committed, each list in the order of its names. Rows that cannot be read
    /// are left out; see `damaged`. A workload that is placed nowhere has no placement.
    package func load() throws(StoreError) -> HubSnapshot {
        let (snapshot, rows) = try file.read(loadHub)
        unreadable.withLock { $0 = rows }
        return snapshot
    }

    /// Makes all batches durable together, or none of them.
    ///
    /// After `.disk` it is not known whether they are; every write may be committed again, at the
    /// price of an event that is there twice.
    package func commit(_ batches: [[HubWrite]]) throws(StoreError) {
        guard batches.contains(where: { !$0.isEmpty }) else { return }
        try tally.withLock { (held: inout HistoryTally?) throws(StoreError) in
            let known = held
            var next = known
            held = nil
            // A disk in need keeps less history, so that intent still finds room.
            let cap = ballastIsHeld ? options.events : max(1, options.events / 4)
            try file.write { database in
                var tally = try known ?? HistoryTally(database)
                for write in batches.joined() { try apply(write, to: database, &tally) }
                try tally.shedEvents(in: database, cap: cap)
                try tally.shedDecisions(in: database, cap: cap)
                next = tally
            }
            held = next
            dropped.withLock { $0 = counter(next?.shed ?? 0) }
        }
    }

    /// Refreshes the copy that a damaged store is replaced with; false where nothing changed. To
    /// be called once a day and before `close`: each copy writes the size of the store.
    package func snapshot() throws(StoreError) -> Bool { try file.takeSnapshot() }

    /// Takes back the reserve once the disk has room, where no commit comes by to do it.
    package func rebuildBallast() { file.ballast.rebuild() }

    package func close() { file.close() }
}

extension HubStore: AuditStore {
    func read<Value: Sendable>(
        _ body: (GRDB.Database) throws -> Value
    ) throws(StoreError) -> Value { try file.read(body) }

    package func auditAnchors() throws(StoreError) -> AuditAnchors {
        try file.read(Storage.auditAnchors)
    }

    package func auditRows(from index: UInt64, limit: Int) throws(StoreError) -> [AuditRow] {
        try file.read { try Storage.auditRows($0, from: index, limit: limit) }
    }
}

private func apply(
    _ write: HubWrite, to database: GRDB.Database, _ tally: inout HistoryTally
) throws {
    switch write {
    case .site(let site):
        try database.put(site, in: "site", name: site.metadata.name)
    case .removeSite(let id):
        try database.run("DELETE FROM site WHERE name = ?", [id.text])
        try database.run("DELETE FROM policies WHERE site = ?", [id.text])
        try database.run("DELETE FROM compliance WHERE site = ?", [id.text])
    case .siteHistory(let site, let history):
        try database.put(history, in: "policies", name: site.text)
    case .compliance(let account):
        try database.put(account, in: "compliance", name: account.site.text)
    case .node(let node):
        try database.put(node, in: "node", name: node.metadata.name)
    case .removeNode(let id):
        try remove(id, from: database)
    case .workload(let workload):
        try database.put(workload, in: "workload", name: workload.metadata.name)
    case .removeWorkload(let id):
        try database.run("DELETE FROM workload WHERE name = ?", [id.text])
        try database.run("DELETE FROM placement WHERE workload = ?", [id.text])
        try database.run("DELETE FROM replacement WHERE name = ?", [id.text])
    case .placement(let workload, let nodes):
        try place(workload, on: nodes, in: database)
    case .replacements(let workload, let replacements) where replacements.isEmpty:
        try database.run("DELETE FROM replacement WHERE name = ?", [workload.text])
    case .replacements(let workload, let replacements):
        try database.put(replacements, in: "replacement", name: workload.text)
    case .token(let token):
        try database.put(token, in: "token", name: token.id)
    case .removeToken(let id):
        try database.run("DELETE FROM token WHERE name = ?", [id])
    case .pending(let item):
        try database.put(item, in: "pending", name: item.device)
    case .removePending(let device):
        try database.run("DELETE FROM pending WHERE name = ?", [device])
    case .revocations(let list):
        try database.put(list, in: "revocations", name: "list")
    case .userToken(let token):
        try database.put(token, in: "userToken", name: token.id)
    case .removeUserToken(let id):
        try database.run("DELETE FROM userToken WHERE name = ?", [id])
    case .approval(let approval):
        try database.put(approval, in: "approval", name: approval.id)
    case .removeApproval(let id):
        try database.run("DELETE FROM approval WHERE name = ?", [id])
    case .event(let event):
        try tally.append(event, to: database)
    case .decision(let decision):
        try tally.append(decision, to: database)
    case .policy(let policy):
        let (body, sum) = try Record.encode(policy)
        try database.run(
            "INSERT OR REPLACE INTO policy VALUES (?, ?, ?, ?)",
            [policy.reference.name, try column(policy.reference.version), sum, body])
    case .removePolicy(let reference):
        try database.run(
            "DELETE FROM policy WHERE name = ? AND version = ?",
            [reference.name, try column(reference.version)])
    case .secret(let secret):
        try database.put(secret, in: "secret", name: secret.metadata.name)
    case .removeSecret(let id):
        try database.run("DELETE FROM secret WHERE name = ?", [id.text])
    case .epoch(let epoch):
        try database.setCounter("epoch", to: try column(epoch))
    case .metEpoch(let epoch):
        try database.setCounter("metEpoch", to: try column(epoch))
    case .roster(let roster):
        try database.put(roster, in: "roster", name: roster.site.text)
    case .plan(let plan):
        try database.put(plan, in: "plan", name: plan.site.text)
    case .generationFloor(let generation):
        try database.setCounter("generationFloor", to: try column(generation))
    case .audit(let write):
        try apply(write, to: database)
    case .auditLeaf(let leaf):
        try put(leaf, in: database)
    case .pruneAuditLeaves(let count, let roots):
        try database.put(AuditTree(pruned: count, roots: roots), in: "auditTree", name: "pruned")
        try database.run("DELETE FROM auditLeaf WHERE number < ?", [try column(count)])
    case .document, .forgetDocument, .instance, .removeInstance, .acknowledged, .appliedRevision,
        .contact, .claims, .credential, .timeline, .head, .localChange, .removeLocalChange,
        .auditWitness:
        try applyToNode(write, in: database)
    }
}

/// The writes that concern one node.
private func applyToNode(_ write: HubWrite, in database: GRDB.Database) throws {
    switch write {
    case .document(let node, let document):
        try put(document, for: node, in: database)
    case .forgetDocument(let node, let key):
        try database.run(
            "DELETE FROM feed WHERE node = ? AND kind = ? AND name = ?",
            [node.text, key.kind, key.name])
    case .instance(let node, let status):
        let (body, sum) = try Record.encode(status)
        try database.run(
            "INSERT OR REPLACE INTO instance VALUES (?, ?, ?, ?, ?)",
            [node.text, status.id.workload.text, status.id.ordinal, sum, body])
    case .removeInstance(let node, let id):
        try database.run(
            "DELETE FROM instance WHERE node = ? AND workload = ? AND ordinal = ?",
            [node.text, id.workload.text, id.ordinal])
    case .localChange(let node, let change):
        let (body, sum) = try Record.encode(change)
        try database.run(
            "INSERT OR REPLACE INTO localChange VALUES (?, ?, ?, ?)",
            [node.text, change.workload.text, sum, body])
    case .removeLocalChange(let node, let workload):
        try database.run(
            "DELETE FROM localChange WHERE node = ? AND workload = ?", [node.text, workload.text])
    case .acknowledged(let node, let sequence):
        try database.setPosition("acknowledged", of: node, to: try column(sequence))
    case .appliedRevision(let node, let revision):
        try database.setPosition("applied", of: node, to: try column(revision))
    case .contact(let node, let time):
        try database.setPosition("lastSeen", of: node, to: time.milliseconds)
    case .auditWitness(let node, let witness):
        try database.put(witness, in: "auditWitness", name: node.text)
    case .claims(let node, let claims):
        try database.put(claims, in: "claims", name: node.text)
    case .credential(let node, let credential):
        try database.put(credential, in: "credential", name: node.text)
    case .timeline(let node, .shared):
        try database.run("DELETE FROM timeline WHERE node = ?", [node.text])
    case .timeline(let node, let timeline):
        try database.put(timeline, in: "timeline", name: node.text)
    case .head(let node, let revision):
        try raiseHead(of: node, to: try column(revision), in: database)
    default:
        preconditionFailure("\(write) does not concern one node")
    }
}

private func remove(_ node: NodeID, from database: GRDB.Database) throws {
    try database.run("DELETE FROM node WHERE name = ?", [node.text])
    let tables = [
        "position", "feed", "instance", "placement", "claims", "credential", "timeline",
        "localChange", "auditWitness",
    ]
    for table in tables {
        try database.run("DELETE FROM \(table) WHERE node = ?", [node.text])
    }
}

private func place(
    _ workload: WorkloadID, on nodes: [NodeID: [Int]], in database: GRDB.Database
) throws {
    try database.run("DELETE FROM placement WHERE workload = ?", [workload.text])
    for (node, ordinals) in nodes.sorted(by: { $0.key < $1.key }) {
        let (body, sum) = try Record.encode(ordinals)
        try database.run(
            "INSERT INTO placement VALUES (?, ?, ?, ?)", [workload.text, node.text, sum, body])
    }
}

private func put(
    _ document: Document, for node: NodeID, in database: GRDB.Database
) throws {
    let revision = try column(document.revision)
    let (body, sum) = try Record.encode(document)
    try database.run(
        "INSERT OR REPLACE INTO feed VALUES (?, ?, ?, ?, ?, ?)",
        [node.text, document.key.kind, document.key.name, revision, sum, body])
    try raiseHead(of: node, to: revision, in: database)
}

/// The head outlives the documents: a revision is given once, even if its document is gone.
private func raiseHead(of node: NodeID, to revision: Int64, in database: GRDB.Database) throws {
    try database.run(
        """
        INSERT INTO position (node, head) VALUES (?, ?)
        ON CONFLICT (node) DO UPDATE SET head = max(head, excluded.head)
        """, [node.text, revision])
}

extension GRDB.Database {
    fileprivate func put(_ value: some Encodable, in table: String, name: String) throws {
        let (body, sum) = try Record.encode(value)
        try run("INSERT OR REPLACE INTO \(table) VALUES (?, ?, ?)", [name, sum, body])
    }

    fileprivate func setPosition(_ column: String, of node: NodeID, to value: Int64) throws {
        try run(
            """
            INSERT INTO position (node, \(column)) VALUES (?, ?)
            ON CONFLICT (node) DO UPDATE SET \(column) = excluded.\(column)
            """, [node.text, value])
    }
}
