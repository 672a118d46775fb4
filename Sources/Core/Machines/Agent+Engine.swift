import Authority
import Model

/// From what the engine says to the state of each unit.
extension Agent {
    mutating func askEngine(at now: Moment, into effects: inout [Effect]) {
        if case .listing(let since) = engine, now.monotonic - since < configuration.limits.audit {
            return
        }
        engine = .listing(since: now.monotonic)
        effects.append(.list)
    }

    mutating func take(
        _ report: EngineReport, at now: Moment, into effects: inout [Effect]
    ) {
        switch report {
        case .listed(let containers, let status):
            compare(with: containers, status, at: now, into: &effects)
        case .unavailable(let failure): loseEngine(failure, at: now, into: &effects)
        case .available: askEngine(at: now, into: &effects)
        case .pulled(let id):
            guard unit(id)?.state == .pulling else { return }
            change(id) { $0.state = .waiting }
            advance(at: now, into: &effects)
        case .pullFailed(let id, let failure):
            guard unit(id)?.state == .pulling else { return }
            backOff(id, Unit.Trouble(failure), at: now, into: &effects)
        case .started(let container): run(container, at: now, into: &effects)
        case .startFailed(let id, let failure): failStart(id, failure, at: now, into: &effects)
        case .exited(let id, let handle, let exit):
            guard let unit = unit(id), unit.handle == handle, unit.isRunning else { return }
            end(id, exit, at: now, into: &effects)
        case .stopped(let id):
            strays.remove(id)
            finishStop(of: id, at: now, into: &effects)
        case .stopFailed(let id, let failure): failStop(id, failure, at: now, into: &effects)
        case .probed(let probe, let outcome): judge(probe, outcome, at: now, into: &effects)
        }
    }

    // MARK: - What runs

    /// Adopts what is ours, notices what is gone, removes what nobody wants. Run at start and on
    /// every audit, so a crash of agent or engine needs no other path.
    private mutating func compare(
        with containers: [ObservedContainer], _ status: EngineStatus, at now: Moment,
        into effects: inout [Effect]
    ) {
        guard case .listing(let since) = engine else { return }
        let isFirst = engineStatus == nil
        var isQuiet = !isFirst && engineTrouble == nil
        engine = .comparing
        if status != shownEngine, link.isUp { effects.append(.send(.engine(status))) }
        engineStatus = status
        engineTrouble = nil
        if isFirst {
            let until = now.monotonic + configuration.limits.tierWait
            orderUntil = until
            effects.append(.wake(at: until, for: .order))
        }
        for container in containers {
            if isExpected(container, asOf: since) { continue }
            isQuiet = false
            compare(with: container, into: &effects, at: now)
        }
        let seen = containers.map(\.id).sorted()
        for id in strays.keys where strays[id] == .failed && !seen.holds(id) {
            strays.remove(id)
        }
        for id in missed(in: seen, asOf: since) {
            isQuiet = false
            end(id, Exit(code: nil), at: now, into: &effects)
        }
        engine = .known
        // An audit that finds nothing, as nearly all do, costs no more than the look.
        if !isQuiet { advance(at: now, into: &effects) }
    }

    /// Whether the agent knows already what the engine says of a container. What moved after the
    /// question was asked is newer than the answer; the next one tells.
    private mutating func isExpected(
        _ container: ObservedContainer, asOf since: Instant
    ) -> Bool {
        // In place: to read an instance as a whole would copy it.
        held.update(container.id.instance) { instance in
            guard let index = instance.index(of: container.id) else {
                return false
            }
            if instance.units[index].movedAt >= since { return true }
            return instance.units[index].isRunning && container.state == .running
                && instance.units[index].handle == container.handle
                && instance.record.edition.matches(container.edition)
        } ?? false
    }

    /// What should run and is not in the answer, whose ids are `seen`, in order.
    private mutating func missed(in seen: [ContainerID], asOf since: Instant) -> [ContainerID] {
        var missed: [ContainerID] = []
        for id in held.keys {
            held.update(id) { instance in
                for index in instance.units.indices
                where instance.units[index].isRunning && instance.units[index].movedAt < since
                    && !seen.holds(instance.units[index].id)
                {
                    missed.append(instance.units[index].id)
                }
            }
        }
        return missed
    }

