import Authority
import Machines
import Model
import Testing

@Suite struct AgentTests {
    @Test func `an empty node asks its engine, then its hub, and starts what it is assigned`() {
        var bench = AgentBench()
        #expect(bench.latest.prefix(3) == [.list, .issue(.local), .connect])

        bench.list()
        bench.join([assigned(web())])

        #expect(bench.starts.map(\.id) == [webMain])
        #expect(bench.sent.contains(.applied(revision: 1)))
    }

    @Test func `a container starts only once its record is durable`() {
        var bench = AgentBench()
        bench.list()
        bench.join()
        bench.storeIsQuick = false

        bench.deliver([assigned(web())], from: 1)
        #expect(bench.starts.isEmpty)
        while !bench.owed.isEmpty {
            let isRecorded = bench.stored.contains {
                if case .instance = $0 { true } else { false }
            }
            #expect(bench.starts.isEmpty || isRecorded)
            bench.answerStore()
        }
        #expect(bench.starts.count == 1)
    }

    @Test func `a probe makes an instance ready, an exit makes it wait as its tier says`() {
        var bench = AgentBench()
        let probe = Probe(tcp: TCPProbe(port: "http"))
        bench.list()
        bench.join([
            assigned(web(probes: Probes(readiness: probe), ports: [PortSpec(name: "http")]))
        ])
        bench.started(webMain)
        #expect(bench.status?.phase == .running)
        #expect(bench.status?.ready == false)

        bench.pass(.milliseconds(25))
        let asked = bench.tell(.wake(.probe(webMain, .readiness)))
        guard case .probe(let id, .tcp(port: 20_000), _) = asked.first else {
            Issue.record("expected a probe of port 20000, got \(asked)")
            return
        }
        bench.tell(.engine(.probed(id, .passed)))
        #expect(bench.status?.ready == true)

        bench.pass(.seconds(60))
        bench.tell(.engine(.exited(webMain, handle: "a", Exit(code: 1))))
        #expect(bench.wakes(for: .restart(webMain)) == [bench.now.monotonic])
        #expect(bench.status?.ready == false)

        bench.tell(.wake(.restart(webMain)))
        #expect(bench.starts.map(\.id) == [webMain])
        #expect(bench.status?.restarts == 1)
    }

    @Test func `loss of the hub stops and starts nothing`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        bench.started(webMain)

