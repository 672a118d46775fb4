import Machines
import Model

/// The invariants, each where it can first be seen to break.
extension World {
    // MARK: - I1, I3: what was said to be durable is

    /// A node says something to the hub.
    mutating func checkWord(_ message: NodeMessage, from node: Int) {
        let durable = places[node].store.appliedRevision
        switch message {
        case .hello(let hello) where hello.appliedRevision > durable:
            violate(
                .durability,
                "\(places[node].id) greets with revision \(hello.appliedRevision), but only "
                    + "\(durable) is on its disk")
        case .applied(let revision, _) where revision > durable:
            violate(
                .durability,
                "\(places[node].id) acknowledges revision \(revision), but only \(durable) is on "
                    + "its disk")
        case .entries(let entries):
            let durable = places[node].store.lastSequence
            if let last = entries.last?.sequence, last > durable {
                violate(
                    .durability,
                    "\(places[node].id) sends entry \(last), but only \(durable) is on its disk")
            }
        default: break
        }
    }

    /// The hub says something to a node.
    mutating func checkWord(_ message: HubMessage, on session: Int) {
        let node = sessions[session].node
        let store = isRivals(session) ? rival?.store : centre.store
        guard let store else { return }
        if isRivals(session) { checkRival(message, on: session) }
        let id = places[node].id
        let promised: UInt64
        switch message {
        case .acknowledged(let sequence): promised = sequence
        case .welcome(let welcome):
            if !isRivals(session) { checkFence(welcome) }
            promised = welcome.acknowledged
        case .documents(let documents, let through):
            if !isRivals(session) { checkRollback(documents, at: node) }
            let head = store.headRevision(of: id)
            if through > head || documents.contains(where: { $0.revision > head }) {
                violate(
                    .durability,
                    "the hub sends revision \(through) to \(id), but only \(head) is on its disk")
            }
            return
        case .retry, .inventory, .certified, .keys, .roster, .plan, .revocations, .witnessed: return
        }
        places[node].acknowledged = max(places[node].acknowledged, promised)
        let durable = store.acknowledged(by: id)
        if promised > durable {
            violate(
                .durability,
                "the hub acknowledges entry \(promised) of \(id), but only \(durable) is on its "
                    + "disk")
        }
    }

    mutating func checkAcknowledged(_ key: String, _ face: Ledger.Face?) {
        if centre.store.face(key) != face {
            violate(.durability, "\(key) was acknowledged before it was on the hub's disk")
        }
    }

    /// The hub came back: all that was acknowledged is there.
    mutating func checkLedger() {
        if centre.isUncertain { takeWhatThereIs() }
        for key in ledger.keys {
            let face = centre.store.face(key)
            guard ledger.confirm(key, shows: face) else {
                return violate(
                    .durability,
                    "\(key) was acknowledged, and is "
                        + (face == nil ? "gone" : "another") + " after the hub came back")
            }
        }
        for node in places.indices where places[node].isEnrolled && !isClone(node) {
            if ledger.face(nodeKey(node)) == nil { leave(node) }
        }
    }

    mutating func checkGrowth(_ write: NodeWrite, at node: Int) {
        let place = places[node]
        let id = place.id
        switch write {
        case .document(let document) where document.key.isPolicy:
            checkPolicy(document, before: place.store.document(document.key), at: node)
        case .removeDocument(let key) where key.isPolicy:
            violate(.growth, "\(id) lets go of \(key), and no version took its place")
        case .appliedRevision(let revision) where revision < place.store.appliedRevision:
            violate(
                .growth, "\(id) goes back from \(place.store.appliedRevision) to \(revision)")
        case .appliedRevision(let revision) where revision >= World.lie:
            violate(.growth, "\(id) obeys a hub of an epoch that is over")
        case .epoch(let epoch) where epoch < place.store.epoch:
            violate(.growth, "\(id) goes back from epoch \(place.store.epoch) to \(epoch)")
        case .document(let document):
            if case .changes(let through) = document.content, through < covered(at: node) {
                // The hub read the log anew, since a store was lost or a clone had spoken: what it was
                // told before it knows, and will not be told again.
                places[node].promised = 0
            }
            if let old = place.store.document(document.key), old.revision >= document.revision {
                violate(
                    .growth,
                    "\(id) replaces \(document.key) of revision \(old.revision) by "
                        + "\(document.revision)")
            }
        case .append(let entry) where entry.sequence <= place.store.lastSequence:
            violate(
                .growth,
                "\(id) gives the number \(entry.sequence) to a second entry of its log")
        case .trimLog(let sequence) where sequence > place.acknowledged:
            violate(
                .durability,
                "\(id) forgets its log up to \(sequence), but a hub has it up to "
                    + "\(place.acknowledged) only")
        default: break
        }
    }

