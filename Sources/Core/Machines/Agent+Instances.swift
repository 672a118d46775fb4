import Authority
import Model
import Replication

/// From assignments to instances: what should exist here, in which order, and what may go.
extension Agent {
    /// Makes what is held match what is assigned. Level-based: it looks at the whole, whatever led
    /// here, so no order of failures leaves anything behind.
    mutating func reconcile(at now: Moment, into effects: inout [Effect]) {
        takeTable(at: now)
        takeRunRules()
        handOverChanges()
        let wanted = assignments()
        for id in held.keys where wanted[id] == nil {
            held.update(id) { $0.assignment = nil }
        }
        for (id, workload) in wanted {
            let known = held.update(id) { $0.assignment = workload } != nil
            if known { reopen(id) } else { adopt(new: id, for: workload) }
        }
        noteSecrets()
        advance(at: now, into: &effects)
    }

    /// What has ended for good begins anew where its workload no longer lets it rest.
    private mutating func reopen(_ id: InstanceID) {
        guard let instance = held[id], let policy = instance.assignment?.spec.restartPolicy else {
            return
        }
        for unit in instance.units {
            guard case .ended(let exit) = unit.state, !policy.accepts(exit) else { continue }
            change(unit.id) { $0.state = .waiting }
        }
    }

    /// Takes every instance as far as it can go, most important tier first.
    mutating func advance(at now: Moment, into effects: inout [Effect]) {
        guard engine == .known || isListing else { return }
        if isHalting { return haltNext(at: now, into: &effects) }
        // Each look is in place: to read an instance as a whole would copy it.
        for id in held.keys where held.update(id, { $0.isOutdated }) == true {
            retire(id, at: now, into: &effects)
        }
        for id in held.keys
        where held.update(id, { $0.mayBeShelved }) == true
            && held[id].map({ isShelved($0, at: now) }) == true
        {
            stopUnits(of: id, .cutOff, at: now, into: &effects)
        }
        let order = held.keys.map { id in
            (tier: held.update(id) { $0.tier } ?? .optional, id: id)
        }.sorted { ($0.tier, $0.id) < ($1.tier, $1.id) }
        for (_, id) in order
        where held.update(id, { $0.isWaiting }) == true && mayStart(id, at: now) {
            startWaiting(of: id, at: now, into: &effects)
        }
        settleExclusions()
        for (_, id) in order { report(id, at: now) }
    }

    private var isListing: Bool {
        if case .listing = engine { engineStatus != nil } else { false }
    }

    private func assignments() -> Table<InstanceID, Workload> {
        var wanted: Table<InstanceID, Workload> = Table()
        let words = effective
        for (id, workload) in claimedAssignments(over: words) { wanted.insert(workload, for: id) }
        for assignment in words.rows where !isClaimed(assignment.workload.id) {
            for ordinal in assignment.ordinals {
                wanted.insert(
                    assignment.workload,
                    for: InstanceID(workload: assignment.workload.id, ordinal: ordinal))
            }
        }
        return wanted
    }

    /// Starts to care for an instance: ports first, since they must outlive every restart.
    private mutating func adopt(new id: InstanceID, for workload: Workload) {
        let record = InstanceRecord(
            id: id, generation: workload.metadata.generation,
            containers: workload.spec.containers, ports: ports(for: workload, keeping: [:]),
            secrets: digests(for: workload))
        var new = Held(new: record, for: workload)
        new.wantedSince = clock
        held.insert(new, for: id)
    }

    /// Numbers for every port of the workload: its own, else the one it had, else a free one.
    private func ports(for workload: Workload, keeping old: [String: Int]) -> [String: Int] {
        var taken = Set(held.rows.flatMap(\.record.ports.values))
        var ports: [String: Int] = [:]
        for port in workload.spec.containers.flatMap(\.ports) {
            let number =
                port.port ?? old[port.name]
                ?? configuration.portRange.first { !taken.contains($0) }
            guard let number else { continue }
            taken.insert(number)
            ports[port.name] = number
        }
        return ports
    }

