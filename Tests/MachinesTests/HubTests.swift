import Machines
import Model
import Simulation
import Testing

/// A hub on a bench: time moves by hand, and its store is as quick or as slow as the test says.
struct HubBench {
    private(set) var hub: Hub
    /// What the store held at start.
    let begin: HubSnapshot
    var now = Moment(
        monotonic: .seconds(1_000), wall: WallTime(milliseconds: 1_760_000_000_000))
    private(set) var latest: [Hub.Effect] = []
    private(set) var owed: [(Ticket, [HubWrite])] = []
    private(set) var stored: [HubWrite] = []
    var storeIsQuick = true
    private var requests: UInt64 = 0

    init(
        snapshot: HubSnapshot = HubSnapshot(), limits: HubLimits = .production,
        policyKeys: [TrustedKey] = [], at now: Moment? = nil, isCopy: Bool = false
    ) {
        begin = snapshot
        if let now { self.now = now }
        hub = Hub(snapshot: snapshot, policyKeys: policyKeys, limits: limits)
        var effects: [Hub.Effect] = []
        hub.start(at: self.now, isCopy: isCopy, into: &effects)
        collect(effects)
        while !owed.isEmpty { answerStore() }
    }

    @discardableResult
    mutating func tell(_ input: Hub.Input) -> [Hub.Effect] {
        latest = []
        step(input)
        while storeIsQuick, !owed.isEmpty { answerStore() }
        return latest
    }

    mutating func answerStore() {
        let (ticket, writes) = owed.removeFirst()
        stored += writes
        step(.persisted(ticket))
    }

    mutating func pass(_ duration: Duration) {
        now.monotonic = now.monotonic + duration
        now.wall = now.wall + duration
    }

    private mutating func step(_ input: Hub.Input) {
        var effects: [Hub.Effect] = []
        hub.handle(input, at: now, into: &effects)
        collect(effects)
    }

    private mutating func collect(_ effects: [Hub.Effect]) {
        latest += effects
        for case .persist(let ticket, let writes) in effects { owed.append((ticket, writes)) }
    }

    /// Asks, and answers what the hub said at once, if it did.
    @discardableResult
    mutating func ask(_ request: Hub.Request) -> Hub.Reply? {
        requests += 1
        tell(.request(RequestID(number: requests), request))
        return replies.last
    }

    var replies: [Hub.Reply] {
        latest.compactMap { if case .reply(_, let reply) = $0 { reply } else { nil } }
    }
    func sent(on session: SessionID) -> [HubMessage] {
        latest.compactMap {
            if case .send(session, let message) = $0 { message } else { nil }
        }
    }

    mutating func enrol(_ node: NodeID = "n1", at site: SiteID = "urban") {
        ask(
            .apply(
                [.site(Site(metadata: Metadata(name: site.text), spec: SiteSpec()))], dryRun: false)
        )
        ask(
            .issue(
                JoinToken(
                    id: node.text, secretDigest: "d", site: site,
                    expiresAt: now.wall + .seconds(3_600))))
        ask(.enrol(tokenID: node.text, secretDigest: "d", node: node, site: nil))
    }

    @discardableResult
    mutating func greet(
        _ session: UInt64 = 1, node: NodeID = "n1", applied: UInt64 = 0, taken: UInt64? = nil,
        logHead: UInt64? = nil, epoch: UInt64 = 1, run: UInt64? = nil, follows: UInt64? = nil,
        boot: UInt64? = nil, machine: UInt64? = nil, device: String? = nil, keys: KeyHand? = nil,
        mesh: MeshContact? = nil, secretsKey: String? = nil
    ) -> [Hub.Effect] {
        let session = SessionID(rawValue: session)
        tell(.opened(session, node, device: device))
        return tell(
            .received(
                session,
                .hello(
                    Hello(
                        node: node, site: "urban", agentVersion: "0.1.0",
                        capacity: Capacity(
                            cpu: CPUShare(millicores: 1_000), memory: ByteCount(1 << 30)),
                        engine: nil, appliedRevision: applied, takenRevision: taken, epoch: epoch,
                        logHead: logHead, run: run, follows: follows, boot: boot, machine: machine,
                        keys: keys, mesh: mesh, secretsKey: secretsKey))))
    }