    // MARK: - I2: intent first, once

    mutating func checkIntent(_ request: StartRequest, at node: Int) {
        let record = places[node].store.record(request.id.instance)
        let isRecorded =
            record?.edition == request.edition
            && record?.containers.contains(request.spec) == true
        if !isRecorded {
            violate(
                .onceOnly,
                "\(places[node].id) starts \(request.id) of generation \(request.edition.generation) "
                    + "without a durable record of it")
        }
    }

    /// By what the agent knows when it asks: what it hears later cannot be held against it.
    mutating func checkReplacement(by request: StartRequest, at node: Int) {
        guard let old = places[node].containers.all[request.id], old.isRunning,
            !old.edition.matches(request.edition), old.knownTo == places[node].life,
            !old.isDenied
        else { return }
        violate(
            .onceOnly,
            "\(places[node].id) starts \(request.id) of \(request.edition) while "
                + "one of \(old.edition) runs, as it knows")
    }

    // MARK: - I5, I6: every stop has a reason

    mutating func checkReason(toStop id: ContainerID, at node: Int) {
        guard let truth = places[node].containers.all[id], truth.isRunning,
            !truth.isStray, !truth.isCondemned, !places[node].containers.muddled.contains(id)
        else { return }
        guard !hasReason(toStop: id, truth, at: node) else {
            places[node].containers.all.update(id) { $0.isCondemned = true }
            return
        }
        let isReturn =
            places[node].session != nil && time - places[node].connectedAt < 60_000_000_000
        violate(
            isReturn ? .calmReturn : .autonomy,
            "\(places[node].id) stops \(id), which runs as wanted and was not found sick")
    }

    private func hasReason(
        toStop id: ContainerID, _ truth: Containers.Truth, at node: Int
    ) -> Bool {
        let store = places[node].store
        guard let assignment = assignment(of: id.instance.workload, at: node),
            assignment.ordinals.contains(id.instance.ordinal),
            let record = store.record(id.instance), record.edition.matches(truth.edition),
            record.containers.contains(truth.spec),
            record.containers == assignment.workload.spec.containers
        else { return true }
        // The mesh has it run elsewhere.
        if places[node].holderElsewhere(of: id.instance) != nil { return true }
        // By a clock that may be a little fast: whether it waited long enough, it says itself.
        if assignment.workload.spec.disconnect?.stopAfter != nil, places[node].session == nil {
            return true
        }
        let probes = truth.spec.probes
        let counted = [
            (truth.failures.startup, probes.startup), (truth.failures.liveness, probes.liveness),
        ]
        return counted.contains { failures, probe in
            probe.map { failures >= $0.failureThreshold } ?? false
        }
    }

    /// What the disk of a node says about a workload: the hub's word, and what people changed there.
    private func assignment(of workload: WorkloadID, at node: Int) -> Assignment? {
        var word: [Assignment] = []
        let store = places[node].store
        if case .assignment(let assignment) = store.document(.assignment(workload))?.content {
            word = [assignment]
        }
        guard let change = store.localChange(workload),
            change.sequence > covered(at: node)
        else { return word.first }
        return change.assignment(over: word.first)
    }

