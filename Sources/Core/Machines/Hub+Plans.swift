import Authority
import Model

/// What the nodes of a mesh decide about among themselves: the hub says how it was meant, and takes
/// over what they made of it. A node speaks for itself alone, so a claim counts by its holder's word.
extension Hub {
    // MARK: - Making

    /// Renews the plan of each site that has a mesh, where it says something new. It leaves once it is
    /// durable.
    mutating func renewPlans() {
        for site in rosters.keys { renewPlan(of: site) }
    }

    private mutating func renewPlan(of site: SiteID, above floor: RosterVersion = .none) {
        let before = plans[site] ?? SitePlan(site: site, version: .none)
        let version = max(before.version, floor)
        var next = SitePlan(
            site: site,
            version: RosterVersion(epoch: max(epoch, version.epoch), number: version.number + 1))
        next.places = places(in: before, at: site)
        lay(&next, over: before)
        guard floor > before.version || !next.agrees(with: before) else { return }
        plans.insert(next, for: site)
        journal.writes.append(.plan(next))
        journal.followUps.removeAll { if case .plan(site) = $0 { true } else { false } }
        journal.followUps.append(.plan(site))
    }

    /// The members of the mesh that know of claims: by their own word, or by an earlier one.
    private func places(in before: SitePlan, at site: SiteID) -> [SitePlan.Place] {
        (rosters[site]?.members ?? []).compactMap { contact in
            guard let member = nodes[contact.node], member.node.spec.site == site,
                member.plan != nil || before.places.contains(where: { $0.node == contact.node })
            else { return nil }
            return SitePlan.Place(
                node: contact.node, labels: member.node.metadata.labels,
                isCordoned: member.node.spec.cordoned)
        }
    }

    /// Adds the workloads that the mesh decides about, the most important first, and where they are.
    private func lay(_ next: inout SitePlan, over before: SitePlan) {
        let members = Set(next.places.map(\.node))
        let order = workloads.rows.filter(\.spec.isClaimable)
            .sorted { ($0.spec.tier, $0.id) < ($1.spec.tier, $1.id) }
        for workload in order where next.workloads.count < limits.plannedWorkloads {
            var homes: [SitePlan.Home] = []
            for (node, ordinals) in (placements[workload.id] ?? [:]).sorted(by: { $0.key < $1.key })
            where members.contains(node) && placesByMesh(workload.spec.tier, at: node) {
                for ordinal in ordinals
                where !homes.contains(where: { $0.instance.ordinal == ordinal }) {
                    let id = InstanceID(workload: workload.id, ordinal: ordinal)
                    homes.append(
                        SitePlan.Home(
                            instance: id, node: node,
                            epoch: epoch(of: id, at: node, in: before, next.version)))
                }
            }
            guard !homes.isEmpty else { continue }
            var manifest = workload
            manifest.status = nil
            next.workloads.append(manifest)
            next.homes += homes
        }
        next.homes.sort { $0.instance < $1.instance }
    }

    /// The same for as long as it stays there; above all that is known where the hub moved it.
    private func epoch(
        of id: InstanceID, at node: NodeID, in before: SitePlan, _ version: RosterVersion
    ) -> UInt64 {
        if let adopted = adoptedClaims[id], adopted.holder == node {
            return max(adopted.epoch, before.home(of: id)?.epoch ?? 0)
        }
        guard let home = before.home(of: id) else { return version.number }
        if home.node == node { return home.epoch }
        return max(home.epoch, adoptedClaims[id]?.epoch ?? 0) + 1
    }

    private func placesByMesh(_ tier: Tier, at node: NodeID) -> Bool {
        regime(at: ground(of: node)).table[.init(.placement, .fresh, tier, .hub)].by == .mesh
    }

    // MARK: - Dealing