    // MARK: - Starting

    private func mayStart(_ id: InstanceID, at now: Moment) -> Bool {
        guard let instance = held[id], let workload = instance.assignment, !instance.isOutdated,
            !isShelved(instance, at: now), isGranted(id, at: now)
        else { return false }
        let blockers = workload.spec.dependsOn.filter { dependency in
            held.contains { $0.0.workload == dependency && !$0.1.isReady }
        }
        guard blockers.isEmpty else { return false }
        guard let orderUntil, now.monotonic < orderUntil else { return true }
        return held.rows.allSatisfy { $0.tier >= instance.tier || $0.isSettled }
    }

    /// Whether a workload wants to be down because no hub is in reach, or was not until now: what the
    /// hub placed elsewhere meanwhile is known once it has the log of the time apart.
    func isShelved(_ instance: Held, at now: Moment) -> Bool {
        guard let stopAfter = instance.assignment?.spec.disconnect?.stopAfter else { return false }
        guard link.isUp else { return policyAge(at: now) >= stopAfter.duration }
        let isAsked = returnHead != nil || durableRevision < replica.through
        return isAsked && !instance.units.contains(where: \.isRunning)
    }

    private mutating func startWaiting(
        of id: InstanceID, at now: Moment, into effects: inout [Effect]
    ) {
        clearStrays(of: id, at: now, into: &effects)
        findPorts(for: id)
        guard let instance = held[id] else { return }
        if let missing = missingPort(of: instance) {
            return complain(id, Unit.Trouble(reason: "NoPort", message: missing))
        }
        if let missing = missingSecret(of: instance) { return complain(id, missing) }
        let starting = instance.units.filter { $0.state == .waiting }
        guard !starting.isEmpty, !isRefused(instance, at: now) else { return }
        // What ran here before was let in then.
        if starting.contains(where: { !$0.hasRun }), !mayRun(id, at: now) { return }
        for unit in starting {
            let why = reason(toStart: unit, of: instance)
            guard let warrant = ask(.start, id, tier: instance.tier, why, at: now) else {
                return refuse(id, at: now)
            }
            let attempt = nextAttempt()
            change(unit.id) {
                $0.attempt = attempt
                $0.state = instance.isRecorded ? .starting : .recording
                if $0.trouble == instance.refusal?.trouble { $0.trouble = nil }
            }
            let order = warrant.order(.start(startRequest(for: unit, of: instance)))
            if instance.isRecorded {
                effects.append(.carryOut(order))
            } else {
                journal.followUps.append(.start(unit.id, attempt: attempt, order))
            }
        }
        let restarts = starting.count(where: \.hasRun)
        let decision = gate.lastRecord
        held.update(id) {
            $0.record.restarts += restarts
            $0.record.decision = decision
            $0.refusal = nil
        }
        if let record = held[id]?.record { journal.writes.append(.instance(record)) }
    }

    private mutating func clearStrays(
        of id: InstanceID, at now: Moment, into effects: inout [Effect]
    ) {
        guard !strays.isEmpty, let units = held[id]?.units else { return }
        for unit in units where unit.state == .waiting && strays[unit.id] != nil {
            stopForeign(unit.id, at: now, into: &effects)
        }
    }

    /// Makes room for a unit: what runs under its id is not its own. A stop that is under way already
    /// becomes the unit's.
    mutating func stopForeign(
        _ id: ContainerID, at now: Moment, into effects: inout [Effect]
    ) {
        let tier = held[id.instance]?.tier ?? .optional
        if strays[id] != .stopping {
            guard
                orderStopIfAllowed(
                    id, grace: .seconds(10), tier: tier, .unknownHere, at: now, into: &effects)
            else { return }
        }
        strays.remove(id)
        change(id) { $0.state = .stopping(restart: true) }
    }