    /// What the agent is about to be told, as far as a later judgement needs it.
    mutating func learn(_ input: Agent.Input, at node: Int) {
        switch input {
        case .engine(.listed(let containers, _)):
            let life = places[node].life
            for container in containers where container.state == .running {
                places[node].containers.all.update(container.id) { truth in
                    guard truth.knownTo != life, String(truth.handle) == container.handle else {
                        return
                    }
                    // What moved after the agent asked is newer than the answer, so one is not
                    // enough.
                    truth.sightings = truth.sightedBy == life ? truth.sightings + 1 : 1
                    truth.sightedBy = life
                    if truth.sightings > 1 { truth.knownTo = life }
                }
            }
        case .engine(.startFailed(let id, _)), .engine(.exited(let id, _, _)):
            places[node].containers.all.update(id) { truth in
                truth.knownTo = nil
                truth.sightings = 0
            }
        case .received(.welcome):
            guard returns != nil, !places[node].hasReturned else { return }
            places[node].hasReturned = true
            returns?.back += 1
            returns?.lastBack = .nanoseconds(time)
        case .received(.retry(let after, _)):
            // Agents know no longer waits, and their clocks may be a little fast.
            let wait = min(after.duration.nanoseconds, 900_000_000_000) / 1_000 * 999
            places[node].unwelcomeUntil = time + wait
        default: break
        }
    }

    // MARK: - I13: no retry without a wait

    /// Counts what is asked for one container, or of the hub where there is none, within a second.
    mutating func checkPatience(_ subject: ContainerID?, at node: Int) {
        let place = places[node]
        let code = subject?.code ?? 0
        let (begin, count) = place.tries[code] ?? (time, 0)
        let isSame = time - begin < 1_000_000_000
        place.tries[code] = isSame ? (begin, count + 1) : (time, 1)
        if isSame, count >= World.triesPerSecond {
            violate(
                .patience,
                "\(place.id) tries \(subject.map { "\($0)" } ?? "its hub") \(count + 1) times in "
                    + "a second")
        }
    }

    /// A wait has an end, and is drawn anew each time: nodes that all wait the same, since the cap came
    /// after the jitter, return at one moment.
    mutating func checkWait(until instant: Instant, for reason: Agent.Wake, at node: Int) {
        let place = places[node]
        let wait = place.clock.time(of: instant) - time
        switch reason {
        case .restart(let id) where wait > World.longestRest:
            violate(.patience, "\(place.id) lets \(id) rest for \(wait / 1_000_000_000) s")
        case .reconnect where wait > World.longestAbsence:
            violate(.patience, "\(place.id) stays away for \(wait / 1_000_000_000) s")
        case .reconnect:
            // A clock that drifts shows equal waits with a small difference.
            let isSame = abs(wait - place.wait.length) < 1_000 && wait >= 5_000_000_000
            place.wait = (wait, isSame ? place.wait.repeats + 1 : 0)
            if place.wait.repeats >= 2 {
                violate(
                    .patience,
                    "\(place.id) waits exactly \(wait / 1_000_000) ms each time, as a fleet would "
                        + "that returns at one moment")
            }
        default: break
        }
    }

    /// Whoever was asked to stay away does.
    mutating func checkWelcome(at node: Int) {
        let early = places[node].unwelcomeUntil - time
        if early > 0 {
            violate(
                .patience,
                "\(places[node].id) comes back \(early / 1_000_000) ms before it was asked to")
        }
    }

    /// The longest that a hub may ask for, and the longest back-off on top.
    private static let longestAbsence: Int64 = (900 + 60 + 1) * 1_000_000_000
    /// The cap of Tier 3.
    private static let longestRest: Int64 = (300 + 1) * 1_000_000_000

    /// The first restart of Tier 1 may follow at once, and so may the first attempts to connect.
    private static let triesPerSecond = 10

    // MARK: - H1: a session ends for a reason of its own

    mutating func checkClose(_ index: Int) {
        guard sessions.indices.contains(index) else { return }
        let session = sessions[index]
        let place = places[session.node]
        // By the clock of the hub, which may be a little fast.
        let patience =
            (hubLimits.heartbeatEvery * hubLimits.heartbeatsMissed).nanoseconds / 1_000 * 999
        let isHealthy =
            session.hubEnd == .open && session.hasGreeted && place.latest == index
            && time - session.heardAt < patience
        let isLeaving =
            ledger.isBusy(nodeKey(session.node)) || !place.isEnrolled || isShared(session.node)
        if isHealthy, !isLeaving {
            violate(
                .contact,
                "the hub closes \(session.id) of \(place.id), which was heard from "
                    + "\((time - session.heardAt) / 1_000_000_000) s ago and is its newest")
        }
    }

