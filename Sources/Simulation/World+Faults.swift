import Machines
import Model

/// What goes wrong, and the end of it.
extension World {
    /// One after the other, so that what waits in the queue is little.
    mutating func schedule(_ index: Int) {
        guard script.mishaps.indices.contains(index) else { return }
        queue.add(.mishap(index), at: script.mishaps[index].begin)
    }

    mutating func strike(_ index: Int) {
        let mishap = script.mishaps[index]
        schedule(index + 1)
        guard !isHealed else { return }
        // What only the lost hub had heard of these is told to nobody again.
        if scenario.restoresHub, mishap.fault == .visit || mishap.fault == .policy { return }
        let node = mishap.node
        let end = time + mishap.duration
        note("fault: \(mishap.fault.rawValue) at n\(node)")
        if mishap.fault != .request { disturbedAt = max(disturbedAt, end) }
        switch mishap.fault {
        case .agentCrash: crashAgent(node)
        case .nodeReboot: if places[node].isEnrolled { reboot(node) }
        case .hubCrash: crashHub(orderly: true, rest: mishap.duration)
        case .hubReboot: crashHub(orderly: false, rest: mishap.duration)
        case .partition: partition(mishap)
        case .flap: flap(mishap)
        case .sever:
            for session in places[node].sessions {
                sever(session, toHub: mishap.draw % 3 != 0, toNode: mishap.draw % 3 != 1)
            }
        case .stall: for session in places[node].sessions { stall(session, until: end) }
        case .engineLoss: loseEngine(node, until: end, isTold: mishap.draw % 10 < 7)
        case .engineCrash:
            places[node].containers.crash()
            loseEngine(node, until: end, isTold: true)
        case .enginePause:
            places[node].containers.pausedUntil = max(places[node].containers.pausedUntil, end)
        case .nodeDiskFailure: places[node].disk.failsUntil = end
        case .hubDiskFailure: centre.disk.failsUntil = end
        case .nodeDiskSlow: places[node].disk.slowUntil = end
        case .hubDiskSlow: centre.disk.slowUntil = end
        case .wallJump: if scenario.wallJumps { jump(mishap) }
        case .impostor: places[node].impostorUntil = min(horizon, end)
        case .pause:
            places[node].pausedUntil = max(places[node].pausedUntil, min(horizon, end))
        case .request: request(mishap.draw)
        // A hub that was put back has forgotten who was turned away, and both tell it other things.
        case .clone: if !scenario.restoresHub { clone(node) }
        case .hubRestore: restoreHub(mishap)
        case .visit: visit(node, mishap.draw)
        case .policy: applyPolicy(mishap.draw)
        case .loss: places[node].weather.lose(mishap.share, until: end)
        case .latency:
            places[node].weather.delay(by: Double(mishap.delay) / 1_000, until: end)
        case .duplication: places[node].weather.double(mishap.share, until: end)
        case .nodeLoss:
            guard places[node].isEnrolled else { return }
            places[node].offUntil =
                mishap.draw == Mishap.forGood ? .max : max(places[node].offUntil, end)
            reboot(node)
        case .storeLoss: if places[node].isEnrolled { loseStore(node) }
        case .reconnect: reconnect()
        }
    }

    /// One node, or all that share its fate, for up to three days.
    private mutating func partition(_ mishap: Mishap) {
        let direction = mishap.draw % 4
        let isWide = mishap.draw / 4 % 5 == 0
        for index in places.indices where index == mishap.node || isWide {
            cut(
                index, toHub: direction != 0, toNode: direction != 1,
                until: time + mishap.duration)
        }
    }

    /// Cuts that follow each other, as long as the whole lasts: half of the time there is no way.
    private mutating func flap(_ mishap: Mishap) {
        let period = mishap.period * 1_000_000_000
        var begin = time
        while begin < time + mishap.duration {
            queue.add(
                .cutPath(mishap.node, until: begin + period / 2, since: time), at: begin)
            begin += period
        }
    }

    private mutating func loseEngine(_ node: Int, until end: Int64, isTold: Bool) {
        places[node].containers.goneUntil = max(places[node].containers.goneUntil, end)
        if isTold {
            tell(
                node, life: places[node].life,
                .engine(
                    .unavailable(EngineFailure(.engineUnavailable, "the socket was closed"))))
        }
        queue.add(.engine(node, boot: places[node].boot, .recover), at: end + 1_000_000)
    }

    /// Up to three days, forwards or back.
    private mutating func jump(_ mishap: Mishap) {
        if mishap.draw % 2 == 0, mishap.node == 0 {
            centre.clock.jump(by: mishap.jump)
        } else {
            places[mishap.node].clock.jump(by: mishap.jump)
        }
    }

    /// Every path is whole, and whatever is off is switched on.
    private mutating func reconnect() {
        reconnectedAt = time
        for node in places.indices where !places[node].isGone {
            mend(node)
            places[node].weather.clear()
            places[node].impostorUntil = time
            guard places[node].offUntil > time else { continue }
            places[node].offUntil = time
            queue.add(.startAgent(node, life: places[node].life), at: seconds(5))
        }
        if !centre.isUp { queue.add(.startHub(life: centre.life), at: seconds(5)) }
    }

    // MARK: - Death between two effects

    mutating func armCrash() {
        let mean = rates.effectsPerCrash
        effectsLeft = mean > 0 ? 1 + Int(mean * (unit() + unit())) : .max
    }

    mutating func crashesNow() -> Bool {
        guard effectsLeft != .max else { return false }
        effectsLeft -= 1
        guard effectsLeft <= 0 else { return false }
        armCrash()
        return true
    }

    // MARK: - The end of all faults

    mutating func heal() {
        note("all faults end")
        isHealed = true
        rates.heal()
        effectsLeft = .max
        for node in places.indices {
            mend(node)
            places[node].weather.clear()
            if !places[node].isGone { places[node].offUntil = time }
            places[node].disk.failsUntil = time
            places[node].disk.slowUntil = time
            places[node].containers.goneUntil = time
            places[node].containers.pausedUntil = time
            for id in places[node].containers.all.keys {
                places[node].containers.all.update(id) { $0.wellUntil = .max }
            }
            queue.add(.engine(node, boot: places[node].boot, .recover), at: time)
            if !places[node].isUp {
                queue.add(.startAgent(node, life: places[node].life), at: seconds(5))
            }
        }
        // What is dead is noticed sooner once nothing else goes wrong.
        for session in sessions.indices
        where sessions[session].isHalfOpen || sessions[session].isSevered {
            sever(session, toHub: false, toNode: false)
        }
        endRival()
        centre.disk.failsUntil = time
        centre.disk.slowUntil = time
        if !centre.isUp { queue.add(.startHub(life: centre.life), at: seconds(5)) }
        queue.add(.inspect, at: seconds(5))
    }
}

extension Session {
    var isSevered: Bool { isSeveredToHub || isSeveredToNode }
    var isHalfOpen: Bool { (nodeEnd == .closed) != (hubEnd == .closed) }
    var isWhole: Bool { nodeEnd == .open && hubEnd == .open && !isSevered }
}