    private mutating func compare(
        with container: ObservedContainer, into effects: inout [Effect], at now: Moment
    ) {
        let id = container.id
        guard let instance = held[id.instance], let unit = unit(id),
            instance.record.edition.matches(container.edition)
        else {
            // An edition that nobody recorded, or an instance that is not ours: it cannot stay.
            if let unit = unit(id) {
                // A start or a stop that is under way replaces it, and a later start what has ended.
                let isInTheWay = container.state == .running && (!unit.mayExist || unit.isRunning)
                if isInTheWay { stopForeign(id, at: now, into: &effects) }
            } else if strays[id] != .stopping {
                stopStray(id, at: now, into: &effects)
            }
            return
        }
        switch (unit.state, container.state) {
        case (.waiting, .running), (.recording, .running), (.backingOff, .running):
            run(container, at: now, into: &effects)
        case (.running, .running) where unit.handle != container.handle:
            run(container, at: now, into: &effects)
        case (.waiting, .exited(let exit)) where unit.attempt == 0:
            change(id) { $0.handle = container.handle }
            end(id, exit, at: now, into: &effects)
        case (.running, .exited(let exit)):
            end(id, exit, at: now, into: &effects)
        default:
            break
        }
    }

    /// What nobody here wants, or knows, cannot stay; where that may not be decided it is looked at
    /// again with the next answer of the engine.
    private mutating func stopStray(
        _ id: ContainerID, at now: Moment, into effects: inout [Effect]
    ) {
        guard
            orderStopIfAllowed(
                id, grace: .seconds(10), tier: .optional, .unknownHere, at: now, into: &effects)
        else { return }
        strays.insert(.stopping, for: id)
    }

    private mutating func loseEngine(
        _ failure: EngineFailure, at now: Moment, into effects: inout [Effect]
    ) {
        engine = .gone
        guard engineTrouble == nil else { return }
        engineTrouble = failure.message
        if link.isUp { effects.append(.send(.engine(.absent(because: failure.message)))) }
        tell(
            .warning, "EngineUnavailable", .node, configuration.node.text, failure.message, at: now)
    }

    private mutating func run(
        _ container: ObservedContainer, at now: Moment, into effects: inout [Effect]
    ) {
        let id = container.id
        guard let unit = unit(id) else {
            return stopStray(id, at: now, into: &effects)
        }
        if case .stopping = unit.state { return }
        let isAdopted = unit.state != .starting
        let attempt = isAdopted ? nextAttempt() : unit.attempt
        change(id) {
            $0.attempt = attempt
            $0.state = .running(since: now.monotonic)
            $0.handle = container.handle
            $0.hasRun = true
            $0.startedAt = container.startedAt ?? now.wall
            $0.probes = ProbeProgress(for: $0.spec.probes)
            if $0.isReady { $0.trouble = nil }
        }
        tell(
            .normal, isAdopted ? "Adopted" : "Started", .instance, id.instance.description,
            isAdopted ? "found running, left as it is" : "container '\(id.name)' is running",
            at: now)
        beginProbes(of: id, at: now, into: &effects)
        advance(at: now, into: &effects)
    }

    // MARK: - What ended

    private mutating func end(
        _ id: ContainerID, _ exit: Exit, at now: Moment, into effects: inout [Effect]
    ) {
        guard let instance = held[id.instance] else { return }
        forgiveIfCalm(id, at: now)
        let policy = instance.assignment?.spec.restartPolicy ?? .always
        if policy.accepts(exit) {
            change(id) {
                $0.state = .ended(exit)
                $0.trouble = exit.code == 0 ? nil : Unit.Trouble(exit)
            }
            tell(
                exit.code == 0 ? .normal : .warning, "Ended", .instance,
                id.instance.description, Unit.Trouble(exit).message, at: now)
            return advance(at: now, into: &effects)
        }
        backOff(id, Unit.Trouble(exit), at: now, into: &effects)
    }

    /// A run that lasted earned its container a fresh back-off.
    private mutating func forgiveIfCalm(_ id: ContainerID, at now: Moment) {
        guard case .running(let since) = unit(id)?.state,
            now.monotonic - since >= configuration.limits.calm
        else { return }
        change(id) { $0.failures = 0 }
    }

