import Model

/// What is always there in a run and how bad it is, drawn once per seed: each seed tries its own mix,
/// since a fault that is always there hides those that need calm (swarm testing, Groce et al.,
/// ISSTA 2012).
///
/// Lengths in seconds; zero is never, none or unlimited.
struct Rates: Equatable, Sendable {
    /// Mean life of a container.
    var containerLife = 0.0
    /// A process dies between two effects once in so many, on average.
    var effectsPerCrash = 0.0
    var startFailure = 0.0
    var pullFailure = 0.0
    var stopFailure = 0.0
    var probeFailure = 0.0
    var sickness = 0.0
    var lateExit = 0.0
    var lostExit = 0.0
    /// Lies of an engine: it leaves out what runs, shows what has ended as running, and says that it
    /// stopped what runs on.
    var omission = 0.0
    var falseLife = 0.0
    var falseStop = 0.0
    /// Whether the engine still lists containers that ended with the node.
    var engineRemembers = 0.0
    var latency = 0.0
    /// Of messages: lost and sent again by the stream, or delivered twice.
    var loss = 0.0
    var duplication = 0.0
    /// What a path carries in a second, in bytes.
    var bandwidth = 0.0
    var commit = 0.0
    /// Monotonic clocks run too fast or too slow by up to so many parts per million.
    var drift = 0.0
    /// Logs have less room than there are instances, and have to give up even what matters.
    var shortLogs = 0.0

    /// Each by the name it has in a script.
    static let fields: [(name: String, path: any WritableKeyPath<Rates, Double> & Sendable)] = [
        ("containerLife", \.containerLife), ("effectsPerCrash", \.effectsPerCrash),
        ("startFailure", \.startFailure), ("pullFailure", \.pullFailure),
        ("stopFailure", \.stopFailure), ("probeFailure", \.probeFailure),
        ("sickness", \.sickness), ("lateExit", \.lateExit), ("lostExit", \.lostExit),
        ("omission", \.omission), ("falseLife", \.falseLife), ("falseStop", \.falseStop),
        ("engineRemembers", \.engineRemembers), ("latency", \.latency), ("loss", \.loss),
        ("duplication", \.duplication), ("bandwidth", \.bandwidth), ("commit", \.commit),
        ("drift", \.drift), ("shortLogs", \.shortLogs),
    ]

    init() {}

    init(horizon: Double, intensity: Double, using random: inout Random) {
        func share(_ limit: Double, _ random: inout Random) -> Double {
            // One kind in four is absent.
            random.chance(0.25) ? 0 : limit * random.percent
        }
        containerLife =
            random.chance(0.25) ? 0 : horizon / max(1, 10 * intensity * random.percent)
        effectsPerCrash =
            random.chance(0.3) ? 0 : 100 * Double(1 + random.next() % 20) / intensity
        startFailure = share(0.3, &random)
        pullFailure = share(0.5, &random)
        stopFailure = share(0.3, &random)
        probeFailure = share(0.05, &random)
        sickness = share(0.3, &random)
        lateExit = share(0.4, &random)
        lostExit = share(0.2, &random)
        // A container of which its engine lied once is judged mildly, so half of the engines are
        // honest.
        let isHonest = random.chance(0.5)
        omission = isHonest ? 0 : share(0.1, &random)
        falseLife = isHonest ? 0 : share(0.1, &random)
        falseStop = isHonest ? 0 : share(0.2, &random)
        engineRemembers = random.chance(0.5) ? 1 : 0
        latency = 0.001 * Double(1 + random.next() % 200)
        loss = random.chance(0.5) ? 0 : share(0.45, &random)
        duplication = share(0.1, &random)
        bandwidth = random.chance(0.5) ? 0 : Double(2_000 << (random.next() % 8))
        commit = 0.001 * Double(1 + random.next() % (random.chance(0.2) ? 2_000 : 20))
        drift = share(200, &random)
        shortLogs = random.chance(0.3) ? 1 : 0
    }

    /// Faults end: what still varies is only how long good things take.
    mutating func heal() {
        containerLife = 0
        effectsPerCrash = 0
        startFailure = 0
        pullFailure = 0
        stopFailure = 0
        probeFailure = 0
        sickness = 0
        lateExit = 0
        lostExit = 0
        omission = 0
        falseLife = 0
        falseStop = 0
        loss = 0
        duplication = 0
        bandwidth = 0
        commit = min(commit, 0.02)
    }
}

extension Random {
    /// From 0.01 to 1.
    var percent: Double { mutating get { Double(1 + next() % 100) / 100 } }
}
