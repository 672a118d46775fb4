import Machines
import Membership
import Model

/// A hub, its nodes and everything between them, on one virtual clock.
///
/// Equal scenarios and seeds give equal runs: one queue, no time but its own, and separate sources
/// of chance for separate concerns, so that one more draw here changes nothing there.
struct World {
    let scenario: Scenario
    let script: Script
    let agentLimits: AgentLimits
    let hubLimits: HubLimits
    let horizon: Int64
    let tracedFrom: Int64
    let trace: ((Duration, String) -> Void)?

    var time: Int64 = 0
    var queue: EventQueue<Occurrence> = EventQueue()
    var chronicle = Chronicle()
    var random: Random
    var rates: Rates
    var places: [Place]
    var centre: Centre
    var sessions: [Session] = []
    var ledger = Ledger()
    var counts = Report.Counts()
    /// What people at nodes were refused.
    var refusals: [String] = []
    /// Every policy that people signed, rising by version.
    var signed: [PolicyBundle] = []
    var failure: Report.Failure?
    var returns: Returns?
    /// When a container of each workload that came later was first ordered to start.
    var firstStarts: Table<WorkloadID, Duration> = Table()
    /// The hub that a restored one took the place of, while it still runs, and how many there were.
    var rival: Rival?
    var rivals = 0
    /// When the hub's machine is through with the handshakes that it has begun.
    var acceptsAt: Int64 = 0

    var isHealed = false
    /// When somebody last mended every path.
    var reconnectedAt: Int64 = -1
    var convergedAt: Int64?
    /// The last look found a difference after all had agreed.
    var isDoubtful = false
    /// Effects until a process dies between two of them.
    var effectsLeft = Int.max
    /// Until then something goes wrong that may keep nodes and hub apart.
    var disturbedAt: Int64 = 0
    var wakeVersion: UInt64 = 0
    /// Looks on from time to time, and changes nothing.
    var watcher: (any Watcher)?
    /// The meshes of all sites; nil where there are none.
    var meshes: Meshes?
    // Kept between inputs for their room.
    var agentEffects: [Agent.Effect] = []
    var hubEffects: [Hub.Effect] = []

    init(
        script: Script, scenario: Scenario, tracedFrom: Int64,
        trace: ((Duration, String) -> Void)?
    ) {
        self.scenario = scenario
        self.script = script
        self.tracedFrom = tracedFrom
        self.trace = trace
        horizon = script.horizon * 1_000_000
        random = Random(seed: script.seed)
        rates = script.rates
        var limits = scenario.isSettled ? AgentLimits.production : AgentLimits.tight
        limits.audit = .seconds(60)
        if rates.shortLogs > 0 { limits.logEntries = 12 }
        agentLimits = limits
        hubLimits = scenario.isSettled ? .production : .tight
        places = []
        meshes = scenario.localLinks.map { Meshes($0, seed: script.seed) }
        for index in 0..<script.nodes {
            let member =
                scenario.cast?.nodes[index]
                ?? Cast.Member(
                    node: NodeID("n\(index)"), site: SiteID("s\(index % scenario.sites)"))
            places.append(
                Place(
                    id: member.node, site: member.site, drift: rates.drift, random: &random,
                    limits: limits))
            places[index].configuration.machine = UInt64(index + 1)
        }
        centre = Centre(
            eventCap: hubLimits.events, clock: Clock(drift: rates.drift, using: &random))
    }

    var report: Report {
        var counts = counts
        counts.events = chronicle.events
        counts.certificates = places.reduce(0) { $0 + $1.papers.made }
        var returns = returns
        returns?.starts += counts.starts
        returns?.stops += counts.stops
        return Report(
            seed: script.seed, hash: chronicle.hash, failure: failure, time: .nanoseconds(time),
            convergence: convergedAt.map { .nanoseconds($0 - horizon) }, counts: counts,
            leastCertificates: places.map(\.papers.made).min() ?? 0, returns: returns)
    }