    /// Takes down which plan a node has; nil where it takes part in no claims.
    mutating func notePlan(_ version: RosterVersion?, of node: NodeID) {
        guard let site = nodes[node]?.node.spec.site, rosters[site] != nil else { return }
        let isNew = nodes[node]?.plan == nil && version != nil
        nodes.update(node) { $0.plan = version }
        guard let version else { return }
        // A hub that was restored counts on above what its nodes have, within reason.
        let held = plans[site]?.version ?? .none
        let lead = version.number.subtractingReportingOverflow(held.number)
        let isAhead =
            version > held && version.epoch <= max(epoch, metEpoch)
            && (lead.overflow || lead.partialValue < 1 << 20)
        if isAhead || isNew { renewPlan(of: site, above: isAhead ? version : .none) }
        journal.followUps.removeAll { if case .plan(site) = $0 { true } else { false } }
        journal.followUps.append(.plan(site))
    }

    /// Sends the plan of a site to its nodes in contact that have an older one.
    mutating func dealPlan(of site: SiteID, into effects: inout [Effect]) {
        guard let plan = plans[site] else { return }
        for place in plan.places {
            guard let node = nodes[place.node], let session = node.session,
                sessions[session]?.state == .greeted, let known = node.plan, known < plan.version
            else { continue }
            nodes.update(place.node) { $0.plan = plan.version }
            effects.append(.dealPlan(session, plan))
        }
    }

    // MARK: - What the mesh made of it

    /// Whether the mesh of its site sees to a copy: then its silence is the mesh's business, as long as
    /// anybody of it is in contact.
    func isLeftToMesh(_ workload: Workload, _ ordinal: Int) -> Bool {
        let id = InstanceID(workload: workload.id, ordinal: ordinal)
        return plans.rows.contains { plan in
            plan.home(of: id) != nil
                && plan.places.contains { nodes[$0.node]?.session != nil }
        }
    }

    /// Makes what a node holds by claim the hub's own placement, so that it is not fought. Not while the
    /// one that the hub knows of is in contact and says that it holds it: they part by themselves.
    mutating func adopt(_ claims: [Tenure], of node: NodeID, at now: Moment) {
        guard let site = nodes[node]?.node.spec.site, let plan = plans[site] else { return }
        var isChanged = false
        for claim in claims where claim.holder == node && claim.isHeld {
            guard let home = plan.home(of: claim.instance), claim.epoch > home.epoch,
                claim.epoch - home.epoch < 1 << 20, let workload = workloads[workload(of: claim)]
            else { continue }
            if home.node != node, holds(claim.instance, home.node) { continue }
            adoptedClaims.insert(claim, for: claim.instance)
            isChanged = true
            guard home.node != node else { continue }
            move(claim.instance, of: workload, from: home.node, to: node, at: now)
        }
        guard isChanged else { return }
        reconcile(because: .claimed, at: now)
    }

    private func workload(of claim: Tenure) -> WorkloadID { claim.instance.workload }

    private func holds(_ instance: InstanceID, _ node: NodeID) -> Bool {
        guard let member = nodes[node], member.session != nil else { return false }
        return member.view?.view.claims?.contains {
            $0.instance == instance && $0.holder == node && $0.isHeld
        } == true
    }

    private mutating func move(
        _ id: InstanceID, of workload: Workload, from: NodeID, to: NodeID, at now: Moment
    ) {
        let current = placements[workload.id] ?? [:]
        var next = current
        next[from]?.removeAll { $0 == id.ordinal }
        if next[from]?.isEmpty == true { next[from] = nil }
        next[to] = Array(Set((next[to] ?? []) + [id.ordinal])).sorted()
        let settled = settle(
            workload, at: next, from: current, load: [:], because: .claimed, now: now.wall)
        guard settled != current else { return }
        journal.writes.append(.placement(workload.id, settled))
        tell(
            .warning, "TakenOver", .workload, workload.id.text,
            "copy \(id.ordinal) runs on node '\(to)' in the place of '\(from)', as the mesh agreed",
            at: now)
    }
}
