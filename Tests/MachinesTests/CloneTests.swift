import Machines
import Model
import Testing

/// Two machines with one identity: a copied disk, a restored image.
@Suite struct CloneTests {
    /// An original of boot 10 that greeted with run 1, and whose log is read up to entry 3.
    private func bench() -> HubBench {
        var bench = HubBench()
        bench.enrol()
        bench.greet(1, run: 1, boot: 10)
        bench.tell(.received(first, .entries([entry(1), entry(2), report(3, "original")])))
        return bench
    }

    @Test func `the claimant met first goes on, and the other is asked to stay away`() {
        var bench = bench()
        bench.greet(2, run: 2, boot: 20)
        #expect(!bench.isFlagged)
        bench.greet(3, run: 1, boot: 10)

        #expect(bench.isFlagged)
        #expect(bench.isTurnedAway(2))
        #expect(bench.hub.session(of: "n1") == SessionID(rawValue: 3))
        let event = bench.hub.eventLog.last
        #expect(event?.reason == "IdentityCloned")
        #expect(event?.severity == .warning)

        bench.greet(4, run: 2, boot: 20)
        #expect(bench.isTurnedAway(4))
        #expect(!bench.latest.contains(.close(SessionID(rawValue: 3))))
        #expect(bench.hub.session(of: "n1") == SessionID(rawValue: 3))
    }

    @Test func `an agent that starts again and again is never taken for two`() {
        var bench = bench()
        for run in UInt64(2)...20 {
            bench.greet(run, run: run, follows: run - 1, boot: run / 3)
            #expect(bench.hub.session(of: "n1") == SessionID(rawValue: run))
        }
        #expect(!bench.isFlagged)
    }

    @Test func `a greeting of an earlier run that was long under way proves nothing`() {
        var bench = bench()
        bench.tell(.opened(SessionID(rawValue: 2), "n1"))
        bench.greet(3, run: 2, follows: 1, boot: 10)
        bench.tell(.closed(SessionID(rawValue: 3)))
        bench.greet(2, run: 1, boot: 10)

        #expect(!bench.isFlagged)
        #expect(bench.latest.contains(.close(SessionID(rawValue: 2))))
    }

    @Test func `an original whose agent starts anew meanwhile is still the original`() {
        var bench = bench()
        bench.greet(2, run: 2, follows: 1, boot: 20)
        bench.greet(3, run: 3, follows: 1, boot: 10)

        #expect(bench.isFlagged)
        #expect(bench.hub.session(of: "n1") == SessionID(rawValue: 3))
        bench.greet(4, run: 4, follows: 2, boot: 21)
        #expect(bench.isTurnedAway(4))
    }

    @Test func `an original that boots anew meanwhile is known by its machine`() {
        var bench = HubBench()
        bench.enrol()
        bench.greet(1, run: 1, boot: 10, machine: 100)
        bench.greet(2, run: 2, follows: 1, boot: 20, machine: 200)
        bench.greet(3, run: 4, follows: 3, boot: 11, machine: 100)
        #expect(bench.isTurnedAway(2))
        bench.greet(4, run: 5, follows: 2, boot: 21, machine: 200)
        #expect(bench.isTurnedAway(4))
    }

    /// Found by a simulated seed: the runs of a busy clone pushed the original's out of memory.
    @Test func `an original that stays away for long is not forgotten over its clone's restarts`() {
        var bench = HubBench()
        bench.enrol()
        bench.greet(1, run: 1, boot: 10, machine: 100)
        for run in UInt64(2)...20 {
            bench.greet(run, run: run, follows: run - 1, boot: 20, machine: 200)
        }
        bench.greet(30, run: 30, follows: 1, boot: 11, machine: 100)
        #expect(bench.isFlagged)
        #expect(bench.hub.session(of: "n1") == SessionID(rawValue: 30))
    }

    @Test func `a disk that moves to another machine and back is one claimant`() {
        var bench = HubBench()
        bench.enrol()
        bench.greet(1, run: 1, boot: 10, machine: 100)
        bench.greet(2, run: 2, follows: 1, boot: 20, machine: 200)
        bench.greet(3, run: 3, follows: 2, boot: 11, machine: 100)
        #expect(!bench.isFlagged)
        #expect(bench.hub.session(of: "n1") == SessionID(rawValue: 3))
    }

    @Test func `two agents on one machine are told apart by their runs`() {
        var bench = bench()
        bench.greet(2, run: 2, follows: 1, boot: 10)
        bench.greet(3, run: 1, boot: 10)
        #expect(bench.isTurnedAway(2))
        bench.greet(4, run: 3, follows: 2, boot: 10)
        #expect(bench.isTurnedAway(4))
        bench.greet(5, run: 4, follows: 1, boot: 10)
        #expect(bench.hub.session(of: "n1") == SessionID(rawValue: 5))
    }

