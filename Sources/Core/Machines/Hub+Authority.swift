package import Authority
package import Model

/// Who may place what: the hub asks the gate for each site that a change concerns.
extension Hub {
    /// The table of a site; the preset where the site is not known or says nothing.
    package func table(of site: SiteID) -> AuthorityTable {
        tables[site] ?? AuthorityTable(.hybrid)
    }

    /// Takes over the table that a site declares. It was checked when it was applied.
    mutating func takeTable(of site: Site) {
        let built = AuthorityTable.build(site.spec.pattern, overriding: site.spec.authority)
        guard case .success(let table) = built else { return }
        tables.insert(table, for: SiteID(site.metadata.name))
    }

    /// Asks the gate about a workload at a site. The hub is where policy is made: to it, policy is
    /// always fresh and the hub always in reach.
    mutating func ask(
        _ action: Decision.Action, _ workload: Workload, at site: SiteID, in domain: Domain,
        because cause: Decision.Cause, alternatives: [Decision.Alternative] = [], now: WallTime
    ) -> Warrant? {
        gate.ask(
            Gate.Question(
                action, .workload(workload.id), tier: workload.spec.tier, in: domain, on: .intent,
                because: cause, alternatives: alternatives),
            by: table(of: site),
            in: Gate.Circumstances(
                site: site, policyVersion: sites[site]?.metadata.generation ?? 0,
                policyAge: .zero, staleness: .fresh, reach: .hub),
            at: now)
    }

    /// Moves a workload from `current` to `places`, one site at a time; a site that may not change
    /// keeps what it has.
    mutating func settle(
        _ workload: Workload, at places: Placement.Places, from current: Placement.Places,
        load: [NodeID: Int], because cause: Decision.Cause, now: WallTime
    ) -> Placement.Places {
        var settled = current
        for (site, members) in sitesConcerned(places, current) {
            let choice = alternatives(
                for: workload.spec, at: site, places: places, current: current, load: load)
            var next = settled
            for node in members { next[node] = places[node] }
            guard
                let warrant = ask(
                    .place, workload, at: site, in: .placement, because: cause,
                    alternatives: choice, now: now)
            else { continue }
            placements.carryOut(warrant.order(.place(workload.id, next)))
            settled = next
        }
        return settled
    }

    /// The nodes whose share differs, by site.
    private func sitesConcerned(
        _ places: Placement.Places, _ current: Placement.Places
    ) -> Table<SiteID, [NodeID]> {
        var concerned: Table<SiteID, [NodeID]> = Table()
        for node in Set(places.keys).union(current.keys).sorted()
        where places[node] != current[node] {
            // A node that is gone takes its share along, whatever its site was.
            let site = nodes[node]?.node.spec.site ?? SiteID("")
            concerned.insert((concerned[site] ?? []) + [node], for: site)
        }
        return concerned
    }

    /// What else was possible at a site, best first, and at most so many that a record stays small.
    private func alternatives(
        for spec: WorkloadSpec, at site: SiteID, places: Placement.Places,
        current: Placement.Places, load: [NodeID: Int]
    ) -> [Decision.Alternative] {
        let all = nodes.rows.map(\.node).filter { $0.spec.site == site }.map { node in
            let id = NodeID(node.metadata.name)
            return Decision.Alternative(
                node: id, own: current[id]?.count ?? 0, others: load[id] ?? 0,
                isChosen: places[id] != nil,
                obstacle: Placement.obstacle(to: spec, on: node) ?? "")
        }
        let sorted = all.sorted { left, right in
            left.isChosen != right.isChosen
                ? left.isChosen
                : (left.obstacle.isEmpty ? 0 : 1, left.own, left.others, left.node)
                    < (right.obstacle.isEmpty ? 0 : 1, right.own, right.others, right.node)
        }
        return Array(sorted.prefix(8))
    }

    /// Puts the gate's records, and those of nodes, before the eyes of people and on disk.
    mutating func record(_ decision: Decision) {
        decisions.append(decision)
        if decision.passed { standing.insert(decision, for: decision.subject) }
        journal.writes.append(.decision(decision))
    }

    /// An instance is gone from a node. Where another one runs it too, what put it there is the reason
    /// for it now.
    mutating func forgetReason(for instance: InstanceID) {
        standing.remove(.instance(instance))
        let other = nodes.rows.compactMap { $0.instances[instance]?.decision }.first
        guard let other, let decision = decisions.last(where: { $0.id == other }) else { return }
        standing.insert(decision, for: .instance(instance))
    }

    mutating func recordDecisions() {
        for decision in gate.takeRecords() { record(decision) }
    }

    /// Why the table of a site cannot be.
    func mistakes(in site: Site, of index: Int) -> [Mistake] {
        switch AuthorityTable.build(site.spec.pattern, overriding: site.spec.authority) {
        case .success: return []
        case .failure(let faults):
            return faults.all.map {
                Mistake(
                    object: index, field: "spec.authority[\($0.row)]", message: $0.message,
                    fix: $0.fix)
            }
        }
    }

    /// A change of a workload is an update wherever it runs: held at one of these sites, it is
    /// refused as a whole, since a workload has one version.
    mutating func checkUpdate(
        of workload: Workload, at now: WallTime
    ) throws(Refusal) {
        let runsAt = Set(
            (placements[workload.id] ?? [:]).keys.compactMap { nodes[$0]?.node.spec.site })
        for site in runsAt.sorted() {
            guard ask(.update, workload, at: site, in: .update, because: .applied, now: now) == nil
            else { continue }
            let sentence = gate.lastRecord?.sentence ?? ""
            throw Refusal(
                .conflict,
                "workload '\(workload.id)' runs at site '\(site)', whose authority table holds "
                    + "updates: \(sentence). Nothing was applied; change the site's table first")
        }
    }
}
