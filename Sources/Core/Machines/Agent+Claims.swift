import Authority
import Claiming
package import Model

/// The node's part in the agreement of its mesh on who runs what: what it claims it runs, by the gate's
/// leave, and what another holds it does not.
extension Agent {
    /// Begins with what the disk holds: the plan, and what this node's records say that it had claimed.
    mutating func beginClaims(at now: Moment) {
        guard meshContact != nil else { return }
        let kept = held.compactMap { id, instance in
            instance.record.decision?.claim.flatMap { claim in
                claim.holder == configuration.node
                    ? Tenure(
                        instance: id, epoch: claim.epoch, holder: claim.holder, isHeld: true,
                        predecessor: claim.predecessor) : nil
            }
        }
        claimant = Claimant(node: configuration.node, kept: kept, at: now.monotonic)
        if let plan = configuration.plan { take(plan, at: now) }
    }

    /// A plan that the hub signed is on disk.
    mutating func take(_ plan: SitePlan, at now: Moment) {
        guard plan.site == configuration.site else { return }
        claimant?.adopt(plan, at: now)
        meshContact?.plan = claimant?.plan?.version
    }

    /// What a member of the mesh says of claims. Of what may still run here by an earlier life nothing
    /// is said before the engine was asked.
    mutating func hear(
        _ messages: [Claiming.Message], from member: NodeID, at now: Moment,
        into effects: inout [Effect]
    ) {
        let answerable = messages.filter { engineStatus != nil || held[$0.instance] == nil }
        guard let posts = claimant?.hear(answerable, from: member, at: now) else { return }
        effects += posts.map { .claim($0) }
    }

    /// Lets the claims follow what has changed, and the instances follow the claims. With every input,
    /// last.
    mutating func pursueClaims(at now: Moment, into effects: inout [Effect]) {
        guard claimant?.plan != nil else { return }
        if engineStatus != nil { notePresence(at: now) }
        let posts = claimant?.step(at: now) ?? []
        effects += posts.map { .claim($0) }
        let tenures = claimant?.tenures ?? []
        if tenures != shownTenures {
            let before = shownTenures
            shownTenures = tenures
            mesh?.claims = tenures
            tellClaims(insteadOf: before, at: now)
            reconcileIfDurable(at: now, into: &effects)
            reportMesh(into: &effects)
        }
        if held.rows.contains(where: { $0.wantedSince == clock }) {
            effects.append(.wake(at: clock + Agent.planPatience, for: .claims))
            nextClaimStep = nil
        } else if let next = claimant?.nextStep(at: now.monotonic), next != nextClaimStep {
            nextClaimStep = next
            effects.append(.wake(at: next, for: .claims))
        }
    }

    private mutating func notePresence(at now: Moment) {
        var present: [InstanceID: Claimant.Presence] = [:]
        for (id, instance) in held where instance.mayExist {
            guard claimant?.governs(id.workload) == true else { continue }
            present[id] = Claimant.Presence(
                isReady: instance.isReady, startedAt: instance.reported?.startedAt)
        }
        let circumstances = circumstances(at: now)
        let permitted = Tier.allCases.filter { tier in
            gate.wouldPass(
                Gate.Question(
                    .start, .instance(InstanceID(workload: "", ordinal: 0)), tier: tier,
                    in: .placement, on: .judgement, because: .claimed),
                by: regime.table, in: circumstances)
        }
        claimant?.note(
            present, isAble: engine != .gone && engine != .unknown && !isHalting,
            permitted: Set(permitted), at: now)
    }

    private mutating func tellClaims(insteadOf before: [Tenure], at now: Moment) {
        let earlier = Dictionary(before.map { ($0.instance, $0) }) { first, _ in first }
        for tenure in shownTenures {
            let old = earlier[tenure.instance]
            let had = old.map { $0.isHeld && $0.holder == configuration.node } ?? false
            let has = tenure.isHeld && tenure.holder == configuration.node
            guard had != has, let claim = claim(on: tenure.instance) else { continue }
            if has, tenure.predecessor != nil {
                tell(
                    .warning, "Claimed", .instance, tenure.instance.description, claim.phrase,
                    at: now)
            } else if had, tenure.holder != configuration.node {
                tell(
                    .warning, "Yielded", .instance, tenure.instance.description, claim.phrase,
                    at: now)
            }
        }
    }

    /// Who holds what, as far as this node knows; nil where nothing is left to a mesh.
    package var claims: [Tenure]? { claimant?.plan == nil ? nil : shownTenures }

    // MARK: - What follows for instances

    /// Whether the mesh decides where a workload runs.
    func isClaimed(_ workload: WorkloadID) -> Bool { claimant?.governs(workload) == true }

    /// Whether an instance may start as far as the mesh has a say in it. What was placed here a moment
    /// ago may be named by a plan that is still on its way.
    func isGranted(_ id: InstanceID, at now: Moment) -> Bool {
        guard let claimant, let plan = claimant.plan else { return true }
        if claimant.governs(id.workload) { return claimant.grants(id) }
        guard let instance = held[id], instance.assignment?.spec.isClaimable == true,
            plan.places.contains(where: { $0.node == configuration.node }),
            regime.table[
                .init(.placement, circumstances(at: now).staleness, instance.tier, .hub)
            ].by == .mesh
        else { return true }
        return now.monotonic - instance.wantedSince >= Agent.planPatience
    }

    static let planPatience = Duration.seconds(3)

    /// What is to be here by claims, with the newest manifest that is known.
    func claimedAssignments(over words: Table<WorkloadID, Assignment>) -> [(InstanceID, Workload)] {
        guard let claimant else { return [] }
        return claimant.wanted.compactMap { id in
            guard let planned = claimant.workload(of: id) else { return nil }
            guard let word = words[id.workload] else { return (id, planned) }
            // Somebody at this node took it away from it.
            if changes[id.workload] != nil, word.ordinals.isEmpty { return nil }
            let isNewer =
                word.workload.metadata.generation >= planned.metadata.generation
                && !word.workload.spec.containers.isEmpty
            return (id, isNewer ? word.workload : planned)
        }
    }

    /// The claim that puts an instance where it is, for the record of a decision.
    func claim(on id: InstanceID) -> Decision.Claim? {
        guard let claimant, let tenure = claimant.tenure(of: id) else { return nil }
        return Decision.Claim(
            epoch: tenure.epoch, holder: tenure.holder, predecessor: tenure.predecessor,
            witnesses: claimant.witnesses(of: id))
    }

    /// Why an instance that is not wanted here any more is taken down.
    func reason(toRetire id: InstanceID) -> Why {
        guard let tenure = claimant?.tenure(of: id), tenure.holder != configuration.node else {
            return .notAssigned
        }
        return .yielded
    }
}

extension Agent.Why {
    static let claimed = Agent.Why(domain: .placement, basis: .judgement, cause: .claimed)
    static let yielded = Agent.Why(domain: .placement, basis: .intent, cause: .yielded)
}