    @Test func `what a clone's log said does not stand for the original`() throws {
        var bench = bench()
        bench.greet(2, run: 2, boot: 20)
        bench.tell(
            .received(SessionID(rawValue: 2), .entries([report(4, "clone"), report(5, "clone")])))
        #expect(bench.shownMessages == ["clone"])
        bench.greet(3, run: 1, boot: 10)
        #expect(bench.shownMessages == [])

        // Position zero makes the original say once more how everything is.
        let welcomes = bench.sent(on: SessionID(rawValue: 3)).compactMap { message in
            if case .welcome(let welcome) = message { welcome.acknowledged } else { nil }
        }
        #expect(welcomes == [0])
        bench.tell(.received(SessionID(rawValue: 3), .entries([report(4, "original")])))
        #expect(bench.shownMessages == ["original"])
        #expect(bench.sent(on: SessionID(rawValue: 3)) == [.acknowledged(sequence: 4)])
    }

    @Test func `a hub that starts again still knows who is the clone`() {
        var bench = bench()
        bench.greet(2, run: 2, boot: 20)
        bench.greet(3, run: 1, boot: 10)
        let claims = bench.stored.compactMap { write in
            if case .claims(_, let claims) = write { claims } else { nil }
        }
        var state = HubSnapshot.NodeState(
            node: Node(metadata: Metadata(name: "n1"), spec: NodeSpec(site: "urban")))
        state.lastSeen = bench.now.wall
        state.claims = claims.last ?? Claims()

        var again = HubBench(snapshot: HubSnapshot(nodes: [state], epoch: 1))
        #expect(again.isFlagged)
        again.greet(1, run: 2, boot: 20)
        #expect(again.isTurnedAway(1))
        again.greet(2, run: 1, boot: 10)
        #expect(again.hub.session(of: "n1") == SessionID(rawValue: 2))
    }

    @Test func `a node made anew is not taken over by a machine of the old one`() {
        var bench = bench()
        bench.ask(.delete(.node, name: "n1"))
        bench.ask(
            .issue(
                JoinToken(
                    id: "again", secretDigest: "d", site: "urban",
                    expiresAt: bench.now.wall + .seconds(3_600))))
        bench.ask(.enrol(tokenID: "again", secretDigest: "d", node: "n1", site: nil))
        bench.greet(7, applied: 50, run: 1, boot: 10)
        #expect(bench.isTurnedAway(7))
        bench.greet(8, run: 30, boot: 30)
        #expect(bench.hub.session(of: "n1") == SessionID(rawValue: 8))
        bench.greet(9, applied: 50, run: 1, boot: 10)
        #expect(bench.isTurnedAway(9))
        #expect(bench.hub.session(of: "n1") == SessionID(rawValue: 8))
    }

    @Test func `an agent says a run of its own and the one before it`() {
        let before = NodeSnapshot(run: 77)
        var runs: [UInt64?] = []
        for seed in UInt64(1)...2 {
            var agent = AgentBench(snapshot: before, seed: seed)
            agent.tell(.linkUp)
            let hellos = agent.latest.compactMap { effect in
                if case .send(.hello(let hello)) = effect { hello } else { nil }
            }
            guard let hello = hellos.first else {
                Issue.record("no greeting")
                return
            }
            #expect(hello.follows == 77)
            #expect(agent.stored.contains(.run(hello.run ?? 0)))
            runs.append(hello.run)
        }
        #expect(runs[0] != runs[1])
    }
}

private func report(_ sequence: UInt64, _ message: String) -> LogEntry {
    LogEntry(
        sequence: sequence, at: WallTime(milliseconds: 0),
        body: .instance(
            InstanceStatus(
                id: InstanceID(workload: "web", ordinal: 0), node: "n1", site: "urban",
                tier: .critical, observedGeneration: 1, phase: .running, ready: true, restarts: 0,
                startedAt: nil, ports: [:], reason: "", message: message,
                observedAt: WallTime(milliseconds: 0))))
}

extension HubBench {
    fileprivate var isFlagged: Bool {
        hub.objects(.node, at: now.wall).contains { object in
            guard case .node(let node) = object else { return false }
            return node.status?.conditions.contains { $0.type == "Cloned" } ?? false
        }
    }

    fileprivate var shownMessages: [String] {
        hub.objects(.instance, at: now.wall).compactMap {
            if case .instance(let instance) = $0 { instance.status.message } else { nil }
        }
    }

    fileprivate func isTurnedAway(_ session: UInt64) -> Bool {
        let session = SessionID(rawValue: session)
        let isAsked = sent(on: session).contains { message in
            if case .retry(let after, _) = message {
                after.duration >= .seconds(600)
            } else {
                false
            }
        }
        return isAsked && latest.contains(.close(session))
    }
}
