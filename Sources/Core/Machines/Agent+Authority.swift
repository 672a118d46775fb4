package import Authority
package import Model

/// Who may decide here and now: every order passes the gate, and what it says is written down.
extension Agent {
    /// What the gate's answers depend on, apart from the question.
    package func circumstances(at now: Moment) -> Gate.Circumstances {
        let age = policyAge(at: now)
        return Gate.Circumstances(
            site: configuration.site, policyVersion: regime.generation,
            policies: regime.policies, policyAge: age, staleness: regime.staleness(ofAge: age),
            reach: link.isUp ? .hub : mesh?.isInCompany == true ? .mesh : .alone)
    }

    /// How long ago the hub proved the policy current. Measured with the monotonic clock except across
    /// a reboot, so that a wall clock that jumps ages nothing.
    func policyAge(at now: Moment) -> Duration {
        link.isUp ? .zero : proofAge + (now.monotonic - proofAgeAt)
    }

    /// Takes over the table of the site, and the policies on top of it, as the newest durable documents
    /// have them.
    mutating func takeTable(at now: Moment) {
        let decrees = decrees
        let generation = site?.metadata.generation ?? 0
        guard generation != regime.generation || decrees.map(\.reference) != regime.policies
        else { return }
        switch Regime.build(
            site?.spec ?? SiteSpec(), generation: generation, under: decrees)
        {
        case .success(let built):
            tellPolicies(insteadOf: regime.policies, are: built.policies, at: now)
            regime = built
        case .failure(let faults):
            // The hub checks before it publishes; documents that are faulty all the same change
            // nothing, and are asked again with the next one.
            tell(
                .warning, "AuthorityRefused", .site, configuration.site.text,
                "the authority table is faulty, so the one before stays in force: "
                    + (faults.all.first?.message ?? ""), at: now)
        }
    }

    /// Asks the gate; nil where it refuses. The record leaves with this input either way.
    mutating func ask(
        _ action: Decision.Action, _ id: InstanceID, tier: Tier, _ why: Why, at now: Moment
    ) -> Warrant? {
        var question = why.question(action, id, tier: tier)
        question.claim = claim(on: id)
        return gate.ask(
            question, by: regime.table, in: circumstances(at: now),
            at: now.wall)
    }

    /// Whether the gate would pass it.
    private func may(
        _ action: Decision.Action, _ id: InstanceID, tier: Tier, _ why: Why, at now: Moment
    ) -> Bool {
        gate.wouldPass(
            why.question(action, id, tier: tier), by: regime.table, in: circumstances(at: now))
    }

    /// Orders a stop; false where the gate refuses, and it goes on running.
    mutating func orderStop(
        _ id: ContainerID, grace: Duration, tier: Tier, _ why: Why, at now: Moment,
        into effects: inout [Effect]
    ) -> Bool {
        guard let warrant = ask(.stop, id.instance, tier: tier, why, at: now) else { return false }
        effects.append(.carryOut(warrant.order(.stop(id, grace: grace))))
        return true
    }

    /// Puts the gate's records into the log and before the eyes of people on the node.
    mutating func recordDecisions(at now: WallTime) {
        for decision in gate.takeRecords() {
            decisions.append(decision)
            append(.decision(decision), at: now)
        }
    }

    /// As `orderStop`, but a refusal leaves no record: for what is looked at again and again.
    mutating func orderStopIfAllowed(
        _ id: ContainerID, grace: Duration, tier: Tier, _ why: Why, at now: Moment,
        into effects: inout [Effect]
    ) -> Bool {
        may(.stop, id.instance, tier: tier, why, at: now)
            && orderStop(id, grace: grace, tier: tier, why, at: now, into: &effects)
    }

    // MARK: - Age

    /// The hub proves with its welcome, and by staying, that this node has its newest word.
    mutating func proveCurrent(at now: Moment) {
        let reading = Reading(now, boot: configuration.boot)
        proof = reading
        proofAge = .zero
        proofAgeAt = now.monotonic
        journal.writes.append(.contact(reading))
    }

