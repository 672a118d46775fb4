import Authority
package import Model
import Replication

/// What people change at this node while it is theirs to change.
extension Agent {
    /// What people on the node ask for.
    package enum Request: Equatable, Sendable {
        case apply([Object], dryRun: Bool)
        case delete(Kind, name: String)
        case breakGlass(reason: String, life: Duration)
    }

    package enum Reply: Equatable, Sendable {
        case applied([ApplyResult])
        case deleted
        case glassBroken(until: WallTime)
        case refused(Refusal)
    }

    mutating func serve(
        _ request: Request, as id: RequestID, at now: Moment, into effects: inout [Effect]
    ) {
        let reply: Reply
        do throws(Refusal) {
            if let storeTrouble {
                throw Refusal(
                    .unavailable,
                    "this node cannot write to its store (\(storeTrouble)); nothing was changed. "
                        + "Free space on its disk, then try again")
            }
            switch request {
            case .apply(let objects, let dryRun):
                reply = .applied(try apply(objects, dryRun: dryRun, at: now))
            case .delete(let kind, let name):
                try delete(kind, name, at: now)
                reply = .deleted
            case .breakGlass(let reason, let life):
                reply = .glassBroken(until: try breakGlass(reason, for: life, at: now))
            }
        } catch {
            reply = .refused(error)
        }
        if journal.isIdle {
            effects.append(.reply(id, reply))
        } else {
            journal.followUps.append(.reply(id, reply))
        }
    }

    /// What people changed here and the hub does not have yet. Whether it changed the same meanwhile is
    /// known only there.
    package var localChanges: [LocalChangeReport] {
        changes.rows.map { change in
            let base = change.base.map {
                Assignment(
                    workload: Workload(metadata: Metadata(name: change.workload.text), spec: $0),
                    ordinals: change.ordinals)
            }
            return LocalChangeReport(
                node: configuration.node, site: configuration.site, change: change,
                fields: Variant(of: change, on: base, favouring: .node).fields, conflicts: [],
                standing: .node, hub: change.base, isHandedOver: false)
        }
    }

    // MARK: - Apply and delete

    private mutating func apply(
        _ objects: [Object], dryRun: Bool, at now: Moment
    ) throws(Refusal) -> [ApplyResult] {
        let mistakes = objects.enumerated().flatMap { self.mistakes(in: $0.element, of: $0.offset) }
        guard mistakes.isEmpty else {
            throw Refusal(
                .invalid, "\(mistakes.count) mistakes; nothing was changed", mistakes: mistakes)
        }
        var results: [ApplyResult] = []
        var wishes: [Wish] = []
        for case .workload(let workload) in objects {
            let current = effective[workload.id].flatMap { $0.ordinals.isEmpty ? nil : $0 }
            let isSame = current?.workload.spec == workload.spec
            results.append(
                ApplyResult(
                    kind: .workload, name: workload.metadata.name,
                    outcome: current == nil ? .created : isSame ? .unchanged : .configured))
            if !isSame { wishes.append(Wish(workload: workload.id, spec: workload.spec)) }
        }
        try change(wishes, dryRun: dryRun, at: now)
        return results
    }

    private mutating func delete(
        _ kind: Kind, _ name: String, at now: Moment
    ) throws(Refusal) {
        guard kind == .workload else {
            throw Refusal(
                .denied,
                "only workloads can be removed at a node, and only from it; a "
                    + "\(kind.rawValue.lowercased()) is the hub's")
        }
        guard let current = effective[WorkloadID(name)], !current.ordinals.isEmpty else {
            throw Refusal(.notFound, "there is no workload '\(name)' on this node")
        }
        try change([Wish(workload: WorkloadID(name), spec: nil)], dryRun: false, at: now)
    }

    /// What somebody wants of one workload here.
    private struct Wish {
        var workload: WorkloadID
        /// nil for that it does not run here.
        var spec: WorkloadSpec?
    }

    /// All of it or nothing: every wish is asked about before the first is carried out.
    private mutating func change(
        _ wishes: [Wish], dryRun: Bool, at now: Moment
    ) throws(Refusal) {
        let new = wishes.count { changes[$0.workload] == nil }
        guard changes.count + new <= configuration.limits.localChanges else {
            throw Refusal(
                .conflict,
                "this node keeps at most \(configuration.limits.localChanges) changes until the "
                    + "hub has them")
        }
        for wish in wishes
        where !gate.wouldPass(question(wish), by: regime.table, in: circumstances(at: now)) {
            throw refusal(of: wish, at: now)
        }
        guard !dryRun, !wishes.isEmpty else { return }
        for wish in wishes { carryOut(wish, at: now) }
    }

    private mutating func carryOut(_ wish: Wish, at now: Moment) {
        let word = running(wish.workload)
        let earlier = changes[wish.workload]
        guard
            let warrant = gate.ask(
                question(wish), by: regime.table, in: circumstances(at: now), at: now.wall)
        else { preconditionFailure("the gate refuses what it said it would pass") }
        let change = LocalChange(
            workload: wish.workload, at: now.wall, sequence: outbox.lastSequence + 1,
            decision: warrant.decision, base: earlier?.base ?? word?.workload.spec,
            spec: wish.spec, ordinals: earlier?.ordinals ?? ordinals(of: wish, word))
        append(.localChange(change), at: now.wall)
        journal.followUps.append(.change(warrant.order(.change(change))))
        journal.writes.append(.localChange(change))
        let outcome =
            change.base == change.spec
            ? "it is again as it was" : "\(change.effect.rawValue) at this node"
        tell(.warning, "ChangedHere", .workload, wish.workload.text, outcome, at: now)
    }

