import Machines
import Model
import Simulation
import Testing

/// What people change at a node that is theirs to change, and what becomes of it.
@Suite struct LocalChangeTests {
    private let updatesHere = [AuthorityOverride(domain: .update, verdict: .permit, by: .local)]

    private func site(_ rows: [AuthorityOverride] = [], _ pattern: Pattern = .hybrid) -> Site {
        Site(
            metadata: Metadata(name: "urban", generation: 1),
            spec: SiteSpec(pattern: pattern, authority: rows))
    }

    /// A node that runs `web` and has lost its hub.
    private func apart(_ rows: [AuthorityOverride] = []) -> AgentBench {
        var bench = AgentBench()
        bench.list()
        bench.join([.site(site(rows)), assigned(web())])
        bench.started(webMain)
        bench.tell(.linkDown(reason: "cut"))
        return bench
    }

    private func other(_ name: String = "kiosk") -> Workload {
        Workload(
            metadata: Metadata(name: name),
            spec: WorkloadSpec(containers: [ContainerSpec(name: "main", command: ["kiosk"])]))
    }

    private func changes(in writes: [NodeWrite]) -> [LocalChange] {
        writes.compactMap { if case .localChange(let change) = $0 { change } else { nil } }
    }

    // MARK: - At the node

    @Test func `a cut-off node takes a workload of its own, and starts it once that is durable`() {
        var bench = apart()
        bench.storeIsQuick = false
        bench.ask(.apply([.workload(other())], dryRun: false))
        #expect(bench.replies.isEmpty)
        #expect(bench.starts.isEmpty)
        while !bench.owed.isEmpty { bench.answerStore() }
        #expect(
            bench.replies
                == [.applied([ApplyResult(kind: .workload, name: "kiosk", outcome: .created)])])
        #expect(bench.starts.map(\.id.instance.workload) == ["kiosk"])
        let decision = bench.agent.decisions(about: .workload("kiosk"), limit: 9).first
        #expect(decision?.basis == .change)
        #expect(decision?.domain == .placement)
    }

    @Test
    func `an update is refused where updates are the hub's, with the row that would allow it`() {
        var bench = apart()
        bench.ask(.apply([.workload(web(command: "serve v2"))], dryRun: false))
        guard case .refused(let refusal) = bench.replies.first else {
            Issue.record("it was not refused")
            return
        }
        #expect(refusal.code == .denied)
        #expect(refusal.message.contains("{domain: update, reach: alone"))
        #expect(bench.stops.isEmpty)
        #expect(bench.agent.decisions(about: .workload("web"), limit: 1).first?.passed == false)
    }

    @Test func `an update passes where the site gives it to the node`() {
        var bench = apart(updatesHere)
        bench.ask(.apply([.workload(web(command: "serve v2"))], dryRun: false))
        #expect(bench.stops == [webMain])
        bench.tell(.engine(.stopped(webMain)))
        #expect(bench.starts.first?.spec.command == ["serve v2"])
    }

    @Test func `in contact the hub is the one to ask`() {
        var bench = apart()
        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)
        bench.welcome()
        bench.ask(.apply([.workload(other())], dryRun: false))
        guard case .refused = bench.replies.first else {
            Issue.record("it was not refused")
            return
        }
    }

    @Test func `what is removed at a node stops there`() {
        var bench = apart()
        bench.ask(.delete(.workload, name: "web"))
        #expect(bench.stops == [webMain])
        #expect(bench.replies == [.deleted])
    }

    @Test func `what concerns other nodes cannot be changed at one, and all of it is told at once`()
    {
        var bench = apart(updatesHere)
        var changed = web()
        changed.spec.replicas = .count(3)
        changed.spec.selector = ["zone": "a"]
        bench.ask(
            .apply(
                [.workload(changed), .site(site()), .workload(web(command: "serve v2"))],
                dryRun: false))
        guard case .refused(let refusal) = bench.replies.first else {
            Issue.record("it was not refused")
            return
        }
        #expect(refusal.mistakes.map(\.field) == ["spec.replicas", "spec.selector", "kind"])
        #expect(bench.stops.isEmpty)
    }

    @Test func `a trial changes nothing`() {
        var bench = apart()
        bench.ask(.apply([.workload(other())], dryRun: true))
        #expect(bench.replies.count == 1)
        #expect(bench.agent.localChanges.isEmpty)
        #expect(changes(in: bench.stored).isEmpty)
    }

    @Test func `a change survives a reboot, and is let go of once the hub's word covers it`() {
        var bench = apart()
        bench.ask(.apply([.workload(other())], dryRun: false))
        let change = changes(in: bench.stored)[0]
        var again = AgentBench(
            snapshot: NodeSnapshot(
                documents: [
                    Document(key: .assignment("web"), revision: 2, content: assigned(web()))
                ], appliedRevision: 2, nextSequence: 50, epoch: 1,
                contact: Reading(bench.now, boot: 2), localChanges: [change]))
        again.list()
        #expect(again.agent.workloads.map(\.id) == ["kiosk", "web"])

        again.tell(.linkUp)
        again.welcome(acknowledged: 49)
        #expect(again.agent.localChanges.count == 1, "contact alone settles nothing")
        again.deliver(
            [assigned(other()), .changes(through: change.sequence)], from: 3)
        #expect(again.agent.localChanges.isEmpty)
        #expect(again.stored.contains(.forgetLocalChanges(through: change.sequence)))
        #expect(again.stops.isEmpty)
    }

    /// Found by a simulated seed: the older change's end took the newer one off the disk.
    @Test func `the hub's word on an older change does not take a newer one off the disk`() {
        var bench = apart()
        bench.ask(.apply([.workload(other())], dryRun: false))
        let first = changes(in: bench.stored)[0]
        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)
        bench.welcome()
        bench.tell(.linkDown(reason: "cut"))
        bench.storeIsQuick = false
        bench.ask(.delete(.workload, name: "kiosk"))
        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)
        bench.welcome()
        bench.deliver([assigned(other()), .changes(through: first.sequence)], from: 3)
        while !bench.owed.isEmpty { bench.answerStore() }
        var disk = Simulation.NodeStore(logCap: 100)
        for write in bench.stored { disk.apply(write) }
        #expect(disk.load().localChanges.map(\.effect) == [.added])
        #expect(disk.load().localChanges.map(\.spec) == [nil])
        #expect(bench.agent.localChanges.count == 1)
    }

    /// Found by a simulated seed: the node kept a change for ever that the hub had forgotten.
    @Test func `a change that a hub acknowledged and forgot is said anew, and nothing restarts`() {
        var bench = apart()
        bench.ask(.apply([.workload(other())], dryRun: false))
        let first = changes(in: bench.stored)[0]
        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)
        bench.welcome()
        bench.tell(.received(.acknowledged(sequence: first.sequence + 5)))
        bench.tell(.linkDown(reason: "cut"))
        let before = bench.stored.count

        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)
        let effects = bench.welcome(acknowledged: 0)
        let again = changes(in: Array(bench.stored[before...]))
        #expect(again.map(\.spec) == [first.spec])
        #expect(again.allSatisfy { $0.sequence > first.sequence && $0.decision == first.decision })
        let sent = effects.flatMap { effect -> [LogEntry.Body] in
            if case .send(.entries(let entries)) = effect { entries.map(\.body) } else { [] }
        }
        #expect(!again.isEmpty && sent.contains(.localChange(again[0])))
        #expect(bench.stops.isEmpty)
    }

    @Test func `a node that cannot write says so and changes nothing`() {
        var bench = apart()
        bench.tell(.storeFailing(reason: "no space left"))
        bench.ask(.apply([.workload(other())], dryRun: false))
        guard case .refused(let refusal) = bench.replies.first else {
            Issue.record("it was not refused")
            return
        }
        #expect(refusal.code == .unavailable)
    }

    // MARK: - At the hub

    /// Two nodes run a copy of `web` each; n1 changed its own while it was away.
    private func returned(
        pattern: Pattern = .hybrid, _ change: LocalChange, meanwhile: Workload? = nil
    ) -> HubBench {
        var bench = HubBench()
        bench.enrol("n1")
        bench.enrol("n2")
        bench.ask(
            .apply([.site(site(pattern == .hybrid ? [] : updatesHere, pattern))], dryRun: false))
        bench.ask(.apply([.workload(web(generation: 0, replicas: .perNode))], dryRun: false))
        if let meanwhile { bench.ask(.apply([.workload(meanwhile)], dryRun: false)) }
        bench.greet(1, node: "n1")
        bench.tell(
            .received(
                first,
                .entries([LogEntry(sequence: 7, at: bench.now.wall, body: .localChange(change))])))
        return bench
    }

    private func change(
        _ spec: WorkloadSpec?, base: WorkloadSpec?, workload: WorkloadID = "web"
    ) -> LocalChange {
        LocalChange(
            workload: workload, at: WallTime(milliseconds: 0), sequence: 7,
            decision: DecisionID(origin: "n1", number: 3), base: base, spec: spec, ordinals: [0])
    }

    private let base = web(replicas: .perNode).spec

    @Test func `a change holds for its node alone`() {
        let mine = web(command: "serve v2", replicas: .perNode).spec
        let bench = returned(change(mine, base: base))
        #expect(bench.assignment(of: "web", to: "n1")?.workload.spec == mine)
        #expect(bench.assignment(of: "web", to: "n2")?.workload.spec == base)
        #expect(bench.hub.localChanges.map(\.conflicts) == [[]])
    }

    @Test
    func `its node learns last that the hub's word covers it, and before the log is confirmed`() {
        let bench = returned(change(web(command: "serve v2", replicas: .perNode).spec, base: base))
        let sent = bench.sent(on: first)
        guard case .documents(let documents, _) = sent.first, case .acknowledged = sent.last else {
            Issue.record("\(sent)")
            return
        }
        #expect(documents.last?.content == .changes(through: 7))
    }

    @Test(arguments: [(Pattern.hybrid, "serve v3"), (.edgeFirst, "serve v2")])
    func `in a conflict the word of whom the table names stands, and it is listed`(
        pattern: Pattern, command: String
    ) {
        let bench = returned(
            pattern: pattern,
            change(web(command: "serve v2", replicas: .perNode).spec, base: base),
            meanwhile: web(command: "serve v3", generation: 0, replicas: .perNode))
        let spec = bench.assignment(of: "web", to: "n1")?.workload.spec
        #expect(spec?.containers.first?.command == [command])
        #expect(bench.hub.localChanges.first?.conflicts == ["containers[main].command"])
        #expect(bench.hub.eventLog.contains { $0.reason == "Conflict" })
        #expect(
            bench.assignment(of: "web", to: "n2")?.workload.spec.containers[0].command == [
                "serve v3"
            ])
    }

    @Test func `who settles it for the node makes it the word for all`() {
        let mine = web(command: "serve v2", replicas: .perNode).spec
        var bench = returned(change(mine, base: base))
        bench.ask(.resolve(Resolution(node: "n1", workload: "web", keep: .node)))
        #expect(bench.assignment(of: "web", to: "n2")?.workload.spec == mine)
        #expect(bench.hub.localChanges.isEmpty)
        #expect(bench.restarted().hub.localChanges.isEmpty)
    }

    @Test func `who settles it for the hub takes the change back`() {
        var bench = returned(change(web(command: "serve v2", replicas: .perNode).spec, base: base))
        #expect(bench.restarted().hub.localChanges.count == 1)
        bench.ask(.resolve(Resolution(node: "n1", workload: "web", keep: .hub)))
        #expect(bench.assignment(of: "web", to: "n1")?.workload.spec == base)
    }

    @Test func `a workload made at a node stays there, and can become the hub's`() {
        let made = other()
        var bench = returned(change(made.spec, base: nil, workload: "kiosk"))
        #expect(bench.assignment(of: "kiosk", to: "n1")?.ordinals == [0])
        #expect(bench.assignment(of: "kiosk", to: "n2") == nil)
        bench.ask(.resolve(Resolution(node: "n1", workload: "kiosk", keep: .node)))
        #expect(bench.assignment(of: "kiosk", to: "n1")?.ordinals == [0])
        guard case .workload(let kept) = bench.hub.objects(.workload, at: bench.now.wall).first
        else {
            Issue.record("there is no workload")
            return
        }
        #expect(kept.spec.selector == ["node": "n1"])
    }

    @Test func `a removal holds at its node and cannot hold for nodes that still run it`() {
        var bench = returned(change(nil, base: base))
        #expect(bench.assignment(of: "web", to: "n1")?.ordinals == [])
        bench.ask(.resolve(Resolution(node: "n1", workload: "web", keep: .node)))
        guard case .refused(let refusal) = bench.replies.first else {
            Issue.record("it was not refused")
            return
        }
        #expect(refusal.message.contains("n2"))
    }
}
