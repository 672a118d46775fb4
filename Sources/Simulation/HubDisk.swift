package import Model

/// The hub's store as its rules say it is.
package struct HubStore: Equatable, Sendable {
    private(set) var sites: Table<SiteID, Site> = Table()
    private var nodes: Table<NodeID, HubSnapshot.NodeState> = Table()
    private(set) var workloads: Table<WorkloadID, Workload> = Table()
    private var placements: Table<WorkloadID, [NodeID: [Int]]> = Table()
    private var histories: Table<SiteID, PolicyHistory> = Table()
    private var compliance: Table<SiteID, SiteCompliance> = Table()
    private var replacements: Table<WorkloadID, [Replacement]> = Table()
    private var tokens: Table<String, JoinToken> = Table()
    private var userTokens: Table<String, UserToken> = Table()
    private var approvals: Table<String, Approval> = Table()
    private var events: [Event] = []
    private var decisions: [Decision] = []
    private(set) var policies: Table<PolicyReference, StoredPolicy> = Table()
    private(set) var secrets: Table<SecretID, Secret> = Table()
    private var pending: Table<String, PendingNode> = Table()
    private var revocations: RevocationList?
    private var rosters: Table<SiteID, Roster> = Table()
    private var plans: Table<SiteID, SitePlan> = Table()
    private var epoch: UInt64 = 0
    private var metEpoch: UInt64 = 0
    private var generationFloor: UInt64 = 0
    private let eventCap: Int

    package init(eventCap: Int) { self.eventCap = eventCap }

    package mutating func apply(_ write: HubWrite) {
        switch write {
        case .site(let site): sites.insert(site, for: SiteID(site.metadata.name))
        case .removeSite(let site):
            sites.remove(site)
            histories.remove(site)
            compliance.remove(site)
        case .siteHistory(let site, let history): histories.insert(history, for: site)
        case .compliance(let account): compliance.insert(account, for: account.site)
        case .workload(let workload): workloads.insert(workload, for: workload.id)
        case .removeWorkload(let id):
            workloads.remove(id)
            placements.remove(id)
            replacements.remove(id)
        case .placement(let id, let places): placements.insert(places, for: id)
        case .replacements(let id, let copies): replacements.insert(copies, for: id)
        case .token(let token): tokens.insert(token, for: token.id)
        case .removeToken(let id): tokens.remove(id)
        case .pending(let item): pending.insert(item, for: item.device)
        case .removePending(let device): pending.remove(device)
        case .revocations(let list): revocations = list
        case .userToken(let token): userTokens.insert(token, for: token.id)
        case .removeUserToken(let id): userTokens.remove(id)
        case .approval(let approval): approvals.insert(approval, for: approval.id)
        case .removeApproval(let id): approvals.remove(id)
        case .event(let event):
            events.append(event)
            if events.count >= 2 * eventCap { events.removeFirst(events.count - eventCap) }
        case .decision(let decision):
            decisions.append(decision)
            if decisions.count >= 2 * eventCap { decisions = keptDecisions }
        case .policy(let policy): policies.insert(policy, for: policy.reference)
        case .removePolicy(let reference): policies.remove(reference)
        case .secret(let secret): secrets.insert(secret, for: secret.id)
        case .removeSecret(let id): secrets.remove(id)
        case .epoch(let epoch): self.epoch = epoch
        case .metEpoch(let epoch): metEpoch = epoch
        case .roster(let roster): rosters.insert(roster, for: roster.site)
        case .plan(let plan): plans.insert(plan, for: plan.site)
        case .generationFloor(let generation): generationFloor = generation
        // The log is the host's own; the machines write none of it.
        case .audit, .auditWitness, .auditLeaf, .pruneAuditLeaves: break
        case .node, .removeNode, .document, .forgetDocument, .instance, .removeInstance,
            .acknowledged, .appliedRevision, .contact, .claims, .credential, .timeline, .head,
            .localChange,
            .removeLocalChange:
            applyToNode(write)
        }
    }

    private mutating func applyToNode(_ write: HubWrite) {
        switch write {
        case .node(let node):
            let id = NodeID(node.metadata.name)
            if nodes.update(id, { $0.node = node }) == nil {
                nodes.insert(HubSnapshot.NodeState(node: node), for: id)
            }
        case .removeNode(let id):
            nodes.remove(id)
            for workload in placements.keys {
                placements.update(workload) { _ = $0.removeValue(forKey: id) }
            }
        case .document(let id, let document):
            nodes.update(id) { node in
                node.documents.removeAll { $0.key == document.key }
                node.documents.append(document)
                node.headRevision = max(node.headRevision, document.revision)
            }
        case .forgetDocument(let id, let key):
            nodes.update(id) { $0.documents.removeAll { $0.key == key } }
        case .instance(let id, let status):
            nodes.update(id) { node in
                node.instances.removeAll { $0.id == status.id }
                node.instances.append(status)
            }
        case .removeInstance(let id, let instance):
            nodes.update(id) { $0.instances.removeAll { $0.id == instance } }
        case .localChange(let id, let change):
            nodes.update(id) { node in
                node.changes.removeAll { $0.workload == change.workload }
                node.changes.append(change)
            }
        case .removeLocalChange(let id, let workload):
            nodes.update(id) { $0.changes.removeAll { $0.workload == workload } }
        case .acknowledged(let id, let sequence): nodes.update(id) { $0.acknowledged = sequence }
        case .appliedRevision(let id, let revision):
            nodes.update(id) { $0.appliedRevision = revision }
        case .contact(let id, let time): nodes.update(id) { $0.lastSeen = time }
        case .claims(let id, let claims): nodes.update(id) { $0.claims = claims }
        case .credential(let id, let credential):
            nodes.update(id) { $0.credential = credential }
        case .timeline(let id, let timeline): nodes.update(id) { $0.timeline = timeline }
        case .head(let id, let revision):
            nodes.update(id) { $0.headRevision = max($0.headRevision, revision) }
        default: preconditionFailure("\(write) does not concern one node")
        }
    }

    package func load() -> HubSnapshot {
        var places: [WorkloadID: [NodeID: [Int]]] = [:]
        for (id, place) in placements { places[id] = place }
        var copies: [WorkloadID: [Replacement]] = [:]
        for (id, held) in replacements where !held.isEmpty { copies[id] = held }
        var snapshot = HubSnapshot(
            sites: sites.rows,
            nodes: nodes.rows.map { state in
                var state = state
                state.documents.sort { $0.revision < $1.revision }
                state.instances.sort { $0.id < $1.id }
                return state
            },
            workloads: workloads.rows, placements: places, replacements: copies,
            tokens: tokens.rows,
            events: events.suffix(eventCap),
            decisions: keptDecisions, policies: policies.rows, epoch: epoch, metEpoch: metEpoch,
            generationFloor: generationFloor)
        for (site, history) in histories { snapshot.siteHistories[site] = history }
        snapshot.compliance = compliance.rows
        snapshot.secrets = secrets.rows
        snapshot.pending = pending.rows
        snapshot.revocations = revocations
        snapshot.rosters = rosters.rows
        snapshot.plans = plans.rows
        snapshot.userTokens = userTokens.rows
        snapshot.approvals = approvals.rows
        return snapshot
    }

    /// As many as the cap allows: first to go is the oldest that no longer says why something is as
    /// it is. What is above the cap goes in one sweep, since one at a time costs a look at all.
    private var keptDecisions: [Decision] {
        var surplus = decisions.count - eventCap
        guard surplus > 0 else { return decisions }
        var standing: Set<Decision.Subject> = []
        var isStanding = [Bool](repeating: false, count: decisions.count)
        for index in decisions.indices.reversed() where decisions[index].passed {
            isStanding[index] = standing.insert(decisions[index].subject).inserted
        }
        var kept: [Decision] = []
        for (index, decision) in decisions.enumerated() {
            if surplus > 0, !isStanding[index] { surplus -= 1 } else { kept.append(decision) }
        }
        return kept.suffix(eventCap)
    }

    func node(_ id: NodeID) -> HubSnapshot.NodeState? { nodes[id] }
    func headRevision(of id: NodeID) -> UInt64 { nodes.read(id) { $0.headRevision } ?? 0 }
    func acknowledged(by id: NodeID) -> UInt64 { nodes.read(id) { $0.acknowledged } ?? 0 }
}
