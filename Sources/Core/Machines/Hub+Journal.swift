import Model

/// What waits while the store is slow, kept within bounds.
extension Hub {
    /// What a write is about: of two about the same, the later one is enough.
    private enum Topic: Hashable {
        case site(SiteID)
        case siteHistory(SiteID)
        case compliance(SiteID)
        case node(NodeID)
        case workload(WorkloadID)
        case placement(WorkloadID)
        case replacements(WorkloadID)
        case document(NodeID, DocumentKey)
        case instance(NodeID, InstanceID)
        case localChange(NodeID, WorkloadID)
        case acknowledged(NodeID)
        case appliedRevision(NodeID)
        case contact(NodeID)
        case claims(NodeID)
        case credential(NodeID)
        case timeline(NodeID)
        case head(NodeID)
        case token(String)
        case pending(String)
        case revocations
        case userToken(String)
        case approval(String)
        case policy(PolicyReference)
        case secret(SecretID)
        case epoch
        case metEpoch
        case generationFloor
        case auditWitness(NodeID)
        case roster(SiteID)
        case plan(SiteID)
    }

    /// Leaves out what newer writes replace, and the oldest of too many events. Nothing of it was
    /// relied on yet. What was about a node before its removal goes with it.
    mutating func compact() {
        var later: Set<Topic> = []
        var removed: Set<NodeID> = []
        var events = 0
        var kept: [HubWrite] = []
        for write in journal.writes.reversed() {
            if case .event = write {
                events += 1
                if events <= limits.events { kept.append(write) }
                continue
            }
            if case .removeNode(let node) = write {
                if removed.insert(node).inserted { kept.append(write) }
                continue
            }
            let (topic, node) = subject(of: write)
            if let node, removed.contains(node) { continue }
            if let topic, !later.insert(topic).inserted { continue }
            kept.append(write)
        }
        journal.writes = kept.reversed()
    }

    private func subject(of write: HubWrite) -> (Topic?, NodeID?) {
        switch write {
        case .site(let site): (.site(SiteID(site.metadata.name)), nil)
        case .removeSite(let site): (.site(site), nil)
        case .siteHistory(let site, _): (.siteHistory(site), nil)
        case .compliance(let account): (.compliance(account.site), nil)
        case .node(let node): (.node(NodeID(node.metadata.name)), NodeID(node.metadata.name))
        case .workload(let workload): (.workload(workload.id), nil)
        case .removeWorkload(let id): (.workload(id), nil)
        case .placement(let id, _): (.placement(id), nil)
        case .replacements(let id, _): (.replacements(id), nil)
        case .document(let node, let document): (.document(node, document.key), node)
        case .forgetDocument(let node, let key): (.document(node, key), node)
        case .instance(let node, let status): (.instance(node, status.id), node)
        case .removeInstance(let node, let id): (.instance(node, id), node)
        case .localChange(let node, let change): (.localChange(node, change.workload), node)
        case .removeLocalChange(let node, let id): (.localChange(node, id), node)
        case .acknowledged(let node, _): (.acknowledged(node), node)
        case .appliedRevision(let node, _): (.appliedRevision(node), node)
        case .contact(let node, _): (.contact(node), node)
        case .claims(let node, _): (.claims(node), node)
        case .credential(let node, _): (.credential(node), node)
        case .timeline(let node, _): (.timeline(node), node)
        case .head(let node, _): (.head(node), node)
        case .token(let token): (.token(token.id), nil)
        case .removeToken(let id): (.token(id), nil)
        case .pending(let item): (.pending(item.device), nil)
        case .removePending(let device): (.pending(device), nil)
        case .revocations: (.revocations, nil)
        case .userToken(let token): (.userToken(token.id), nil)
        case .removeUserToken(let id): (.userToken(id), nil)
        case .approval(let approval): (.approval(approval.id), nil)
        case .removeApproval(let id): (.approval(id), nil)
        case .policy(let stored): (.policy(stored.reference), nil)
        case .removePolicy(let reference): (.policy(reference), nil)
        case .secret(let secret): (.secret(secret.id), nil)
        case .removeSecret(let id): (.secret(id), nil)
        case .epoch: (.epoch, nil)
        case .metEpoch: (.metEpoch, nil)
        case .generationFloor: (.generationFloor, nil)
        case .auditWitness(let node, _): (.auditWitness(node), node)
        case .roster(let roster): (.roster(roster.site), nil)
        case .plan(let plan): (.plan(plan.site), nil)
        case .audit, .auditLeaf, .pruneAuditLeaves, .event, .decision, .removeNode: (nil, nil)
        }
    }
}