        bench.tell(.linkDown(reason: "reset"))
        #expect(bench.stops.isEmpty && bench.starts.isEmpty)
        bench.tell(.wake(.reconnect))
        bench.join()
        #expect(bench.stops.isEmpty && bench.starts.isEmpty)
    }

    @Test func `an agent that comes back adopts what runs and restarts nothing`() {
        var bench = AgentBench(snapshot: snapshot(of: web()))
        bench.list([observed(webMain)])

        #expect(bench.starts.isEmpty && bench.stops.isEmpty)
        #expect(bench.status?.phase == .running)
    }

    @Test func `what ended while no agent looked is judged by its own tier and policy`() {
        var critical = AgentBench(snapshot: snapshot(of: web(tier: .critical)))
        critical.list([observed(webMain, state: .exited(Exit(code: 1)))])
        #expect(critical.wakes(for: .restart(webMain)) == [critical.now.monotonic])

        var once = AgentBench(snapshot: snapshot(of: web(restart: .never)))
        once.list([observed(webMain, state: .exited(Exit(code: 0)))])
        #expect(once.wakes(for: .restart(webMain)).isEmpty)
        #expect(once.status?.phase == .succeeded)
    }

    @Test func `a document takes no effect before it is durable`() {
        var bench = AgentBench(snapshot: snapshot(of: web()))
        bench.join()
        bench.storeIsQuick = false
        bench.deliver([assigned(web(command: "other", generation: 2))], from: 2)

        // The first answer of the engine comes while the document is on its way to disk.
        bench.list([observed(webMain)])
        #expect(bench.stops.isEmpty)

        while !bench.owed.isEmpty { bench.answerStore() }
        #expect(bench.stops == [webMain])
    }

    @Test func `a container starts as its durable record says, whatever was decided since`() {
        var bench = AgentBench()
        bench.list()
        bench.join()
        bench.storeIsQuick = false
        bench.deliver([assigned(web())], from: 1)
        bench.answerStore()  // the document; the record is under way
        bench.deliver([.deleted], from: 2)
        bench.deliver([assigned(web(command: "other"))], from: 3)

        while !bench.owed.isEmpty {
            let records = bench.stored.compactMap {
                if case .instance(let record) = $0 { record.containers } else { nil }
            }
            for start in bench.starts { #expect(records.last == [start.spec]) }
            bench.answerStore()
        }
        #expect(bench.starts.map(\.spec.command) == [["serve"]])
        bench.storeIsQuick = true
        bench.tell(.engine(.startFailed(webMain, EngineFailure(.refused, "no"))))
        bench.tell(.engine(.stopped(webMain)))
        #expect(bench.starts.map(\.spec.command) == [["other"]])
    }

    @Test
    func `an outdated container is stopped before its successor starts, whatever is listed first`()
    {
        var first = web(tier: .critical)
        first.metadata.name = "first"
        let firstMain = ContainerID(
            instance: InstanceID(workload: "first", ordinal: 0), name: "main")
        var state = snapshot(of: web(command: "new", generation: 2))
        state.documents.append(
            Document(key: .assignment("first"), revision: 1, content: assigned(first)))
        state.instances = [
            InstanceRecord(
                id: firstMain.instance, generation: 1, containers: first.spec.containers,
                ports: [:]),
            InstanceRecord(
                id: webMain.instance, generation: 1, containers: web().spec.containers, ports: [:]),
        ]
        var bench = AgentBench(snapshot: state)

        bench.list([observed(firstMain), observed(webMain)])
        #expect(bench.starts.isEmpty)
        #expect(bench.stops == [webMain])
    }

    @Test func `a stray of the same name is gone before an instance starts in its place`() {
        var bench = AgentBench()
        bench.list([observed(webMain, generation: 7)])
        #expect(bench.stops == [webMain])
        bench.join([assigned(web())])
        #expect(bench.starts.isEmpty)

        #expect(bench.stops.isEmpty)
        bench.tell(.engine(.stopFailed(webMain, EngineFailure(.refused, "busy"))))
        #expect(bench.starts.isEmpty)
        bench.tell(.wake(.restart(webMain)))
        #expect(bench.stops == [webMain])
        bench.tell(.engine(.stopped(webMain)))
        #expect(bench.starts.map(\.id) == [webMain])
    }

    /// A hub gave the number to one document, a person at the node to another before the node lost
    /// its store.
    @Test func `what was made of another document of the same generation makes room`() {
        var bench = AgentBench()
        bench.join([assigned(web())])
        var container = observed(webMain)
        container.edition.digest =
            InstanceRecord(
                id: webMain.instance, generation: 1,
                containers: web(command: "changed here").spec.containers, ports: [:]
            ).edition.digest
        bench.list([container])
        #expect(bench.stops == [webMain])
        bench.tell(.engine(.stopped(webMain)))
        #expect(bench.starts.map(\.spec.command) == [["serve"]])
    }

    @Test func `what was made of the same document is taken over without a record of it`() {
        var bench = AgentBench()
        bench.join([assigned(web())])
        var container = observed(webMain)
        container.edition =
            InstanceRecord(
                id: webMain.instance, generation: 1, containers: web().spec.containers, ports: [:]
            ).edition
        bench.list([container])
        #expect(bench.stops.isEmpty)
        #expect(bench.starts.isEmpty)
        #expect(bench.status?.phase == .running)
    }

    @Test func `what has ended is not stopped before its successor starts`() {
        var state = snapshot(of: web(command: "new", generation: 2))
        state.instances[0].generation = 2
        var bench = AgentBench(snapshot: state)
        bench.list([observed(webMain, generation: 1, state: .exited(Exit(code: 1)))])
        #expect(bench.stops.isEmpty)
        #expect(bench.starts.map(\.edition.generation) == [2])
    }

    @Test func `an old list does not bring back what ended meanwhile`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        bench.started(webMain)
        bench.pass(.seconds(60))
        bench.tell(.wake(.audit))
        bench.pass(.milliseconds(10))
        bench.tell(.engine(.exited(webMain, handle: "a", Exit(code: 1))))

        bench.list([observed(webMain)])

        #expect(bench.status?.phase != .running)
        bench.tell(.wake(.restart(webMain)))
        #expect(bench.starts.map(\.id) == [webMain])
    }

    @Test func `an audit finds what ended unseen`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        bench.started(webMain)
        bench.pass(.seconds(60))
        bench.tell(.wake(.audit))
        bench.list()

        #expect(bench.wakes(for: .restart(webMain)) == [bench.now.monotonic])
    }

    @Test func `a container that changed hands unseen is followed, not forgotten`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        bench.started(webMain, handle: "a")
        bench.pass(.seconds(60))
        bench.tell(.wake(.audit))
        bench.list([observed(webMain, handle: "b")])

        bench.tell(.engine(.exited(webMain, handle: "b", Exit(code: 1))))
        #expect(bench.wakes(for: .restart(webMain)) == [bench.now.monotonic])
    }

    @Test func `a stop that fails is tried again later and later, not at once`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        bench.started(webMain)
        bench.deliver([.deleted], from: 2)
        #expect(bench.stops == [webMain])

        var waits: [Duration] = []
        for _ in 0..<7 {
            bench.tell(.engine(.stopFailed(webMain, EngineFailure(.engineUnavailable, "gone"))))
            #expect(bench.stops.isEmpty)
            guard let time = bench.wakes(for: .restart(webMain)).first else { break }
            waits.append(time - bench.now.monotonic)
            bench.pass(time - bench.now.monotonic)
            bench.tell(.wake(.restart(webMain)))
            #expect(bench.stops == [webMain])
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
    }

    @Test func `a deleted workload is stopped with the grace it asked for`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web(stopGrace: .seconds(40)))])
        bench.started(webMain)

        #expect(
            orders(in: bench.deliver([.deleted], from: 2)) == [
                .stop(webMain, grace: .seconds(40))
            ])
    }

    @Test func `a node that is asked to come back later does not come sooner`() {
        var bench = AgentBench()
        bench.list()
        bench.tell(.linkUp)
        bench.tell(.received(.retry(after: .seconds(30), reason: "too many at once")))

        let times = bench.wakes(for: .reconnect)
        #expect(times.count == 1)
        #expect(times.allSatisfy { $0 >= bench.now.monotonic + .seconds(30) })
    }

    @Test func `a hub of a lower epoch is refused`() {
        var bench = AgentBench()
        bench.list()
        bench.join(epoch: 3)
        bench.tell(.linkDown(reason: "reset"))
        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)

        #expect(bench.welcome(epoch: 2).contains(.disconnect))
        #expect(bench.deliver([assigned(web())], from: 1).isEmpty)
        #expect(bench.agent.hubEpoch == 3)
    }

    @Test func `a hub that lost what it was told is told again`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        bench.started(webMain)
        bench.tell(.received(.acknowledged(sequence: 1_000)))
        #expect(bench.agent.unacknowledged == 0)

        bench.tell(.linkDown(reason: "reset"))
        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)
        bench.welcome(acknowledged: 0)
        #expect(bench.reports.last?.phase == .running)
    }

    @Test func `a node that lost its log does not reuse the numbers its hub knows`() {
        var bench = AgentBench()
        bench.tell(.linkUp)
        bench.welcome(acknowledged: 500)
        bench.list()
        bench.deliver([assigned(web())], from: 1)

        let numbers = bench.entries.map(\.sequence)
        #expect(!numbers.isEmpty && numbers.allSatisfy { $0 > 500 })
    }

    @Test func `what was told to the hub is on record, so that its end is told too`() {
        var bench = AgentBench(ports: 20_000...20_000)
        bench.list()
        var other = web(ports: [PortSpec(name: "http")])
        other.metadata.name = "other"
        bench.join([assigned(web(ports: [PortSpec(name: "http")])), assigned(other)])

        // There is no port for the second, so it does not start; it is told of all the same.
        let told = Set(bench.reports.map(\.id))
        let recorded = bench.stored.compactMap {
            if case .instance(let record) = $0 { record.id } else { nil }
        }
        #expect(told.count == 2)
        #expect(told == Set(recorded))
    }

    @Test func `a halt stops the least important tier first and says so once`() {
        var bench = AgentBench()
        bench.list()
        var batch = web(tier: .optional)
        batch.metadata.name = "batch"
        let batchMain = ContainerID(
            instance: InstanceID(workload: "batch", ordinal: 0), name: "main")
        bench.join([assigned(web()), assigned(batch)])
        bench.started(webMain)
        bench.started(batchMain)

        bench.tell(.halt)
        #expect(bench.stops == [batchMain])
        bench.tell(.engine(.stopped(batchMain)))
        #expect(bench.stops == [webMain])
        #expect(!bench.latest.contains(.halted))
        bench.tell(.engine(.stopped(webMain)))
        #expect(bench.latest.contains(.halted))
        #expect(!bench.tell(.wake(.order)).contains(.halted))
    }

    @Test func `a halt before the engine was heard waits for what runs`() {
        var bench = AgentBench(snapshot: snapshot(of: web()))
        #expect(!bench.tell(.halt).contains(.halted))
        bench.list([observed(webMain)])
        #expect(bench.stops == [webMain])
    }

    @Test func `a halt starts nothing that was on its way to disk`() {
        var bench = AgentBench()
        bench.list()
        bench.join()
        bench.storeIsQuick = false
        bench.deliver([assigned(web())], from: 1)
        bench.answerStore()
        bench.tell(.halt)
        while !bench.owed.isEmpty { bench.answerStore() }
        #expect(bench.starts.isEmpty)
    }

    @Test func `what waits for a store that cannot write stays within bounds`() {
        var bench = AgentBench(limits: .tight)
        bench.list()
        bench.join([assigned(web(tier: .critical))])
        bench.storeIsQuick = false
        for _ in 0..<500 {
            bench.started(webMain)
            bench.pass(.seconds(40))
            bench.tell(.engine(.exited(webMain, handle: "a", Exit(code: 1))))
            bench.pass(.seconds(40))
            bench.tell(.wake(.restart(webMain)))
        }
        #expect(bench.owed.count == 1)
        bench.answerStore()
        let limits = AgentLimits.tight
        #expect(bench.owed.allSatisfy { $0.1.count <= limits.writes + limits.logEntries + 8 })
        #expect(bench.agent.dropped > 0)
    }

    @Test func `a wall clock that jumps moves no timer`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        bench.started(webMain)
        bench.now.wall = bench.now.wall + .seconds(72 * 3600)

        bench.tell(.wake(.heartbeat))
        #expect(bench.wakes(for: .heartbeat) == [bench.now.monotonic + .seconds(15)])
        bench.tell(.engine(.exited(webMain, handle: "a", Exit(code: 1))))
        #expect(bench.wakes(for: .restart(webMain)) == [bench.now.monotonic])
    }

    @Test func `the latest start is the last to happen, whatever the wall clock showed`() {
        var pair = web()
        pair.spec.containers.append(ContainerSpec(name: "side", command: ["help"]))
        let side = ContainerID(instance: webMain.instance, name: "side")
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(pair)])
        bench.started(webMain)
        let earlier = WallTime(milliseconds: 1_000_000_000_000)
        bench.tell(
            .engine(
                .started(
                    ObservedContainer(
                        id: side, edition: Edition(1), handle: "b", state: .running,
                        startedAt: earlier)))
        )
        #expect(bench.status?.startedAt == earlier)
    }

    @Test func `a job with one part done and one at work is running`() {
        var pair = web(restart: .onFailure)
        pair.spec.containers.append(ContainerSpec(name: "side", command: ["help"]))
        let side = ContainerID(instance: webMain.instance, name: "side")
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(pair)])
        bench.started(webMain)
        bench.started(side, handle: "b")
        bench.tell(.engine(.exited(side, handle: "b", Exit(code: 0))))
        #expect(bench.status?.phase == .running)
        bench.tell(.engine(.exited(webMain, handle: "a", Exit(code: 0))))
        #expect(bench.status?.phase == .succeeded)
    }

    @Test func `what has ended begins anew once its workload is to run always`() {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web(restart: .never))])
        bench.started(webMain)
        bench.tell(.engine(.exited(webMain, handle: "a", Exit(code: 3))))
        #expect(bench.status?.phase == .failed)

        bench.deliver([assigned(web(restart: .onFailure, generation: 2))], from: 2)
        #expect(bench.starts.map(\.id) == [webMain])
    }

    @Test func `an engine that stays away is told of once`() {
        var bench = AgentBench()
        let gone = EngineFailure(.engineUnavailable, "no socket")
        bench.tell(.engine(.unavailable(gone)))
        let count = bench.agent.events.count
        bench.pass(.seconds(60))
        #expect(bench.tell(.wake(.audit)).contains(.list))
        bench.tell(.engine(.unavailable(gone)))
        #expect(bench.agent.events.count == count)
    }

    @Test func `an engine that is absent is shown with the reason, and the hub hears of it`() {
        var bench = AgentBench()
        let gone = EngineFailure(.engineUnavailable, "no socket")
        bench.tell(.engine(.unavailable(gone)))
        let absent = EngineStatus.absent(because: "no socket")
        #expect(bench.agent.shownEngine == absent)
        let said = bench.tell(.linkUp)
        guard case .send(.hello(let hello))? = said.first else {
            Issue.record("expected a hello, got \(said)")
            return
        }
        #expect(hello.engine == absent)
        bench.welcome()
        bench.pass(.seconds(60))
        bench.tell(.wake(.audit))
        bench.list()
        #expect(bench.agent.shownEngine?.isAbsent == false)
        let sent = bench.tell(.engine(.unavailable(gone)))
        #expect(sent.contains(.send(.engine(absent))))
    }

    @Test func `why a node never gets through is told once for each reason, and not to the hub`() {
        var bench = AgentBench()
        for _ in 0..<5 {
            bench.tell(.linkDown(reason: "nobody answers"))
            bench.tell(.wake(.reconnect))
            bench.tell(.received(.retry(after: .seconds(1), reason: "not known here")))
            bench.tell(.linkDown(reason: "not known here"))
            bench.tell(.wake(.reconnect))
        }
        #expect(bench.agent.events.map(\.message) == ["nobody answers", "not known here"])
        #expect(bench.agent.unacknowledged == 0)
    }

    @Test func `a liveness failure after a calm day restarts a Tier 1 container at once`() {
        var bench = AgentBench()
        let probe = Probe(tcp: TCPProbe(port: "http"), failureThreshold: 1)
        bench.list()
        bench.join([
            assigned(web(probes: Probes(liveness: probe), ports: [PortSpec(name: "http")]))
        ])
        for _ in 0..<4 {
            bench.started(webMain)
            bench.pass(.seconds(86_400))
            let asked = bench.tell(.wake(.probe(webMain, .liveness)))
            guard case .probe(let id, _, _) = asked.first else {
                Issue.record("expected a probe, got \(asked)")
                return
            }
            bench.tell(.engine(.probed(id, .failed("refused"))))
            #expect(bench.stops == [webMain])
            bench.tell(.engine(.stopped(webMain)))
            #expect(bench.wakes(for: .restart(webMain)) == [bench.now.monotonic])
            bench.tell(.wake(.restart(webMain)))
            #expect(bench.starts.count == 1)
        }
    }

    @Test func `a slow start is given its full time, however often it is asked`() {
        var bench = AgentBench()
        let probe = Probe(tcp: TCPProbe(port: "http"), period: .seconds(10), failureThreshold: 3)
        bench.list()
        bench.join([
            assigned(web(probes: Probes(startup: probe), ports: [PortSpec(name: "http")]))
        ])
        bench.started(webMain)
        let start = bench.now.monotonic
        for _ in 0..<1_000 where bench.stops.isEmpty {
            guard let next = bench.wakes(for: .probe(webMain, .startup)).first else { break }
            bench.pass(next - bench.now.monotonic)
            let asked = bench.tell(.wake(.probe(webMain, .startup)))
            guard case .probe(let id, _, _) = asked.first else { break }
            bench.tell(.engine(.probed(id, .failed("refused"))))
        }
        #expect(bench.stops == [webMain])
        #expect(bench.now.monotonic - start >= .seconds(30))
        #expect(bench.now.monotonic - start < .seconds(35))
    }

    @Test func `ports that were all taken are found once they are free`() {
        var bench = AgentBench(ports: 20_000...20_000)
        bench.list()
        var other = web(ports: [PortSpec(name: "http")])
        other.metadata.name = "other"
        let otherMain = ContainerID(
            instance: InstanceID(workload: "other", ordinal: 0), name: "main")
        bench.join([assigned(web(ports: [PortSpec(name: "http")]))])
        bench.started(webMain)
        bench.deliver([assigned(other)], from: 2)
        #expect(bench.starts.isEmpty)

        bench.deliver([.deleted], from: 3)
        bench.tell(.engine(.stopped(webMain)))
        #expect(bench.starts.map(\.id) == [otherMain])
    }
}

extension AgentBench {
    var entries: [LogEntry] {
        sent.flatMap { message -> [LogEntry] in
            if case .entries(let entries) = message { entries } else { [] }
        }
    }
    var reports: [InstanceStatus] {
        entries.compactMap { if case .instance(let status) = $0.body { status } else { nil } }
    }
}