    // MARK: - I12: bounds

    mutating func check(_ node: Int) {
        let entries = places[node].agent?.inPlace { $0.unacknowledged } ?? 0
        let events = places[node].agent?.inPlace { $0.events.count } ?? 0
        if entries > agentLimits.logEntries + World.slack {
            violate(.bounds, "\(places[node].id) keeps \(entries) log entries")
        }
        if events > agentLimits.events {
            violate(.bounds, "\(places[node].id) keeps \(events) events")
        }
    }

    mutating func checkQueue(_ node: Int, _ writes: [NodeWrite]) {
        if places[node].disk.pending.count > 2 {
            violate(
                .bounds,
                "\(places[node].id) waits for \(places[node].disk.pending.count) writes at once")
        }
        let limit = agentLimits.writes + agentLimits.logEntries + World.slack
        if writes.count > limit {
            violate(.bounds, "\(places[node].id) wants \(writes.count) changes in one write")
        }
    }

    mutating func checkHub() {
        let events = centre.hub?.inPlace { $0.eventLog.count } ?? 0
        if events > hubLimits.events { violate(.bounds, "the hub keeps \(events) events") }
        if centre.open.count > 4 * places.count + 64 {
            violate(.bounds, "the hub keeps \(centre.open.count) sessions")
        }
    }

    mutating func checkHubQueue(_ writes: [HubWrite]) {
        if centre.disk.pending.count > 2 {
            violate(.bounds, "the hub waits for \(centre.disk.pending.count) writes at once")
        }
        if writes.count > hubLimits.writes + hubLimits.events + World.slack * places.count {
            violate(.bounds, "the hub wants \(writes.count) changes in one write")
        }
    }

    /// Documents, records and positions that one input may change on top of a full heap.
    private static let slack = 128

    /// Entries arrive at the hub: what lies between them and the last was shed, or lost.
    func count(_ entries: [LogEntry], from node: Int) {
        let place = places[node]
        for entry in entries where entry.sequence > place.arrived {
            place.missing += entry.sequence - place.arrived - 1
            place.arrived = entry.sequence
        }
    }

    /// Whatever does not arrive was dropped by somebody who counted it.
    mutating func checkCounted(_ node: Int) {
        let place = places[node]
        let dropped = place.dropped + (place.agent?.dropped ?? 0) + place.store.shed
        counts.entriesShed += dropped
        // A hub that was put back may know a node of an earlier disk, and reads on above its numbers.
        if place.missing > dropped, counts.restores == 0, !place.wasShared {
            violate(
                .bounds,
                "\(place.missing) entries of \(place.id) never arrived, and \(dropped) were "
                    + "counted as dropped")
        }
    }

    // MARK: - I17: a safe start

    mutating func checkStart(_ node: Int, _ effects: [Agent.Effect]) {
        let asks = effects.contains(.list)
        let acts = effects.contains { effect in
            if case .carryOut = effect { true } else { false }
        }
        if !asks || acts {
            violate(
                .safeStart,
                "\(places[node].id) "
                    + (acts ? "acts before it asked its engine" : "does not ask its engine"))
        }
    }
}

extension Place {
    /// Who else of its mesh holds an instance, as far as its agent knows.
    func holderElsewhere(of instance: InstanceID) -> NodeID? {
        guard neighbour.mesh != nil else { return nil }
        return agent?.claims?.first { $0.instance == instance && $0.holder != id }?.holder
    }
}

extension Agent {
    /// Looks without a copy: a machine that lies in a class is copied before its own code may read it.
    fileprivate mutating func inPlace<Answer>(_ look: (inout Agent) -> Answer) -> Answer {
        look(&self)
    }
}

extension Hub {
    fileprivate mutating func inPlace<Answer>(_ look: (inout Hub) -> Answer) -> Answer {
        look(&self)
    }
}
