import Machines
import Model

/// What goes wrong, and the end of it.
extension World {
    mutating func arm(_ fault: Fault) {
        guard let mean = mean(of: fault) else { return }
        queue.add(.fault(fault), at: time + wait(mean: mean))
    }

    private func mean(of fault: Fault) -> Int64? {
        switch fault {
        case .agentCrash: rates.agentCrash
        case .nodeReboot: rates.nodeReboot
        case .hubCrash: rates.hubCrash
        case .hubReboot: rates.hubReboot
        case .partition: rates.partition
        case .sever: rates.sever
        case .stall: rates.stall
        case .engineLoss: rates.engineLoss
        case .nodeDiskFailure: rates.nodeDiskFailure
        case .hubDiskFailure: rates.hubDiskFailure
        case .wallJump: rates.wallJump
        case .pause: rates.pause
        }
    }

    mutating func strike(_ fault: Fault) {
        guard !isHealed else { return }
        arm(fault)
        let node = pick(places.count)
        note("fault: \(fault) at n\(node)")
        switch fault {
        case .agentCrash: crashAgent(node)
        case .nodeReboot: if places[node].isEnrolled { reboot(node) }
        case .hubCrash: crashHub(orderly: true)
        case .hubReboot: crashHub(orderly: false)
        case .partition: partition(from: node)
        case .sever:
            if let latest = places[node].latest {
                let direction = pick(3)
                sever(latest, toHub: direction != 0, toNode: direction != 1)
            }
        case .stall:
            if let latest = places[node].latest { stall(latest, until: time + draw(0.5, 90)) }
        case .engineLoss: loseEngine(node)
        case .nodeDiskFailure: places[node].disk.failsUntil = time + length(of: 600)
        case .hubDiskFailure: centre.disk.failsUntil = time + length(of: 600)
        case .wallJump: jump()
        case .pause: places[node].pausedUntil = min(horizon, time + length(of: 600))
        }
    }

    /// From a second to `longest` seconds, each order of magnitude as likely as the next.
    private mutating func length(of longest: Double) -> Int64 {
        var limit = 2.0
        while limit < longest, random.chance(0.75) { limit *= 2 }
        return draw(1, min(limit, longest))
    }

    /// One node, or all that share its fate, for up to three days.
    private mutating func partition(from node: Int) {
        let end = time + length(of: min(72 * 3_600, scenario.horizon.nanoseconds.seconds))
        let direction = pick(4)
        let isWide = random.chance(0.2)
        for index in places.indices where index == node || isWide {
            cut(index, toHub: direction != 0, toNode: direction != 1, until: end)
        }
    }

    private mutating func loseEngine(_ node: Int) {
        let end = time + length(of: 900)
        places[node].containers.goneUntil = max(places[node].containers.goneUntil, end)
        if random.chance(0.7) {
            tell(
                node, life: places[node].life,
                .engine(
                    .unavailable(EngineFailure(.engineUnavailable, "the socket was closed"))))
        }
        queue.add(.engine(node, boot: places[node].boot, .recover), at: end + 1_000_000)
    }

    private mutating func jump() {
        let index = Int(wallRandom.next() % UInt64(places.count + 1))
        let hours = Double(wallRandom.next() % 145) - 72
        guard scenario.wallJumps else { return }
        let jump = Int64(hours * 3_600_000)
        if index == places.count {
            centre.clock.jump(by: jump)
        } else {
            places[index].clock.jump(by: jump)
        }
    }

    // MARK: - Death between two effects

    mutating func armCrash() {
        guard let mean = rates.effectsPerCrash else {
            effectsLeft = .max
            return
        }
        effectsLeft = 1 + Int(mean * (unit() + unit()))
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
            places[node].disk.failsUntil = time
            places[node].containers.goneUntil = time
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
        centre.disk.failsUntil = time
        if !centre.isUp { queue.add(.startHub(life: centre.life), at: seconds(5)) }
        queue.add(.inspect, at: seconds(5))
    }
}

extension Session {
    var isSevered: Bool { isSeveredToHub || isSeveredToNode }
    var isHalfOpen: Bool { (nodeEnd == .closed) != (hubEnd == .closed) }
    var isWhole: Bool { nodeEnd == .open && hubEnd == .open && !isSevered }
}

extension Int64 {
    fileprivate var seconds: Double { Double(self) / 1e9 }
}