    mutating func nextAttempt() -> Int {
        lastAttempt += 1
        return lastAttempt
    }

    /// Ports that were all taken when the instance came may have become free.
    private mutating func findPorts(for id: InstanceID) {
        guard let instance = held[id], !instance.isRecorded, let workload = instance.assignment,
            missingPort(of: instance) != nil
        else { return }
        let found = ports(for: workload, keeping: instance.record.ports)
        held.update(id) { $0.record.take(ports: found) }
    }

    /// The record is durable: the container may exist from here on.
    mutating func begin(
        _ id: ContainerID, attempt: Int, _ order: Order, into effects: inout [Effect]
    ) {
        guard let instance = held[id.instance],
            let unit = instance.units.first(where: { $0.id == id }),
            unit.attempt == attempt, unit.state == .recording
        else { return }
        held.update(id.instance) { $0.isRecorded = true }
        if isHalting { return change(id) { $0.state = .waiting } }
        change(id) { $0.state = .starting }
        effects.append(.carryOut(order))
    }

    func startRequest(for unit: Unit, of instance: Held) -> StartRequest {
        var env = unit.spec.env
        for port in unit.spec.ports {
            guard let number = instance.record.ports[port.name] else { continue }
            env["PORT_" + variable(port.name)] = String(number)
        }
        if let first = unit.spec.ports.first, let number = instance.record.ports[first.name] {
            env["PORT"] = env["PORT"] ?? String(number)
        }
        env["SKERRY_NODE"] = configuration.node.text
        env["SKERRY_SITE"] = configuration.site.text
        env["SKERRY_WORKLOAD"] = unit.id.instance.workload.text
        env["SKERRY_INSTANCE"] = unit.id.instance.description
        env["SKERRY_AUTHORIZE"] = configuration.questionSocket
        return StartRequest(
            id: unit.id, edition: instance.record.edition, spec: unit.spec,
            ports: instance.record.ports, env: env, secrets: sealedValues(for: unit.spec))
    }

    private func missingPort(of instance: Held) -> String? {
        let names = instance.record.containers.flatMap(\.ports).map(\.name)
        guard let missing = names.first(where: { instance.record.ports[$0] == nil }) else {
            return nil
        }
        let range = configuration.portRange
        return "no free port for '\(missing)': all of \(range.lowerBound) to \(range.upperBound) "
            + "are in use; widen portRange in the agent's configuration"
    }

    private mutating func complain(_ id: InstanceID, _ trouble: Unit.Trouble) {
        held.update(id) { instance in
            for index in instance.units.indices { instance.units[index].trouble = trouble }
        }
    }

    // MARK: - Stopping

    /// Takes an instance down. When nothing of it is left it is forgotten, or begun anew where a
    /// newer generation is wanted.
    private mutating func retire(_ id: InstanceID, at now: Moment, into effects: inout [Effect]) {
        guard let instance = held[id] else { return }
        // What runs is not taken down for what may not take its place.
        if instance.assignment != nil, !mayRun(id, at: now) { return }
        stopUnits(
            of: id, instance.assignment == nil ? reason(toRetire: id) : .newGeneration, at: now,
            into: &effects)
        guard held[id]?.mayExist == false else { return }
        if let workload = instance.assignment {
            // A hub that was restored from a backup gives a generation twice. A start of the old one
            // may still be on its way in the engine, and must not pass for the new.
            let generation = max(workload.metadata.generation, instance.record.generation + 1)
            let record = InstanceRecord(
                id: id, generation: generation, containers: workload.spec.containers,
                ports: ports(for: workload, keeping: instance.record.ports),
                secrets: digests(for: workload))
            var renewed = Held(new: record, for: workload, origin: .newGeneration)
            renewed.reported = instance.reported
            renewed.secrets = instance.secrets
            held.insert(renewed, for: id)
        } else {
            held.remove(id)
            journal.writes.append(.removeInstance(id))
            if instance.reported != nil || instance.isRecorded {
                append(.instanceRemoved(id), at: now.wall)
            }
        }
    }

