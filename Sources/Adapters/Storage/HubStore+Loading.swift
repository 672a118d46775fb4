import GRDB
import Model

func loadHub(_ database: GRDB.Database) throws -> (HubSnapshot, [DamagedRow]) {
    var reader = Reader(database)
    var snapshot = HubSnapshot()
    try reader.values(
        Site.self, of: "site", key: ["name"], "SELECT * FROM site ORDER BY name",
        each: { _, site in snapshot.sites.append(site) })
    try reader.values(
        Workload.self, of: "workload", key: ["name"], "SELECT * FROM workload ORDER BY name",
        each: { _, workload in snapshot.workloads.append(workload) })
    try reader.values(
        JoinToken.self, of: "token", key: ["name"], "SELECT * FROM token ORDER BY name",
        each: { _, token in snapshot.tokens.append(token) })
    try reader.values(
        UserToken.self, of: "userToken", key: ["name"], "SELECT * FROM userToken ORDER BY name",
        each: { _, token in snapshot.userTokens.append(token) })
    try reader.values(
        Approval.self, of: "approval", key: ["name"], "SELECT * FROM approval ORDER BY name",
        each: { _, approval in snapshot.approvals.append(approval) })
    try reader.values(
        [Int].self, of: "placement", key: ["workload", "node"],
        "SELECT * FROM placement ORDER BY workload, node",
        each: { row, ordinals in
            snapshot.placements[WorkloadID(row["workload"]), default: [:]][NodeID(row["node"])] =
                ordinals
        })
    try reader.values(
        [Replacement].self, of: "replacement", key: ["name"],
        "SELECT * FROM replacement ORDER BY name",
        each: { row, replacements in
            snapshot.replacements[WorkloadID(row["name"])] = replacements
        })
    try reader.values(
        Event.self, of: "event", key: ["id"], "SELECT * FROM event ORDER BY id",
        each: { _, event in snapshot.events.append(event) })
    try reader.values(
        Decision.self, of: "decision", key: ["id"], "SELECT * FROM decision ORDER BY id",
        each: { _, decision in snapshot.decisions.append(decision) })
    try reader.values(
        PolicyHistory.self, of: "policies", key: ["site"], "SELECT * FROM policies ORDER BY site",
        each: { row, history in snapshot.siteHistories[SiteID(row["site"])] = history })
    try reader.values(
        SiteCompliance.self, of: "compliance", key: ["site"],
        "SELECT * FROM compliance ORDER BY site",
        each: { _, account in snapshot.compliance.append(account) })
    try reader.values(
        StoredPolicy.self, of: "policy", key: ["name", "version"],
        "SELECT * FROM policy ORDER BY name, version",
        each: { _, policy in snapshot.policies.append(policy) })
    try reader.values(
        Secret.self, of: "secret", key: ["name"], "SELECT * FROM secret ORDER BY name",
        each: { _, secret in snapshot.secrets.append(secret) })
    try reader.values(
        PendingNode.self, of: "pending", key: ["name"], "SELECT * FROM pending ORDER BY name",
        each: { _, item in snapshot.pending.append(item) })
    try reader.values(
        RevocationList.self, of: "revocations", key: ["name"], "SELECT * FROM revocations",
        each: { _, list in snapshot.revocations = list })
    try reader.values(
        Roster.self, of: "roster", key: ["site"], "SELECT * FROM roster ORDER BY site",
        each: { _, roster in snapshot.rosters.append(roster) })
    try reader.values(
        SitePlan.self, of: "plan", key: ["site"], "SELECT * FROM plan ORDER BY site",
        each: { _, plan in snapshot.plans.append(plan) })
    snapshot.nodes = try loadNodes(database, &reader)
    snapshot.epoch = counter(try database.counter("epoch"))
    snapshot.metEpoch = counter(try database.counter("metEpoch"))
    snapshot.generationFloor = counter(try database.counter("generationFloor"))
    snapshot.audit = try auditTail(database)
    try reader.values(
        AuditTree.self, of: "auditTree", key: ["name"], "SELECT * FROM auditTree",
        each: { _, tree in snapshot.auditTree = tree })
    snapshot.auditTree.leaves = try auditLeaves(database, from: snapshot.auditTree.pruned)
    return (snapshot, reader.damaged)
}

private func loadNodes(
    _ database: GRDB.Database, _ reader: inout Reader
) throws -> [HubSnapshot.NodeState] {
    var nodes: [HubSnapshot.NodeState] = []
    var places: [String: Int] = [:]
    try reader.values(
        Node.self, of: "node", key: ["name"],
        """
        SELECT node.*, head, applied, acknowledged, lastSeen
        FROM node LEFT JOIN position ON position.node = node.name ORDER BY node.name
        """,
        each: { row, node in
            places[row["name"]] = nodes.count
            nodes.append(
                HubSnapshot.NodeState(
                    node: node, headRevision: counter(row["head"] ?? 0),
                    appliedRevision: counter(row["applied"] ?? 0),
                    acknowledged: counter(row["acknowledged"] ?? 0),
                    lastSeen: (row["lastSeen"] as Int64?).map(WallTime.init(milliseconds:))))
        })
    // A row of a node that is not there, or cannot be read, has no place to go.
    try reader.values(
        Document.self, of: "feed", key: ["node", "kind", "name"],
        "SELECT * FROM feed ORDER BY node, revision",
        each: { row, document in
            places[row["node"]].map { nodes[$0].documents.append(document) }
        })
    try reader.values(
        InstanceStatus.self, of: "instance", key: ["node", "workload", "ordinal"],
        "SELECT * FROM instance ORDER BY node, workload, ordinal",
        each: { row, status in
            places[row["node"]].map { nodes[$0].instances.append(status) }
        })
    try reader.values(
        Claims.self, of: "claims", key: ["node"], "SELECT * FROM claims ORDER BY node",
        each: { row, claims in places[row["node"]].map { nodes[$0].claims = claims } })
    try reader.values(
        NodeCredential.self, of: "credential", key: ["node"],
        "SELECT * FROM credential ORDER BY node",
        each: { row, credential in
            places[row["node"]].map { nodes[$0].credential = credential }
        })
    try reader.values(
        AuditWitness.self, of: "auditWitness", key: ["node"],
        "SELECT * FROM auditWitness ORDER BY node",
        each: { row, witness in places[row["node"]].map { nodes[$0].audit = witness } })
    try reader.values(
        Timeline.self, of: "timeline", key: ["node"], "SELECT * FROM timeline ORDER BY node",
        each: { row, timeline in places[row["node"]].map { nodes[$0].timeline = timeline } })
    try reader.values(
        LocalChange.self, of: "localChange", key: ["node", "workload"],
        "SELECT * FROM localChange ORDER BY node, workload",
        each: { row, change in places[row["node"]].map { nodes[$0].changes.append(change) } })
    return nodes
}
