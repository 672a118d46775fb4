import Model

/// How much of what is sent gets lost, from the little that a node sees of it.
struct LossEstimate: Hashable, Sendable {
    /// All members' frames together, the last hundred or so.
    private var received = 0.0
    private var expected = 0.0
    /// What became of the last requests for an answer: a bit each, 1 where none came.
    private var unanswered: UInt8 = 0
    private var asked = 0
    private var unasked = 0
    /// How late frames come that are not lost, where those of most peers do.
    private(set) var lateness = Duration.zero
    /// The loss of this node's frames, as those who should hear them tell.
    private(set) var outward: Double?

    private static let span = 112.0

    /// What a node reckons with: the worst of the three signs.
    var loss: Double { max(inward, max(outward ?? 0, prompt)) }

    var inward: Double {
        // Before anything is known a node reckons with much loss: it costs some bytes for some seconds.
        let doubt = 12 * max(0, 1 - expected / 64)
        return min(1, max(0, 1 - (received + doubt / 2) / max(1, expected + doubt)))
    }

    /// Answers that do not come tell of new loss in two ticks; gaps in numbers take a round of the
    /// ring. One dead peer must not look like it, hence three of four.
    private var prompt: Double {
        let recent = (unanswered & 0b1111).nonzeroBitCount
        guard asked >= 4, recent >= 3 else { return 0 }
        return 1 - (1 - Double(unanswered.nonzeroBitCount) / 8).squareRoot()
    }

    mutating func account(received one: Double, expected gap: Double) {
        received += one
        expected += gap
        if expected > Self.span {
            let keep = Self.span / expected
            received *= keep
            expected *= keep
        }
    }

    mutating func account(answered: Bool) {
        unanswered = unanswered << 1 | (answered ? 0 : 1)
        asked += 1
    }

    /// A pulse that asked for nothing. The memory of unanswered ones fades, or it would last for ever:
    /// who reckons with loss does not ask.
    mutating func fade() {
        unasked += 1
        guard unasked >= 8 else { return }
        unasked = 0
        unanswered <<= 1
    }

    /// Most peers have to be late: one may lie, or be far away. For less than a quarter of a second the
    /// thresholds have room.
    mutating func hear(lateness all: [Duration]) {
        let median = all.isEmpty ? .zero : all.sorted()[(all.count - 1) / 2]
        lateness = median > .milliseconds(250) ? min(median, .seconds(8)) : .zero
    }

    /// The mean of what peers say that they hear of this node.
    mutating func hear(outwardPassed passed: [Double]) {
        guard !passed.isEmpty else { return }
        outward = 1 - passed.reduce(0, +) / Double(passed.count)
    }
}

/// How often a node pulses, and when an age is more than its loss explains.
struct Detector: Hashable, Sendable {
    private let limits: Limits

    init(limits: Limits) { self.limits = limits }

    /// Below this a pulse is answered. Above, an answer is likelier to be wasted than a push.
    static let answersBelow = 0.1

    /// The time between two pulses: bytes a second rise with the loss, from the calm rate to the
    /// stormy one. Answers are paid for by pulsing half as often.
    func tick(loss: Double, frameBytes: Int) -> Duration {
        // One lost in fifty is what any estimate of a good link shows now and then.
        let rise = min(1, max(0, loss - 0.02) / 0.38)
        let rate =
            Double(limits.calmBytesPerSecond)
            + Double(limits.stormyBytesPerSecond - limits.calmBytesPerSecond) * rise
        let cost = Double(frameBytes + limits.overheadBytes)
        let share = loss < Self.answersBelow ? 2.0 : 1.0
        let seconds = min(max(cost * share / rate, 0.05), 5)
        return .nanoseconds(Int64(seconds * 1e9))
    }

    /// The age that a member passes by chance less than once in some hundred hours of a mesh of 24,
    /// for most observers at once; see docs/decisions/mesh.md.
    ///
    /// Two parts: a counter has to leave its member, where each pulse fails with probability `loss`;
    /// and it has to spread, which takes a time in proportion to the logarithm of the members.
    func threshold(
        loss: Double, tick: Duration, mesh: Double, members: Int, lateness: Duration = .zero
    ) -> Duration {
        let tick = Double(tick.nanoseconds) / 1e9
        let answers = loss < Self.answersBelow
        let loss = min(max(loss, 0.005), 0.9)
        // Where most is lost, the loss itself is known less well, and an error costs more.
        let doubt = 1 + max(0, loss - 0.5) * 1.5
        let escape = max(1, doubt * Self.lapses / -logarithm(loss)) * tick / (answers ? 1.5 : 1)
        let passed = max(0.1, 1 - mesh)
        let spread = (logarithm(Double(max(2, members))) + 0.5) * tick / passed / (answers ? 2 : 1)
        let late = Double(lateness.nanoseconds) / 1e9
        let seconds = min(max(escape + spread + tick, 1) + late, Self.thresholdMax)
        return .nanoseconds(Int64(seconds * 1e9))
    }

    /// -ln of the chance of a false view.
    private static let lapses = 16.1
    /// A counter's byte comes round again after 25 s.
    private static let thresholdMax = 20.0
}

/// The natural logarithm, which the standard library leaves to the C library.
func logarithm(_ value: Double) -> Double {
    precondition(value > 0, "there is no logarithm of nothing")
    let exponent = Double(value.exponent)
    let ratio = (value.significand - 1) / (value.significand + 1)
    // ln m = 2 artanh((m-1)/(m+1)); the ratio is below a third, so eight terms give 9 digits.
    var term = ratio
    var sum = 0.0
    for power in stride(from: 1.0, through: 15, by: 2) {
        sum += term / power
        term *= ratio * ratio
    }
    return exponent * 0.693_147_180_559_945 + 2 * sum
}
