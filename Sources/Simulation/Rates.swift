import Model

/// How often what goes wrong, drawn once per seed: each seed tries its own mix, since a fault that
/// is always there hides those that need calm (swarm testing, Groce et al., ISSTA 2012).
struct Rates {
    /// Mean time between two of a kind over the whole fleet, in nanoseconds; nil for never.
    var agentCrash: Int64?
    var nodeReboot: Int64?
    var hubCrash: Int64?
    var hubReboot: Int64?
    var partition: Int64?
    var sever: Int64?
    var stall: Int64?
    var engineLoss: Int64?
    var nodeDiskFailure: Int64?
    var hubDiskFailure: Int64?
    var wallJump: Int64?
    var pause: Int64?
    var request: Int64?
    /// Mean life of a container; nil for no end by itself.
    var containerLife: Int64?
    /// A process dies between two effects once in so many, on average.
    var effectsPerCrash: Double?
    var startFailure: Double
    var pullFailure: Double
    var stopFailure: Double
    var probeFailure: Double
    var sickness: Double
    var lateExit: Double
    var lostExit: Double
    var latency: Int64
    var commit: Int64
    /// Whether the engine still lists containers that ended with the node.
    var engineRemembers: Bool

    init(horizon: Int64, intensity: Double, using random: inout Random) {
        func every(_ count: Double, _ random: inout Random) -> Int64? {
            // One kind in four is absent; the others come up to `count` times.
            guard !random.chance(0.25) else { return nil }
            let times = max(1, count * intensity * Double(1 + random.next() % 100) / 100)
            return Int64(Double(horizon) / times)
        }
        func share(_ limit: Double, _ random: inout Random) -> Double {
            random.chance(0.25) ? 0 : limit * Double(1 + random.next() % 100) / 100
        }
        agentCrash = every(60, &random)
        nodeReboot = every(20, &random)
        hubCrash = every(20, &random)
        hubReboot = every(6, &random)
        partition = every(30, &random)
        sever = every(60, &random)
        stall = every(40, &random)
        engineLoss = every(30, &random)
        nodeDiskFailure = every(12, &random)
        hubDiskFailure = every(6, &random)
        wallJump = every(30, &random)
        pause = every(12, &random)
        request = every(150, &random)
        containerLife = every(10, &random)
        effectsPerCrash =
            random.chance(0.3) ? nil : 100 * Double(1 + random.next() % 20) / intensity
        startFailure = share(0.3, &random)
        pullFailure = share(0.5, &random)
        stopFailure = share(0.3, &random)
        probeFailure = share(0.05, &random)
        sickness = share(0.3, &random)
        lateExit = share(0.4, &random)
        lostExit = share(0.2, &random)
        latency = Int64(1 + random.next() % 200) * 1_000_000
        commit = Int64(1 + random.next() % (random.chance(0.2) ? 2_000 : 20)) * 1_000_000
        engineRemembers = random.chance(0.5)
    }

    /// Faults end: what still varies is only how long good things take.
    mutating func heal() {
        containerLife = nil
        effectsPerCrash = nil
        startFailure = 0
        pullFailure = 0
        stopFailure = 0
        probeFailure = 0
        sickness = 0
        lateExit = 0
        lostExit = 0
        commit = min(commit, 20_000_000)
    }
}
