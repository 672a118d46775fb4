import Machines
import Model

/// The engines: slow, late, failing, and true to their rules.
extension World {
    private static let gone = EngineFailure(.engineUnavailable, "the engine's socket is closed")

    // MARK: - Asked

    mutating func start(_ request: StartRequest, at node: Int) {
        checkIntent(request, at: node)
        checkReplacement(by: request, at: node)
        checkPatience(request.id, at: node)
        counts.starts += 1
        if scenario.cast?.changes.isEmpty == false,
            firstStarts[request.id.instance.workload] == nil
        {
            firstStarts.insert(.nanoseconds(time), for: request.id.instance.workload)
        }
        let life = places[node].life
        guard places[node].containers.isAvailable(at: time) else {
            return queue.add(
                .tellAgent(
                    node, life: life, .engine(.startFailed(request.id, World.gone))),
                at: time + 5_000_000)
        }
        let slow = random.chance(0.05) ? draw(2, 30) : draw(0.02, 1.5)
        let end = places[node].containers.queue(request.id, at: time, for: slow)
        queue.add(
            .engine(
                node, boot: places[node].boot,
                .create(request, life: life, failure: startFailure(request, at: node))), at: end)
    }

    private mutating func startFailure(
        _ request: StartRequest, at node: Int
    ) -> EngineFailure? {
        if let image = request.spec.image, !places[node].containers.images.contains(image) {
            return EngineFailure(.imageMissing, "no such image: \(image)")
        }
        guard random.chance(rates.startFailure) else { return nil }
        return random.chance(0.5)
            ? EngineFailure(.commandMissing, "no such command")
            : EngineFailure(.refused, "cannot allocate")
    }

    mutating func stop(_ id: ContainerID, grace: Duration, at node: Int) {
        checkReason(toStop: id, at: node)
        checkPatience(id, at: node)
        counts.stops += 1
        let life = places[node].life
        guard places[node].containers.isAvailable(at: time) else {
            return queue.add(
                .tellAgent(node, life: life, .engine(.stopFailed(id, World.gone))),
                at: time + 5_000_000)
        }
        let length = random.chance(0.1) ? grace.nanoseconds : draw(0.02, 0.5)
        let end = places[node].containers.queue(id, at: time, for: length)
        let failure =
            random.chance(rates.stopFailure) ? EngineFailure(.refused, "device busy") : nil
        queue.add(
            .engine(node, boot: places[node].boot, .remove(id, life: life, failure: failure)),
            at: end)
    }

    mutating func pull(_ id: ContainerID, _ image: String, at node: Int) {
        let failure =
            random.chance(rates.pullFailure)
            ? EngineFailure(.imagePull, "the registry does not answer") : nil
        queue.add(
            .engine(
                node, boot: places[node].boot,
                .pulled(id, image: image, life: places[node].life, failure: failure)),
            at: time + draw(1, 30))
    }

    mutating func probe(_ probe: ProbeID, at node: Int) {
        let time = time
        let isMissed = rates.probeFailure > 0 && random.chance(rates.probeFailure)
        let isWell =
            places[node].containers.all.update(probe.container) { truth in
                let isWell =
                    !isMissed && truth.isRunning && time >= truth.wellFrom
                    && time < truth.wellUntil
                truth.failures.count(isWell, of: probe.kind)
                return isWell
            } ?? false
        let outcome: ProbeOutcome = isWell ? .passed : .failed("connection refused")
        queue.add(
            .tellAgent(node, life: places[node].life, .engine(.probed(probe, outcome))),
            at: time + 3_000_000)
    }

    // MARK: - Done

    mutating func take(_ step: EngineStep, at node: Int) {
        let pausedUntil = places[node].containers.pausedUntil
        if time < pausedUntil {
            return queue.add(
                .engine(node, boot: places[node].boot, step), at: min(pausedUntil, horizon))
        }
        switch step {
        case .create(let request, let life, let failure):
            create(request, life: life, failure, at: node)
        case .remove(let id, let life, let failure): remove(id, life: life, failure, at: node)
        case .pulled(let id, let image, let life, let failure):
            if failure == nil { places[node].containers.images.insert(image) }
            let report: Agent.EngineReport =
                failure.map { .pullFailed(id, $0) } ?? .pulled(id)
            tell(node, life: life, .engine(report))
        case .list(let life): list(life: life, at: node)
        case .exit(let id, let handle): exit(id, handle: handle, at: node)
        case .tellExit(let id, let handle, let exit):
            guard places[node].containers.isAvailable(at: time) else { return }
            tell(
                node, life: places[node].life,
                .engine(.exited(id, handle: String(handle), exit)))
        case .recover:
            guard places[node].containers.isAvailable(at: time) else { return }
            tell(node, life: places[node].life, .engine(.available))
        }
    }

