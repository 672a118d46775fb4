import Model

/// One container under the agent's care: where it stands, and what its probes last said.
struct Unit: Equatable, Sendable {
    enum State: Equatable, Sendable {
        /// Wanted, and free to start once its turn comes.
        case waiting
        /// The intent to start is on its way to disk.
        case recording
        case starting
        case pulling
        case running(since: Instant)
        case backingOff
        /// On its way down, because it is no longer wanted, or to come up again.
        case stopping(restart: Bool)
        /// Its restart policy leaves it ended.
        case ended(Exit)
    }

    let id: ContainerID
    let spec: ContainerSpec
    var state: State = .waiting
    /// The number of its latest run in this life of the agent; tells old answers from new.
    var attempt = 0
    /// When it last changed its state; what the engine saw before then is old.
    var movedAt = Instant(nanoseconds: .min)
    /// Stops that failed, in a row.
    var stopFailures = 0
    /// Failures in a row, for the back-off.
    var failures = 0
    var probes = ProbeProgress()
    /// Ran at least once, in this life of the agent or an earlier one: its next start is a restart.
    var hasRun: Bool
    var handle: String?
    var startedAt: WallTime?
    /// Why the unit is not running, in one word and one sentence.
    var trouble: Trouble?

    struct Trouble: Equatable, Sendable {
        var reason: String
        var message: String
    }

    init(id: ContainerID, spec: ContainerSpec, hasRun: Bool) {
        self.id = id
        self.hasRun = hasRun
        self.spec = spec
    }

    var isRunning: Bool {
        if case .running = state { true } else { false }
    }

    var hasEnded: Bool {
        if case .ended = state { true } else { false }
    }

    var hasFailed: Bool {
        if case .ended(let exit) = state { exit.code != 0 } else { false }
    }

    var isReady: Bool { isRunning && probes.started && probes.ready }

    /// Whether something of it may exist in the engine.
    var mayExist: Bool {
        switch state {
        case .waiting, .recording, .backingOff, .ended, .pulling: false
        case .starting, .running, .stopping: true
        }
    }

    /// Whether waiting longer for it would hold up others for nothing.
    var isSettled: Bool {
        switch state {
        case .running: isReady || failures > 0
        case .backingOff, .ended: true
        case .waiting, .recording, .starting, .pulling, .stopping: false
        }
    }
}

/// What the probes of one start have shown so far.
struct ProbeProgress: Equatable, Sendable {
    var started = true
    var ready = true
    private var failures = Tally()
    private var runs = Tally()

    /// A number for each kind of probe.
    private struct Tally: Equatable, Sendable {
        private var startup = 0
        private var readiness = 0
        private var liveness = 0

        subscript(kind: ProbeKind) -> Int {
            get {
                switch kind {
                case .startup: startup
                case .readiness: readiness
                case .liveness: liveness
                }
            }
            set {
                switch kind {
                case .startup: startup = newValue
                case .readiness: readiness = newValue
                case .liveness: liveness = newValue
                }
            }
        }
    }

    /// What follows from one answer.
    enum Verdict: Equatable, Sendable { case steady, started, readinessChanged, sick }

    init() {}

    init(for probes: Probes) {
        started = probes.startup == nil
        ready = probes.readiness == nil
    }

    /// Takes the answer to one run of `probe`, `age` after the container started.
    ///
    /// Startup is asked eagerly, so what it is allowed is a length of time and not a number of
    /// answers: as long as its runs would have taken at the probe's own pace.
    mutating func take(
        _ outcome: ProbeOutcome, of kind: ProbeKind, _ probe: Probe, age: Duration
    ) -> Verdict {
        runs[kind] += 1
        guard outcome != .passed else {
            failures[kind] = 0
            return passed(kind)
        }
        failures[kind] += 1
        guard failures[kind] >= probe.failureThreshold else { return .steady }
        switch kind {
        case .startup:
            return age < probe.period.duration * probe.failureThreshold ? .steady : .sick
        case .liveness: return .sick
        case .readiness:
            defer { ready = false }
            return ready ? .readinessChanged : .steady
        }
    }

    /// How long to wait for the next run: eagerly while the answer is awaited by people, then at
    /// the probe's own pace.
    func pause(for kind: ProbeKind, period: Duration) -> Duration {
        let awaited = kind == .startup || (kind == .readiness && !ready)
        let pace = max(period, .milliseconds(100))
        guard awaited else { return pace }
        return min(pace, .milliseconds(25 * (1 << min(runs[kind], 6))))
    }

    private mutating func passed(_ kind: ProbeKind) -> Verdict {
        switch kind {
        case .startup:
            defer { started = true }
            return started ? .steady : .started
        case .readiness:
            defer { ready = true }
            return ready ? .steady : .readinessChanged
        case .liveness: return .steady
        }
    }
}

extension Tier {
    /// The wait before the n-th restart in a row: none for the first of Tier 1, then growing to a
    /// cap that keeps important work close at hand and lets the rest cool down.
    func restartDelay(afterFailures failures: Int) -> Duration {
        let (first, cap): (Int64, Int64) =
            switch self {
            case .critical: (0, 30)
            case .reduced: (1, 120)
            case .optional: (2, 300)
            }
        guard failures > 1 else { return .seconds(first) }
        return .seconds(min(cap, max(first, 1) << Int64(min(failures - 2, 16))))
    }
}