    /// While in contact the proof on disk is renewed no more often than this: a node that idles
    /// writes next to nothing, and after a crash its policy looks older than it is, never younger.
    mutating func renewProof(at now: Moment) {
        guard link.isUp, now.monotonic - proofAgeAt >= .seconds(300) else { return }
        proveCurrent(at: now)
    }

    /// Wakes the agent when its policy passes from one class to the next.
    func awaitAge(at now: Moment, into effects: inout [Effect]) {
        guard !link.isUp else { return }
        let age = policyAge(at: now)
        let ends =
            [regime.stalenessBound.duration, regime.autonomyWindow.duration]
            + held.rows.compactMap { $0.assignment?.spec.disconnect?.stopAfter?.duration }
        guard let next = ends.filter({ $0 >= age }).min() else { return }
        effects.append(
            .wake(at: now.monotonic + (next - age) + .milliseconds(1), for: .policyAge))
    }

    mutating func notePolicyAge(at now: Moment, into effects: inout [Effect]) {
        guard !link.isUp else { return }
        switch circumstances(at: now).staleness {
        case .fresh: break
        case .stale:
            tell(
                .normal, "PolicyStale", .node, configuration.node.text,
                "no contact for \(Interval(policyAge(at: now)).toTheSecond): the policy is still in "
                    + "force, inside the autonomy window", at: now)
        case .expired:
            tell(
                .warning, "PolicyExpired", .node, configuration.node.text,
                "no contact for \(Interval(policyAge(at: now)).toTheSecond): only Tier 1 is still "
                    + "recovered; what runs goes on", at: now)
        }
        awaitAge(at: now, into: &effects)
        advance(at: now, into: &effects)
    }

    // MARK: - Questions

    /// Why something is to be done, in the words of a decision record.
    struct Why: Equatable, Sendable {
        var domain: Domain
        var basis: Decision.Basis
        var cause: Decision.Cause

        func question(
            _ action: Decision.Action, _ id: InstanceID, tier: Tier
        ) -> Gate.Question {
            Gate.Question(
                action, .instance(id), tier: tier, in: domain, on: basis, because: cause)
        }

        static let assigned = Why(domain: .placement, basis: .intent, cause: .assigned)
        static let notAssigned = Why(domain: .placement, basis: .intent, cause: .notAssigned)
        static let unknownHere = Why(domain: .placement, basis: .intent, cause: .unknownHere)
        static let newGeneration = Why(domain: .update, basis: .intent, cause: .newGeneration)
        static let rebooted = Why(domain: .recovery, basis: .intent, cause: .rebooted)
        static let unhealthy = Why(domain: .recovery, basis: .judgement, cause: .unhealthy)
        static let exited = Why(domain: .recovery, basis: .judgement, cause: .exited)
        static let cutOff = Why(domain: .placement, basis: .intent, cause: .cutOff)
        static let startFailed = Why(domain: .recovery, basis: .judgement, cause: .startFailed)
        static let halted = Why(domain: .recovery, basis: .person, cause: .halted)
    }

    /// Why a unit of an instance is started.
    func reason(toStart unit: Unit, of instance: Held) -> Why {
        guard unit.failures > 0 else {
            // What was taken over is started by this node's own judgement.
            let isTaken = !unit.hasRun && claim(on: unit.id.instance)?.predecessor != nil
            return isTaken ? .claimed : instance.origin.why
        }
        if unit.trouble?.reason == "Unhealthy" { return .unhealthy }
        return unit.hasRun ? .exited : .startFailed
    }
}

extension Held.Origin {
    fileprivate var why: Agent.Why {
        switch self {
        case .assigned: .assigned
        case .newGeneration: .newGeneration
        case .recorded: .rebooted
        }
    }
}