    mutating func run() {
        centre.store.apply(.epoch(World.epoch))
        if scenario.isSettled { settleFleet() }
        startHub()
        if !scenario.isSettled {
            for index in places.indices { queue.add(.enrol(index), at: seconds(1)) }
        }
        armCrash()
        schedule(0)
        for (index, change) in (scenario.cast?.changes ?? []).enumerated() {
            queue.add(.change(index), at: change.at.nanoseconds)
        }
        while failure == nil, let next = queue.nextTime {
            if !isHealed, next >= horizon {
                time = horizon
                heal()
                continue
            }
            let due = queue.next()
            time = next
            switch due {
            case .wake(let node, let wish, let order): wake(node, wish: wish, order: order)
            case .occurrence(let occurrence): happen(occurrence)
            case nil: break
            }
            if let watcher, watcher.isDue(time) { watcher.look(self) }
            if let convergedAt, time > convergedAt + World.calm { break }
        }
    }

    private mutating func happen(_ occurrence: Occurrence) {
        switch occurrence {
        case .tellAgent(let node, let life, let input): tell(node, life: life, input)
        case .wakeHub(let life, let reason, let version):
            guard centre.wakes[reason] == version else { return }
            tellHub(life: life, .wake(reason))
        case .tellHub(let life, let input): tellHub(life: life, input)
        case .nodeCommit(let node, let life): commit(node, life: life)
        case .hubCommit(let life): commitHub(life: life)
        case .startAgent(let node, let life):
            if places[node].life == life { startAgent(node) }
        case .startHub(let life): if centre.life == life, !centre.isUp { startHub() }
        case .knock(let node, let life, let attempt): knock(node, life: life, attempt: attempt)
        case .accept(let node, let life, let attempt):
            accept(node, life: life, attempt: attempt)
        case .failAttempt(let node, let life, let attempt, let reason):
            failAttempt(node, life: life, attempt: attempt, reason)
        case .endRival(let life): endRival(life: life)
        case .impostor(let node, let attempt, let message):
            hearImpostor(node, attempt: attempt, message)
        case .link(let session, let step): take(step, on: session)
        case .cutPath(let node, let end, let since):
            if !isHealed, since > reconnectedAt { cut(node, toHub: true, toNode: true, until: end) }
        case .mendPath(let node, let cut): if places[node].cut == cut { mend(node) }
        case .meshTimer(let node, let turn):
            if places[node].neighbour.turn == turn { give(.timer, toMeshOf: node) }
        case .meshDatagram(let from, let to, let bytes): hearGossip(bytes, from: from, at: to)
        case .claimDatagram(let from, let to, let bytes): hearClaims(bytes, from: from, at: to)
        case .meshPaper(let node, let life, let paper): keep(paper, at: node, life: life)
        case .engine(let node, let boot, let step):
            if places[node].boot == boot { take(step, at: node) }
        case .mishap(let index): strike(index)
        case .change(let index): applyChange(index)
        case .enrol(let node): enrol(node)
        case .inspectClone(let node): inspectClone(node)
        case .settle: settleConflicts()
        case .inspect: inspect()
        }
    }

    // MARK: - Chance

    func seconds(_ count: Double) -> Int64 { time + Int64(count * 1e9) }

    /// Uniform between two lengths in seconds.
    mutating func draw(_ low: Double, _ high: Double) -> Int64 {
        Int64((low + (high - low) * unit()) * 1e9)
    }

    mutating func unit() -> Double { random.unit }

    mutating func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    mutating func latency() -> Int64 { Int64(rates.latency * (0.5 + unit()) * 1e9) }

    // MARK: - What is known to be wrong

    mutating func violate(_ invariant: Invariant, _ message: String) {
        guard failure == nil else { return }
        failure = Report.Failure(
            invariant: invariant, time: .nanoseconds(time), message: message)
        note("\(invariant.rawValue) violated: \(failure?.message ?? "")")
    }

    func note(_ line: @autoclosure () -> String) {
        guard let trace, time >= tracedFrom else { return }
        trace(.nanoseconds(time), line())
    }

    /// How long nothing may change once all agree.
    static let calm: Int64 = 120_000_000_000
}