    /// A node says that it runs an instance.
    mutating func report(
        _ id: InstanceID, on node: NodeID, session: UInt64, sequence: UInt64, ready: Bool = true,
        startedAt: WallTime? = nil
    ) {
        let status = InstanceStatus(
            id: id, node: node, site: "urban", tier: .critical, observedGeneration: 1,
            phase: .running, ready: ready, restarts: 0, startedAt: startedAt ?? now.wall,
            ports: [:], reason: "", message: "", observedAt: now.wall)
        let entry = LogEntry(sequence: sequence, at: now.wall, body: .instance(status))
        tell(.received(SessionID(rawValue: session), .entries([entry])))
    }

    /// What the store holds, by its own rules.
    var disk: HubSnapshot {
        var disk = Simulation.HubStore(eventCap: 100)
        for write in stored { disk.apply(write) }
        return disk.load()
    }

    /// The copies of a workload that the newest durable document gives to a node.
    func assignment(of workload: WorkloadID, to node: NodeID) -> Assignment? {
        let state = disk.nodes.first { $0.node.metadata.name == node.text }
        guard
            case .assignment(let assignment) = state?.documents.last(where: {
                $0.key == .assignment(workload)
            })?.content
        else { return nil }
        return assignment
    }

    /// The hub that starts from what this one made durable.
    func restarted() -> HubBench {
        var again = HubBench(snapshot: disk, at: now)
        again.stored = stored + again.stored
        return again
    }
}

let first = SessionID(rawValue: 1)

func entry(_ sequence: UInt64, node: NodeID = "n1") -> LogEntry {
    LogEntry(
        sequence: sequence, at: WallTime(milliseconds: 0),
        body: .event(
            Event(
                at: WallTime(milliseconds: 0), node: node, reason: "Started", kind: .instance,
                name: "web-0", message: "")))
}

@Suite struct HubTests {
    @Test func `what is made anew under an old name counts on, also after a restart`() {
        func generation(in bench: HubBench) -> UInt64? {
            bench.hub.objects(.workload, at: bench.now.wall).first?.metadata.generation
        }
        var bench = HubBench()
        bench.ask(.apply([.workload(web())], dryRun: false))
        bench.ask(.apply([.workload(web(command: "serve v2"))], dryRun: false))
        #expect(generation(in: bench) == 2)
        bench.ask(.delete(.workload, name: "web"))
        #expect(bench.stored.contains(.generationFloor(2)))

        var later = HubBench(snapshot: HubSnapshot(generationFloor: 2))
        later.ask(.apply([.workload(web())], dryRun: false))
        #expect(generation(in: later) == 3)
    }

    @Test func `an applied workload reaches the node it was placed on`() {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        #expect(
            bench.ask(.apply([.workload(web())], dryRun: false))
                == .applied([ApplyResult(kind: .workload, name: "web", outcome: .created)]))