    /// A stop that failed is asked for again, later each time: the engine may be gone for a while.
    private mutating func failStop(
        _ id: ContainerID, _ failure: EngineFailure, at now: Moment, into effects: inout [Effect]
    ) {
        strays.update(id) { $0 = .failed }
        guard let unit = unit(id), case .stopping = unit.state else { return }
        if unit.stopFailures == 0 {
            tell(
                .warning, "StopFailed", .instance, id.instance.description, failure.message,
                at: now)
        }
        change(id) { $0.stopFailures += 1 }
        let pause = Duration.seconds(min(30, 1 << min(unit.stopFailures, 5)))
        effects.append(.wake(at: now.monotonic + pause, for: .restart(id)))
    }

    private mutating func failStart(
        _ id: ContainerID, _ failure: EngineFailure, at now: Moment, into effects: inout [Effect]
    ) {
        guard let unit = unit(id), unit.state == .starting else { return }
        if failure.reason == .imageMissing, let image = unit.spec.image,
            let instance = held[id.instance],
            let warrant = ask(
                .pull, id.instance, tier: instance.tier, reason(toStart: unit, of: instance),
                at: now)
        {
            change(id) {
                $0.state = .pulling
                $0.trouble = Unit.Trouble(failure)
            }
            effects.append(.carryOut(warrant.order(.pull(id, image: image))))
            report(id.instance, at: now)
        } else {
            backOff(id, Unit.Trouble(failure), at: now, into: &effects)
        }
    }

    private mutating func finishStop(
        of id: ContainerID, at now: Moment, into effects: inout [Effect]
    ) {
        guard case .stopping(let restart) = unit(id)?.state else { return }
        change(id) {
            $0.handle = nil
            $0.startedAt = nil
            $0.stopFailures = 0
            $0.state = .waiting
        }
        guard restart, let unit = unit(id), unit.failures > 0 else {
            return advance(at: now, into: &effects)
        }
        rest(id, at: now, into: &effects)
    }

    /// A failure of any kind: rest for as long as the tier says, then try again.
    mutating func backOff(
        _ id: ContainerID, _ trouble: Unit.Trouble, at now: Moment, into effects: inout [Effect]
    ) {
        change(id) {
            $0.failures += 1
            $0.trouble = trouble
            $0.handle = nil
        }
        tell(
            .warning, trouble.reason, .instance, id.instance.description, trouble.message, at: now)
        rest(id, at: now, into: &effects)
    }

    private mutating func rest(
        _ id: ContainerID, at now: Moment, into effects: inout [Effect]
    ) {
        guard let unit = unit(id), let tier = held[id.instance]?.tier else { return }
        change(id) { $0.state = .backingOff }
        effects.append(
            .wake(
                at: now.monotonic + tier.restartDelay(afterFailures: unit.failures),
                for: .restart(id)))
        advance(at: now, into: &effects)
    }

    mutating func retry(_ id: ContainerID, at now: Moment, into effects: inout [Effect]) {
        guard let unit = unit(id) else { return }
        switch unit.state {
        case .backingOff:
            change(id) { $0.state = .waiting }
            advance(at: now, into: &effects)
        case .stopping where unit.stopFailures > 0:
            // The rest is the same stop: what was decided once is asked for until it is done.
            guard let instance = held[id.instance] else { return }
            let why: Why =
                isHalting
                ? .halted
                : instance.assignment == nil
                    ? .notAssigned : isShelved(instance, at: now) ? .cutOff : .newGeneration
            let isOrdered = orderStop(
                id, grace: instance.grace, tier: instance.tier, why, at: now, into: &effects)
            if !isOrdered {
                effects.append(.wake(at: now.monotonic + .seconds(30), for: .restart(id)))
            }
        default: break
        }
    }

    // MARK: - Probes

    private mutating func beginProbes(
        of id: ContainerID, at now: Moment, into effects: inout [Effect]
    ) {
        guard let unit = unit(id) else { return }
        if unit.probes.started {
            arm(.readiness, of: unit, at: now, into: &effects)
            arm(.liveness, of: unit, at: now, into: &effects)
        } else {
            arm(.startup, of: unit, at: now, into: &effects)
        }
    }