    private mutating func create(
        _ request: StartRequest, life: Int, _ failure: EngineFailure?, at node: Int
    ) {
        let id = request.id
        let isGone = !places[node].containers.isAvailable(at: time)
        // A socket that closes takes the answer with it, not always the deed.
        if let failure = failure ?? (isGone && random.chance(0.5) ? World.gone : nil) {
            return tell(node, life: life, .engine(.startFailed(id, failure)))
        }
        let isSame = places[node].containers.all[id].map {
            $0.isRunning && $0.edition.matches(request.edition)
        }
        if isSame != true { begin(request, at: node) }
        if life < places[node].firstLife {
            places[node].containers.all.update(id) { $0.isStray = true }
        }
        if isGone { return tell(node, life: life, .engine(.startFailed(id, World.gone))) }
        if life == places[node].life {
            places[node].containers.all.update(id) { $0.knownTo = life }
        }
        guard let observed = places[node].containers.observed(id) else { return }
        tell(node, life: life, .engine(.started(observed)))
    }

    /// Decides, at its birth, how long the container lives and when it falls sick.
    private mutating func begin(_ request: StartRequest, at node: Int) {
        let isSick = random.chance(rates.sickness)
        let truth = places[node].containers.create(
            Containers.Truth(
                edition: request.edition, handle: 0,
                startedAt: places[node].clock.moment(at: time).wall,
                wellFrom: time + draw(0, random.chance(0.1) ? 40 : 2),
                wellUntil: isSick ? time + draw(1, 3_600) : .max, spec: request.spec),
            for: request.id)
        guard rates.containerLife > 0 else { return }
        let life = random.chance(0.1) ? draw(0, 5) : draw(0, 2 * rates.containerLife)
        queue.add(
            .engine(
                node, boot: places[node].boot, .exit(request.id, handle: truth.handle)),
            at: time + life)
    }

    private mutating func remove(
        _ id: ContainerID, life: Int, _ failure: EngineFailure?, at node: Int
    ) {
        let isGone = !places[node].containers.isAvailable(at: time)
        // A lie: the agent is told that it stopped, and may rely on it.
        let isLie = failure == nil && !isGone && random.chance(rates.falseStop)
        if isLie {
            places[node].containers.all.update(id) { $0.isDenied = true }
            places[node].containers.muddled.insert(id)
        }
        let didHappen = failure == nil && !isLie && (!isGone || random.chance(0.5))
        if didHappen { places[node].containers.all.remove(id) }
        if let failure = failure ?? (isGone ? World.gone : nil) {
            // It may have been born since it was asked for, with nobody there to note the reason.
            places[node].containers.all.update(id) { $0.isCondemned = true }
            return tell(node, life: life, .engine(.stopFailed(id, failure)))
        }
        tell(node, life: life, .engine(.stopped(id)))
    }

    private mutating func list(life: Int, at node: Int) {
        guard places[node].containers.isAvailable(at: time) else {
            return tell(node, life: life, .engine(.unavailable(World.gone)))
        }
        let containers = observed(at: node)
        let input = Agent.Input.engine(
            .listed(containers, EngineStatus(name: "simulated", version: "1")))
        // The answer was true when it was put together; it may be old when it is heard.
        queue.add(.tellAgent(node, life: life, input), at: time + draw(0.001, 0.1))
    }

    /// What the engine lists: the truth, where it does not lie.
    private mutating func observed(at node: Int) -> [ObservedContainer] {
        var listed: [ObservedContainer] = []
        for id in places[node].containers.all.keys {
            guard var container = places[node].containers.observed(id) else { continue }
            if rates.omission > 0, container.state == .running, random.chance(rates.omission) {
                places[node].containers.all.update(id) { $0.isDenied = true }
                places[node].containers.muddled.insert(id)
                continue
            }
            if rates.falseLife > 0, container.state != .running, random.chance(rates.falseLife) {
                container.state = .running
                places[node].containers.muddled.insert(id)
            }
            listed.append(container)
        }
        return listed
    }

    private mutating func exit(_ id: ContainerID, handle: UInt64, at node: Int) {
        guard !isHealed, let truth = places[node].containers.all[id], truth.handle == handle,
            truth.isRunning
        else { return }
        counts.exits += 1
        let exit = Exit(
            code: random.chance(0.3) ? 0 : 1 + pick(3), outOfMemory: random.chance(0.1))
        if random.chance(0.1) {
            // Somebody removed it by hand: there is nothing left to list.
            places[node].containers.all.remove(id)
        } else {
            places[node].containers.all.update(id) { $0.exit = exit }
        }
        note("\(places[node].id) \(id) ends by itself with \(exit.code ?? -1)")
        guard !random.chance(rates.lostExit) else { return }
        let delay = random.chance(rates.lateExit) ? draw(0.5, 40) : 2_000_000
        queue.add(
            .engine(
                node, boot: places[node].boot, .tellExit(id, handle: handle, exit)),
            at: time + delay)
    }
}