        let documents = bench.sent(on: first).flatMap { message -> [Document] in
            if case .documents(let documents, _) = message { documents } else { [] }
        }
        #expect(documents.map(\.key) == [.assignment("web")])
    }

    @Test func `a node gets what it lacks, and its log is acknowledged once durable`() {
        var bench = HubBench()
        bench.enrol()
        let told = bench.greet()
        #expect(
            told.contains {
                if case .send(first, .welcome) = $0 { true } else { false }
            })
        bench.storeIsQuick = false
        bench.tell(.received(first, .entries([entry(1), entry(2)])))
        #expect(bench.sent(on: first).isEmpty)
        while !bench.owed.isEmpty { bench.answerStore() }
        #expect(bench.sent(on: first).contains(.acknowledged(sequence: 2)))
    }

    @Test func `a welcome acknowledges only what is durable`() {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        bench.storeIsQuick = false
        bench.tell(.received(first, .entries([entry(1), entry(2)])))
        bench.tell(.closed(first))

        bench.greet(2)
        guard case .welcome(let welcome) = bench.sent(on: SessionID(rawValue: 2)).first else {
            Issue.record("expected a welcome, got \(bench.latest)")
            return
        }
        #expect(welcome.acknowledged == 0)
    }

    @Test func `an answer that changed nothing waits for the change before it`() {
        var bench = HubBench()
        bench.storeIsQuick = false
        let site = Object.site(Site(metadata: Metadata(name: "urban"), spec: SiteSpec()))
        bench.ask(.apply([site], dryRun: false))
        bench.ask(.apply([site], dryRun: false))
        #expect(bench.replies.isEmpty)

        while !bench.owed.isEmpty { bench.answerStore() }
        #expect(bench.replies.count == 2)
    }

    @Test func `a change on its way to disk does not hide an older document from its node`() {
        var bench = HubBench()
        bench.enrol()
        bench.ask(.apply([.workload(web())], dryRun: false))
        bench.storeIsQuick = false
        bench.ask(.apply([.workload(web(command: "other"))], dryRun: false))
        bench.ask(.edit(.node, name: "n1", .cordon(true)))

        bench.greet()
        for case .documents(let documents, let through) in bench.sent(on: first) {
            let isWhole = documents.contains { $0.key == .assignment("web") }
            #expect(isWhole || through < 3)
        }
        while !bench.owed.isEmpty { bench.answerStore() }
        let got = bench.sent(on: first).flatMap { message -> [Document] in
            if case .documents(let documents, _) = message { documents } else { [] }
        }
        #expect(got.contains { $0.key == .assignment("web") })
    }

    @Test(arguments: [(UInt64(0), UInt64(2)), (2, 3)])
    func `a node that lost its store is read from the begin again`(applied: UInt64, head: UInt64) {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        bench.tell(.received(first, .applied(revision: 2)))
        let gone = InstanceID(workload: "web", ordinal: 0)
        let kept = InstanceID(workload: "web", ordinal: 1)
        bench.report(gone, on: "n1", session: 1, sequence: 9)

        bench.greet(2, applied: applied, logHead: head)
        let welcomes = bench.sent(on: SessionID(rawValue: 2)).compactMap { message -> UInt64? in
            if case .welcome(let welcome) = message { welcome.acknowledged } else { nil }
        }
        #expect(welcomes == [0])
        #expect(bench.hub.eventLog.contains { $0.reason == "StoreLost" })
        // Its numbers begin anew, and what it does not tell again is gone, also after a restart.
        bench.report(kept, on: "n1", session: 2, sequence: 1)
        for hub in [bench.hub, bench.restarted().hub] {
            let seen = hub.objects(.instance, at: bench.now.wall).map(\.metadata.name)
            #expect(seen == [kept.description])
        }
    }

    @Test func `a copy of a greeting takes nothing back`() {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        bench.tell(.received(first, .applied(revision: 2)))
        let hello = Hello(
            node: "n1", site: "urban", agentVersion: "0.1.0",
            capacity: Capacity(cpu: CPUShare(millicores: 1_000), memory: ByteCount(1 << 30)),
            engine: nil, appliedRevision: 0, epoch: 1, logHead: 0)
        bench.tell(.received(first, .hello(hello)))
        #expect(!bench.hub.eventLog.contains { $0.reason == "StoreLost" })
    }

    @Test func `a deleted node leaves nothing to the next of its name`() {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        bench.storeIsQuick = false
        for command in ["a", "b", "c"] {
            bench.ask(.apply([.workload(web(command: command))], dryRun: false))
        }
        bench.ask(.delete(.node, name: "n1"))
        #expect(bench.latest.contains(.close(first)))
        bench.ask(
            .issue(
                JoinToken(
                    id: "again", secretDigest: "d", site: "urban",
                    expiresAt: bench.now.wall + .seconds(3_600))))
        bench.ask(.enrol(tokenID: "again", secretDigest: "d", node: "n1", site: nil))
        bench.greet(2)

        // The write that was under way ends; nothing of the new node is durable yet.
        bench.answerStore()
        for case .documents in bench.sent(on: SessionID(rawValue: 2)) {
            Issue.record("a document was sent before it was durable")
        }
    }

    @Test func `a node speaks only for itself`() {
        var bench = HubBench()
        bench.enrol()
        bench.enrol("n2")
        bench.greet()
        let status = InstanceStatus(
            id: InstanceID(workload: "web", ordinal: 0), node: "n2", site: "moon",
            tier: .critical, observedGeneration: 1, phase: .running, ready: true, restarts: 0,
            startedAt: nil, ports: [:], reason: "", message: "",
            observedAt: WallTime(milliseconds: 0))
        bench.tell(
            .received(
                first,
                .entries([
                    LogEntry(
                        sequence: 1, at: WallTime(milliseconds: 0), body: .instance(status)),
                    entry(2, node: "n2"),
                ])))

        let shown = bench.hub.objects(.instance, at: bench.now.wall)
        guard case .instance(let instance) = shown.first else {
            Issue.record("expected one instance, got \(shown)")
            return
        }
        #expect(instance.status.node == "n1")
        #expect(instance.status.site == "urban")
        #expect(bench.hub.eventLog.last?.node == "n1")
    }

    @Test func `impossible numbers of replicas are mistakes`() {
        var bench = HubBench()
        bench.enrol()
        for count in [-1, Int.max] {
            guard
                case .refused(let refusal)? = bench.ask(
                    .apply([.workload(web(replicas: .count(count)))], dryRun: false))
            else {
                Issue.record("\(count) replicas were taken")
                continue
            }
            #expect(refusal.mistakes.map(\.field) == ["spec.replicas"])
        }
    }

    @Test func `a full hub still takes changes of what it holds`() {
        var limits = HubLimits.tight
        limits.objects = 2
        var bench = HubBench(limits: limits)
        bench.enrol()
        bench.ask(.apply([.workload(web())], dryRun: false))
        #expect(
            bench.ask(.apply([.workload(web(command: "other"))], dryRun: false))
                == .applied([ApplyResult(kind: .workload, name: "web", outcome: .configured)]))
    }

    @Test func `a session that went quiet is closed, and nothing moves`() {
        var bench = HubBench()
        bench.enrol()
        bench.enrol("n2")
        bench.ask(.apply([.workload(web())], dryRun: false))
        bench.greet()
        bench.pass(.seconds(46))

        let effects = bench.tell(.wake(.sweep))
        #expect(effects.contains(.close(first)))
        #expect(bench.hub.session(of: "n1") == nil)
        for case .persist(_, let writes) in effects {
            let moves = writes.contains { if case .placement = $0 { true } else { false } }
            #expect(!moves)
        }
    }

    @Test func `a greeting that comes late does not end the newer session`() {
        var bench = HubBench()
        bench.enrol()
        bench.tell(.opened(SessionID(rawValue: 1), "n1"))
        bench.greet(2)

        bench.greet(1)
        #expect(bench.latest.contains(.close(SessionID(rawValue: 1))))
        #expect(!bench.latest.contains(.close(SessionID(rawValue: 2))))
        #expect(bench.hub.session(of: "n1") == SessionID(rawValue: 2))
    }

    @Test func `a token is spent once, and its node may ask again until it was seen`() {
        var bench = HubBench()
        bench.enrol()
        #expect(
            bench.ask(.enrol(tokenID: "n1", secretDigest: "d", node: "n1", site: nil))
                == .enrolled("n1", "urban", life: .seconds(96 * 3600)))
        guard
            case .refused(let refusal)? = bench.ask(
                .enrol(tokenID: "n1", secretDigest: "d", node: "n2", site: nil))
        else {
            Issue.record("a spent token was taken")
            return
        }
        #expect(refusal.code == .denied)
    }

    @Test func `a store that cannot write refuses changes and says so`() {
        var bench = HubBench()
        bench.enrol()
        bench.tell(.storeFailing(reason: "no space"))
        guard
            case .refused(let refusal)? = bench.ask(.delete(.node, name: "n1"))
        else {
            Issue.record("a change was taken that cannot be kept")
            return
        }
        #expect(refusal.code == .unavailable)
    }

    @Test func `what waits for a store that cannot write stays within bounds`() {
        var bench = HubBench(limits: .tight)
        bench.enrol()
        bench.greet()
        bench.storeIsQuick = false
        for sequence in 1...1_000 {
            bench.tell(.received(first, .entries([entry(UInt64(sequence))])))
        }
        bench.tell(.closed(first))
        #expect(bench.owed.count == 1)
        bench.answerStore()
        #expect(bench.owed.allSatisfy { $0.1.count <= HubLimits.tight.writes * 2 })
    }
}