    private func arm(
        _ kind: ProbeKind, of unit: Unit, at now: Moment, into effects: inout [Effect]
    ) {
        guard let probe = unit.spec.probes[kind] else { return }
        let pause = unit.probes.pause(for: kind, period: probe.period.duration)
        effects.append(.wake(at: now.monotonic + pause, for: .probe(unit.id, kind)))
    }

    mutating func probe(_ id: ContainerID, _ kind: ProbeKind, into effects: inout [Effect]) {
        let effect = held.update(id.instance) { instance -> Effect? in
            guard let index = instance.index(of: id),
                instance.units[index].isRunning,
                let probe = instance.units[index].spec.probes[kind],
                let target = probe.target(ports: instance.record.ports)
            else { return nil }
            return .probe(
                ProbeID(container: id, kind: kind, attempt: instance.units[index].attempt), target,
                timeout: probe.timeout.duration)
        }
        if let effect, let effect { effects.append(effect) }
    }

    private mutating func judge(
        _ id: ProbeID, _ outcome: ProbeOutcome, at now: Moment, into effects: inout [Effect]
    ) {
        // Most answers change nothing: one look-up, in place.
        var verdict: ProbeProgress.Verdict?
        var pause = Duration.zero
        change(id.container) { unit in
            guard case .running(let since) = unit.state, unit.attempt == id.attempt,
                let probe = unit.spec.probes[id.kind]
            else { return }
            verdict = unit.probes.take(outcome, of: id.kind, probe, age: now.monotonic - since)
            pause = unit.probes.pause(for: id.kind, period: probe.period.duration)
            if unit.isReady { unit.trouble = nil }
        }
        switch verdict {
        case nil: return
        case .sick: return restart(sick: id, outcome, at: now, into: &effects)
        case .started: beginProbes(of: id.container, at: now, into: &effects)
        case .steady, .readinessChanged:
            effects.append(
                .wake(at: now.monotonic + pause, for: .probe(id.container, id.kind)))
        }
        guard verdict != .steady else { return }
        if case .failed(let why) = outcome {
            change(id.container) { $0.trouble = .init(reason: "NotReady", message: why) }
        }
        advance(at: now, into: &effects)
    }

    private mutating func restart(
        sick probe: ProbeID, _ outcome: ProbeOutcome, at now: Moment, into effects: inout [Effect]
    ) {
        let id = probe.container
        let why = if case .failed(let text) = outcome { text } else { "" }
        guard let instance = held[id.instance],
            orderStopIfAllowed(
                id, grace: instance.grace, tier: instance.tier, .unhealthy, at: now,
                into: &effects)
        else {
            change(id) { $0.trouble = .init(reason: "Unhealthy", message: why) }
            report(id.instance, at: now)
            let pause = unit(id)?.spec.probes[probe.kind]?.period.duration ?? .seconds(10)
            effects.append(.wake(at: now.monotonic + pause, for: .probe(id, probe.kind)))
            return
        }
        forgiveIfCalm(id, at: now)
        change(id) {
            $0.failures += 1
            $0.trouble = .init(reason: "Unhealthy", message: why)
            $0.state = .stopping(restart: true)
        }
        tell(
            .warning, "Unhealthy", .instance, id.instance.description,
            "the \(probe.kind) probe failed, so the container is restarted: \(why)", at: now)
        report(id.instance, at: now)
    }
}

extension [ContainerID] {
    /// Whether `id` is among these, which are in order.
    fileprivate func holds(_ id: ContainerID) -> Bool {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == id
    }
}

extension RestartPolicy {
    /// Whether a container that ended like this has done what it was to do.
    func accepts(_ exit: Exit) -> Bool {
        switch self {
        case .always: false
        case .onFailure: exit.code == 0
        case .never: true
        }
    }
}

extension Probes {
    subscript(kind: ProbeKind) -> Probe? {
        switch kind {
        case .startup: startup
        case .readiness: readiness
        case .liveness: liveness
        }
    }
}

extension Probe {
    /// What to ask, with the port's name looked up; nil for a probe that names nothing known.
    func target(ports: [String: Int]) -> ProbeTarget? {
        if let http, let port = ports[http.port] { return .http(port: port, path: http.path) }
        if let tcp, let port = ports[tcp.port] { return .tcp(port: port) }
        return exec.map { .exec($0.command) }
    }
}
