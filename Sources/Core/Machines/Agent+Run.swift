import Authority
import Model
import Trust

/// What policies say of what may run here.
struct RunRules: Equatable, Sendable {
    let point: DecisionPoint

    static func == (left: RunRules, right: RunRules) -> Bool {
        left.point.policies == right.point.policies && left.point.unread == right.point.unread
    }
}

/// A workload that a policy does not let run on this node does not begin here. What ran before the
/// policy came goes on, restarts included: nothing is stopped because somebody wrote a rule.
extension Agent {
    /// Takes over what policies say. Most say nothing, and then nothing is asked.
    mutating func takeRunRules() {
        unread = unreadPolicies
        let isAsked =
            !unread.isEmpty || decrees.contains { $0.spec.cedar != nil }
        guard isAsked else {
            runRules = nil
            return
        }
        if let runRules, isCurrent(runRules.point) { return }
        runRules = RunRules(point: accessPoint())
    }

    /// Whether an instance may become what its workload is now; where not, people are told.
    mutating func mayRun(_ id: InstanceID, at now: Moment) -> Bool {
        guard let rules = runRules, let instance = held[id], let workload = instance.assignment
        else {
            readmit(id)
            return true
        }
        let here = circumstances(at: now)
        if let known = instance.exclusion {
            var same = Held.Refusal(here, known.trouble)
            same.generation = workload.metadata.generation
            // It would be the same answer.
            if known == same { return false }
        }
        let target = AccessTarget(
            .workload, workload.metadata.name, sites: [configuration.site],
            tier: workload.spec.tier,
            demands: AccessTarget.Demands(workload.spec.containers))
        let report = rules.point.decide(
            .node(configuration.node, site: configuration.site), .run, target,
            in: .init(staleness: here.staleness, policyAge: here.policyAge))
        guard !report.isAllowed else {
            readmit(id)
            return true
        }
        exclude(id, workload, by: report, at: now)
        return false
    }

    private mutating func exclude(
        _ id: InstanceID, _ workload: Workload, by report: AccessReport, at now: Moment
    ) {
        let why =
            report.reasons.isEmpty
            ? "no policy lets this node run it"
            : "\(report.reasons.joined(separator: ", ")) forbids it"
        let errors = report.errors.isEmpty ? "" : " (\(report.errors.joined(separator: "; ")))"
        let trouble = Unit.Trouble(
            reason: "NotAdmitted",
            message: why + errors + ", generation \(workload.metadata.generation)")
        let isNew = held[id]?.exclusion?.trouble != trouble
        var exclusion = Held.Refusal(circumstances(at: now), trouble)
        exclusion.generation = workload.metadata.generation
        held.update(id) { instance in
            instance.exclusion = exclusion
            for index in instance.units.indices { instance.units[index].trouble = trouble }
        }
        guard isNew else { return }
        tell(.warning, "NotAdmitted", .instance, id.description, trouble.message, at: now)
    }

    /// Takes back what was said of an instance that may run, or is what it shall be.
    private mutating func readmit(_ id: InstanceID) {
        guard let old = held[id]?.exclusion else { return }
        held.update(id) { instance in
            instance.exclusion = nil
            for index in instance.units.indices where instance.units[index].trouble == old.trouble {
                instance.units[index].trouble = nil
            }
        }
    }

    /// Where what runs is wanted again, nothing is kept out any more.
    mutating func settleExclusions() {
        for id in held.keys where held.update(id, { $0.exclusion != nil }) == true {
            guard let instance = held[id], !instance.isOutdated, instance.units.allSatisfy(\.hasRun)
            else { continue }
            readmit(id)
        }
    }
}