    private func ordinals(of wish: Wish, _ word: Assignment?) -> [Int] {
        if let word { return word.ordinals }
        guard case .count(let count) = wish.spec?.replicas else { return [0] }
        return Array(0..<max(0, count))
    }

    // MARK: - Who may

    private func question(_ wish: Wish) -> Gate.Question {
        let isKnown = running(wish.workload) != nil
        let isUpdate = isKnown && wish.spec != nil
        let tier = wish.spec?.tier ?? effective[wish.workload]?.workload.spec.tier ?? .optional
        return Gate.Question(
            isUpdate ? .update : .place, .workload(wish.workload), tier: tier,
            in: isUpdate ? .update : .placement, on: .change, because: .changedHere)
    }

    /// The refusal of a wish, and its record.
    private mutating func refusal(of wish: Wish, at now: Moment) -> Refusal {
        let question = question(wish)
        let here = circumstances(at: now)
        _ = gate.ask(question, by: regime.table, in: here, at: now.wall)
        return Refusal(
            .denied,
            "workload '\(wish.workload)' cannot be changed at this node: "
                + "\(gate.lastRecord?.sentence ?? ""). Change it at the hub, or give it to the node "
                + "in the site's authority table: {domain: \(question.domain.rawValue), reach: "
                + "\(here.reach.rawValue), verdict: permit, by: local}")
    }

    // MARK: - What is in force here

    /// What is to run here: the hub's word, and on what people changed their own, to the letter, until
    /// the hub has brought the two together.
    var effective: Table<WorkloadID, Assignment> {
        var words: Table<WorkloadID, Assignment> = Table()
        for case .assignment(let assignment) in replica.contents {
            words.insert(assignment, for: assignment.workload.id)
        }
        for change in changes.rows {
            words.insert(change.assignment(over: words[change.workload]), for: change.workload)
        }
        return words
    }

    private func word(on workload: WorkloadID) -> Assignment? {
        guard case .assignment(let assignment) = replica[.assignment(workload)] else { return nil }
        return assignment
    }

    /// The same, where it gives this node copies.
    private func running(_ workload: WorkloadID) -> Assignment? {
        word(on: workload).flatMap { $0.ordinals.isEmpty ? nil : $0 }
    }

    /// Lets go of changes that the hub's durable word covers.
    mutating func handOverChanges() {
        guard case .changes(let sequence) = replica[.changes(configuration.node)] else { return }
        if changes.handOver(through: sequence) {
            journal.writes.append(.forgetLocalChanges(through: sequence))
        }
    }

    /// The hub holds the log up to `sequence` alone, and once acknowledged more: what people changed
    /// after that is said anew. What it still holds it may have settled.
    mutating func repeatChanges(after sequence: UInt64, at now: Moment) {
        for change in changes.rows
        where change.sequence > sequence && !outbox.holds(change.sequence) {
            guard let again = changes.renumber(change.workload, as: outbox.lastSequence + 1) else {
                continue
            }
            append(.localChange(again), at: now.wall)
            journal.writes.append(.localChange(again))
        }
    }

    // MARK: - Mistakes

    private func mistakes(in object: Object, of index: Int) -> [Mistake] {
        guard case .workload(let workload) = object else {
            return [
                Mistake(
                    object: index, field: "kind",
                    message: "a \(object.kind.rawValue) is the hub's, not this node's",
                    fix: "apply it at the hub, with --context")
            ]
        }
        if let base = changes[workload.id]?.base ?? running(workload.id)?.workload.spec {
            return sharedFields(workload.spec, base, of: index)
        }
        return unfitting(workload, of: index)
    }

    /// What concerns other nodes as well cannot be changed at one of them.
    private func sharedFields(
        _ spec: WorkloadSpec, _ base: WorkloadSpec, of index: Int
    ) -> [Mistake] {
        var mistakes: [Mistake] = []
        if spec.replicas != base.replicas {
            mistakes.append(
                Mistake(
                    object: index, field: "spec.replicas",
                    message: "how many copies the fleet runs is not for one node to change",
                    fix: "leave it as it is, or apply it at the hub"))
        }
        if spec.selector != base.selector {
            mistakes.append(
                Mistake(
                    object: index, field: "spec.selector",
                    message: "which nodes run it is not for one node to change",
                    fix: "leave it as it is, or apply it at the hub"))
        }
        return mistakes
    }

    private func unfitting(_ workload: Workload, of index: Int) -> [Mistake] {
        var mistakes: [Mistake] = []
        let node =
            node
            ?? Node(
                metadata: Metadata(name: configuration.node.text),
                spec: NodeSpec(site: configuration.site))
        if !Placement.matches(node, workload.spec.selector) {
            mistakes.append(
                Mistake(
                    object: index, field: "spec.selector",
                    message: "the selector does not match this node, where it would run",
                    fix: "selector: {node: \(configuration.node)}"))
        }
        if case .count(let count) = workload.spec.replicas, !(0...64).contains(count) {
            mistakes.append(
                Mistake(
                    object: index, field: "spec.replicas",
                    message: "\(count) copies cannot be run on one node",
                    fix: "a number from 0 to 64"))
        }
        return mistakes
    }
}
