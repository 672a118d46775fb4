import Authority
import Model

/// Who may place what: the hub asks the gate for each site that a change concerns.
extension Hub {
    /// Nodes of one site that have the same policies: all of them, but for a canary.
    struct Ground: Hashable, Comparable, Sendable {
        var site: SiteID
        var policies: [PolicyReference] = []

        static func < (left: Ground, right: Ground) -> Bool {
            left.site == right.site
                ? left.policies.lexicographicallyPrecedes(right.policies) : left.site < right.site
        }
    }

    /// Where a node stands; one that is gone takes its site along, whatever that was.
    func ground(of node: NodeID) -> Ground {
        guard let site = nodes[node]?.node.spec.site else { return Ground(site: SiteID("")) }
        return Ground(site: site, policies: issued(for: node, at: site).map(\.reference))
    }

    /// What rules at a ground; the preset where the site is not known or says nothing.
    func regime(at ground: Ground) -> Regime { regimes[ground] ?? build(ground) }

    private func build(_ ground: Ground) -> Regime {
        let site = sites[ground.site]
        let built = Regime.build(
            site?.spec ?? SiteSpec(), generation: site?.metadata.generation ?? 0,
            under: decrees(ground.policies))
        // It was checked when it was applied.
        guard case .success(let regime) = built else { return .preset }
        return regime
    }

    /// Asks the gate about a workload at a ground. The hub is where policy is made: to it, policy is
    /// always fresh and the hub always in reach.
    mutating func ask(
        _ action: Decision.Action, _ workload: Workload, at ground: Ground, in domain: Domain,
        because cause: Decision.Cause, alternatives: [Decision.Alternative] = [], now: WallTime
    ) -> Warrant? {
        let regime = regime(at: ground)
        if regimes[ground] == nil { regimes.insert(regime, for: ground) }
        return gate.ask(
            Gate.Question(
                action, .workload(workload.id), tier: workload.spec.tier, in: domain, on: .intent,
                because: cause, alternatives: alternatives),
            by: regime.table, in: circumstances(at: ground, regime), at: now)
    }

    /// Whether the gate would let a person's word about where a workload runs be carried out.
    func mayPlace(_ workload: Workload, at ground: Ground) -> Bool {
        let regime = regime(at: ground)
        return gate.wouldPass(
            Gate.Question(
                .place, .workload(workload.id), tier: workload.spec.tier, in: .placement,
                on: .intent, because: .applied),
            by: regime.table, in: circumstances(at: ground, regime))
    }

    private func circumstances(at ground: Ground, _ regime: Regime) -> Gate.Circumstances {
        Gate.Circumstances(
            site: ground.site, policyVersion: regime.generation, policies: regime.policies,
            policyAge: .zero, staleness: .fresh, reach: .hub)
    }

    /// Moves a workload from `current` to `places`, one ground at a time; one that may not change keeps
    /// what it has.
    mutating func settle(
        _ workload: Workload, at places: Placement.Places, from current: Placement.Places,
        load: [NodeID: Int], because cause: Decision.Cause, now: WallTime
    ) -> Placement.Places {
        var settled = current
        for (ground, members) in groundsConcerned(places, current) {
            let choice = alternatives(
                for: workload.spec, at: ground.site, places: places, current: current, load: load)
            var next = settled
            for node in members { next[node] = places[node] }
            guard
                let warrant = ask(
                    .place, workload, at: ground, in: .placement, because: cause,
                    alternatives: choice, now: now)
            else { continue }
            placements.carryOut(warrant.order(.place(workload.id, next)))
            settled = next
        }
        return settled
    }

    /// The nodes whose share differs, by ground.
    private func groundsConcerned(
        _ places: Placement.Places, _ current: Placement.Places
    ) -> Table<Ground, [NodeID]> {
        var concerned: Table<Ground, [NodeID]> = Table()
        for node in Set(places.keys).union(current.keys).sorted()
        where places[node] != current[node] {
            let ground = ground(of: node)
            concerned.insert((concerned[ground] ?? []) + [node], for: ground)
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

    /// Why the table of a site cannot be, alone or with a policy that holds there.
    func mistakes(in site: Site, of index: Int) -> [Mistake] {
        let id = SiteID(site.metadata.name)
        var mistakes: [Mistake] = []
        for policies in [[]] + policySets(at: id) {
            let built = Regime.build(site.spec, generation: 0, under: decrees(policies))
            guard case .failure(let faults) = built else { continue }
            for fault in faults.all {
                let mistake = Mistake(
                    object: index, field: fault.policy == nil ? "spec.\(fault.field)" : "spec",
                    message: fault.policy.map { "with policy \($0): \(fault.message)" }
                        ?? fault.message,
                    fix: fault.fix)
                if !mistakes.contains(mistake) { mistakes.append(mistake) }
            }
        }
        return mistakes
    }

    /// A change of a workload is an update wherever it runs: held at one of these sites, it is
    /// refused as a whole, since a workload has one version.
    mutating func checkUpdate(
        of workload: Workload, at now: WallTime
    ) throws(Refusal) {
        let runsAt = Set(
            (placements[workload.id] ?? [:]).keys.filter { nodes[$0] != nil }.map(ground))
        for ground in runsAt.sorted() {
            guard
                ask(.update, workload, at: ground, in: .update, because: .applied, now: now) == nil
            else { continue }
            let sentence = gate.lastRecord?.sentence ?? ""
            throw Refusal(
                .conflict,
                "workload '\(workload.id)' runs at site '\(ground.site)', whose authority table holds "
                    + "updates: \(sentence). Nothing was applied; change the "
                    + "\(ground.policies.isEmpty ? "site's table" : "site's table or its policy") first"
            )
        }
    }
}