    /// Asks for the end of every unit that may exist. Grace is the workload's own.
    private mutating func stopUnits(
        of id: InstanceID, _ why: Why, at now: Moment, into effects: inout [Effect]
    ) {
        guard let instance = held[id] else { return }
        for unit in instance.units {
            switch unit.state {
            case .starting, .running:
                guard why.basis == .person || !isRefused(instance, at: now) else { continue }
                guard
                    orderStop(
                        unit.id, grace: instance.grace, tier: instance.tier, why, at: now,
                        into: &effects)
                else { return refuse(id, at: now) }
                change(unit.id) { $0.state = .stopping(restart: false) }
            case .stopping(restart: true):
                change(unit.id) { $0.state = .stopping(restart: false) }
            case .ended where why == .cutOff:
                continue
            case .recording, .pulling, .backingOff, .ended:
                change(unit.id) { $0.state = .waiting }
            case .waiting, .stopping(restart: false):
                continue
            }
        }
    }

    /// Everything shall stop: the least important tier first, the next one when that is down. What
    /// runs is known from the engine alone, so an engine that does not answer holds this up.
    mutating func halt(at now: Moment, into effects: inout [Effect]) {
        isHalting = true
        advance(at: now, into: &effects)
    }

    private mutating func haltNext(at now: Moment, into effects: inout [Effect]) {
        let alive = held.filter { $0.1.mayExist }
        guard let tier = alive.map(\.1.tier).max() else {
            if !hasHalted { effects.append(.halted) }
            hasHalted = true
            return
        }
        for (id, instance) in alive where instance.tier == tier {
            stopUnits(of: id, .halted, at: now, into: &effects)
        }
    }

    // MARK: - Refusals

    /// Whether the gate refused under these very circumstances: it would again.
    private func isRefused(_ instance: Held, at now: Moment) -> Bool {
        guard let refusal = instance.refusal else { return false }
        return refusal == Held.Refusal(circumstances(at: now), refusal.trouble)
    }

    private mutating func refuse(_ id: InstanceID, at now: Moment) {
        guard let decision = gate.lastRecord else { return }
        let trouble = Unit.Trouble(reason: "Held", message: decision.sentence)
        let refusal = Held.Refusal(circumstances(at: now), trouble)
        held.update(id) { $0.refusal = refusal }
        complain(id, trouble)
    }

    // MARK: - Reporting

    /// Says what changed about an instance, and nothing when nothing did.
    mutating func report(_ id: InstanceID, at now: Moment) {
        var unwritten: InstanceRecord?
        let news = held.update(id) { instance -> InstanceStatus? in
            var status = instance.status(on: configuration, at: now.wall)
            if let reported = instance.reported {
                status.observedAt = reported.observedAt
                guard status != reported else { return nil }
                status.observedAt = now.wall
            } else if !instance.isRecorded {
                unwritten = instance.record
            }
            instance.reported = status
            return status
        }
        guard let news, let news else { return }
        // With its record goes the duty to tell of its end: without one, an agent that dies here
        // would leave the hub with an instance that nobody ever takes back.
        if let unwritten { journal.writes.append(.instance(unwritten)) }
        append(.instance(news), at: now.wall)
    }

    mutating func change(_ id: ContainerID, _ change: (inout Unit) -> Void) {
        held.update(id.instance) { instance in
            guard let index = instance.index(of: id) else { return }
            let before = instance.units[index].state
            change(&instance.units[index])
            if instance.units[index].state != before { instance.units[index].movedAt = clock }
        }
    }

    func unit(_ id: ContainerID) -> Unit? {
        held.read(id.instance) { instance in
            instance.index(of: id).map { instance.units[$0] }
        } ?? nil
    }
}

/// `http-alt` becomes `HTTP_ALT`.
private func variable(_ name: String) -> String {
    String(name.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
}
