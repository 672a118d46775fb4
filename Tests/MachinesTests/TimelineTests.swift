import Machines
import Model
import Testing

/// A hub restored from a backup, and two hubs.
@Suite struct TimelineTests {
    /// A hub whose backup knows workload `web` of command `a` on node n1, up to revision 3 and epoch 4.
    private func restored(isCopy: Bool = true) -> HubBench {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        bench.ask(.apply([.workload(web(command: "a"))], dryRun: false))
        var snapshot = bench.snapshot
        snapshot.epoch = 4
        return HubBench(snapshot: snapshot, isCopy: isCopy)
    }

    private func holding(_ command: String, generation: UInt64 = 9) -> [Document] {
        var workload = web(command: command)
        workload.metadata.generation = generation
        return [
            Document(
                key: .assignment("web"), revision: 40,
                content: .assignment(Assignment(workload: workload, ordinals: [0])))
        ]
    }

    /// The node greets with revision 41 and says what it holds, beside its site and itself.
    private func say(
        _ documents: [Document], to bench: inout HubBench, session: UInt64 = 1
    ) {
        bench.greet(session, applied: 41, epoch: 4)
        #expect(bench.sent(on: SessionID(rawValue: session)).contains(.inventory))
        let common: [Document] = bench.snapshot.nodes[0].documents.filter { document in
            if case .assignment = document.content { false } else { true }
        }
        bench.tell(
            .received(
                SessionID(rawValue: session), .holdings(common + documents, isLast: true)))
    }

    @Test func `a restored hub raises its epoch and awaits every node it knows`() {
        let bench = restored()
        #expect(bench.hub.epoch == 5)
        #expect(bench.state == .awaitingReconnect)
        #expect(bench.stored.contains(.epoch(5)))
        #expect(bench.hub.eventLog.contains { $0.reason == "HubRestored" })
        #expect(restored(isCopy: false).hub.epoch == 4)
    }

    @Test func `a node that is only behind goes on at once`() {
        var bench = restored()
        bench.greet(applied: 1, epoch: 4)
        #expect(bench.state == .ready)
        #expect(bench.documents(on: 1).contains { $0.key == .assignment("web") })
    }

    @Test
    func `a node whose disk is behind is compared by what it took in, not by what is durable`() {
        var bench = restored()
        bench.greet(applied: 1, taken: 41, epoch: 4)
        #expect(bench.sent(on: SessionID(rawValue: 1)).contains(.inventory))
        #expect(bench.documents(on: 1).isEmpty)
        bench.ask(.apply([.workload(web(command: "c"))], dryRun: false))
        #expect(bench.documents(on: 1).isEmpty)

        // It dies before its disk had caught up: what is left of it is only behind.
        bench.greet(2, applied: 1, epoch: 4)
        #expect(bench.state == .ready)
        #expect(bench.documents(on: 2).contains { $0.key == .assignment("web") })
        #expect(!bench.hub.eventLog.contains { $0.reason == "StoreLost" })
    }

    @Test func `a node that went back to the older hub before it kept anything is compared again`()
    {
        var bench = restored()
        bench.greet(applied: 1, epoch: 4)
        #expect(bench.state == .ready)
        // It died before the new epoch was durable, and the older hub gave it the same numbers.
        let head = bench.snapshot.nodes[0].headRevision
        bench.greet(2, applied: head, epoch: 4)
        #expect(bench.sent(on: SessionID(rawValue: 2)).contains(.inventory))
        #expect(bench.documents(on: 2).isEmpty)
    }

    @Test func `a node that kept nothing of either hub meanwhile is not compared again`() {
        var bench = restored()
        bench.greet(applied: 1, epoch: 4)
        bench.greet(2, applied: 1, epoch: 4)
        #expect(bench.state == .ready)
        #expect(bench.documents(on: 2).contains { $0.key == .assignment("web") })
    }

    @Test func `what an even older hub gave is not taken for what the copy knows`() {
        var bench = restored()
        bench.greet(applied: 1, epoch: 3)
        #expect(bench.sent(on: SessionID(rawValue: 1)).contains(.inventory))
        #expect(bench.documents(on: 1).isEmpty)
    }

    @Test func `a node that is ahead and says the same goes on above its revision`() {
        var bench = restored()
        say(holding("a"), to: &bench)
        #expect(bench.state == .ready)
        bench.ask(.apply([.workload(web(command: "c"))], dryRun: false))
        let news = bench.documents(on: 1).filter { $0.key == .assignment("web") }
        #expect(news.count == 1)
        #expect(news.allSatisfy { $0.revision > 41 })
        #expect(news.first?.workload?.metadata.generation ?? 0 > 9)
    }

    @Test func `a node that holds a newer spec is paused, and sent nothing whatever is applied`() {
        var bench = restored()
        say(holding("b"), to: &bench)
        #expect(bench.state == .conflictPaused)
        for command in ["c", "d", "e"] {
            bench.ask(.apply([.workload(web(command: command))], dryRun: false))
            #expect(bench.documents(on: 1).isEmpty)
        }
        let conflicts = bench.hub.conflicts
        #expect(conflicts.map(\.name) == ["web"])
        #expect(conflicts.first?.atNode?.metadata.generation == 9)

        // Nor after a restart of the hub, though its numbers are above the node's by then.
        var again = HubBench(snapshot: bench.snapshot)
        #expect(again.state == .conflictPaused)
        again.greet(2, applied: 41, epoch: 5)
        #expect(again.documents(on: 2).isEmpty)
    }

    @Test(arguments: [false, true])
    func `what a copy knows of a node's instances is forgotten, they may have ended since`(
        _ isPaused: Bool
    ) {
        let copy = InstanceID(workload: "web", ordinal: 0)
        var bench = restored()
        say(holding(isPaused ? "b" : "a"), to: &bench)
        bench.report(copy, on: "n1", session: 1, sequence: 7)
        #expect(bench.hub.objects(.instance, at: bench.now.wall).count == 1)

        // One that was paused is known to differ; the other is ahead of a copy that nobody called one.
        var again = HubBench(snapshot: bench.snapshot, isCopy: isPaused)
        again.greet(2, applied: 99, logHead: 20, epoch: 5)
        #expect(again.hub.objects(.instance, at: again.now.wall).isEmpty)
        #expect(again.stored.contains(.removeInstance("n1", copy)))
        #expect(again.stored.contains(.acknowledged("n1", sequence: 0)))
    }

    @Test func `a person keeps the hub's word, and what only the node has is given up`() {
        var bench = restored()
        let extra = Document(
            key: .assignment("extra"), revision: 41,
            content: .assignment(Assignment(workload: named("extra", command: "x"), ordinals: [0])))
        say(holding("b") + [extra], to: &bench)
        bench.ask(.edit(.node, name: "n1", .resolve(.hub)))

        #expect(bench.state == .ready)
        #expect(bench.hub.conflicts.isEmpty)
        let sent = bench.documents(on: 1)
        #expect(sent.allSatisfy { $0.revision > 41 })
        #expect(sent.first { $0.key == .assignment("extra") }?.content == .deleted)
        let own = sent.first { $0.key == .assignment("web") }?.workload
        #expect(own?.spec.containers.first?.command == ["a"])
        #expect(own?.metadata.generation ?? 0 > 9)
    }

    @Test func `a person keeps the node's word, and it becomes the hub's`() {
        var bench = restored()
        let extra = Document(
            key: .assignment("extra"), revision: 41,
            content: .assignment(Assignment(workload: named("extra", command: "x"), ordinals: [0])))
        say(holding("b") + [extra], to: &bench)
        bench.ask(.edit(.node, name: "n1", .resolve(.node)))

        #expect(bench.state == .ready)
        let workloads = bench.hub.objects(.workload, at: bench.now.wall)
        #expect(workloads.map(\.metadata.name) == ["extra", "web"])
        let sent = bench.documents(on: 1)
        #expect(!sent.contains { $0.content == .deleted })
        guard case .workload(let web)? = workloads.last else { return }
        #expect(web.spec.containers.first?.command == ["b"])
        #expect(web.metadata.generation >= 9)
        let placed = bench.hub.decisions(about: .workload("extra"), limit: 10)
        #expect(placed.contains { $0.action == .place && $0.passed })
    }

    @Test func `a hub in order has nothing to resolve`() {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        guard case .refused(let refusal)? = bench.ask(.edit(.node, name: "n1", .resolve(.hub)))
        else {
            Issue.record("it was not refused")
            return
        }
        #expect(refusal.code == .conflict)
    }

    @Test func `a hub that meets a higher epoch says so, leads that node no more, and can pass it`()
    {
        var bench = restored(isCopy: false)
        bench.greet(applied: 1, epoch: 7)
        #expect(bench.hub.session(of: "n1") == nil)
        #expect(bench.hub.eventLog.last?.reason == "Superseded")
        let isAsked = bench.sent(on: first).contains { message in
            if case .retry = message { true } else { false }
        }
        #expect(isAsked)
        #expect(bench.stored.contains(.metEpoch(7)))

        var snapshot = bench.snapshot
        snapshot.metEpoch = 7
        #expect(HubBench(snapshot: snapshot, isCopy: true).hub.epoch == 8)
    }

    @Test func `a node whose disk went back gives up what was deleted meanwhile`() {
        var bench = restored(isCopy: false)
        bench.greet(applied: 1, epoch: 4)
        bench.tell(.received(first, .applied(revision: 3)))
        bench.ask(.delete(.workload, name: "web"))
        bench.tell(.received(first, .applied(revision: 9)))

        bench.greet(2, applied: 3, epoch: 4)
        #expect(bench.sent(on: SessionID(rawValue: 2)).contains(.inventory))
        bench.tell(.received(SessionID(rawValue: 2), .holdings(holding("a"), isLast: true)))
        #expect(bench.documents(on: 2).contains { $0.content == .deleted })
    }

    @Test func `an agent says what is durable with it, in pieces`() {
        var agent = AgentBench(limits: .tight)
        agent.join(
            (0..<5).map { .assignment(Assignment(workload: named("w\($0)"), ordinals: [0])) })
        agent.tell(.received(.inventory))
        let pieces = agent.latest.compactMap { effect -> (Int, Bool)? in
            if case .send(.holdings(let documents, let isLast)) = effect {
                (documents.count, isLast)
            } else {
                nil
            }
        }
        #expect(pieces.map(\.0) == [2, 2, 1])
        #expect(pieces.map(\.1) == [false, false, true])
    }
}

private func named(_ name: String, command: String = "serve") -> Workload {
    var workload = web(command: command)
    workload.metadata.name = name
    return workload
}

extension Document {
    fileprivate var workload: Workload? {
        if case .assignment(let assignment) = content { assignment.workload } else { nil }
    }
}

extension HubBench {
    fileprivate var state: NodeState? {
        guard case .node(let node)? = hub.objects(.node, at: now.wall).first else { return nil }
        return node.status?.state
    }

    fileprivate func documents(on session: UInt64) -> [Document] {
        sent(on: SessionID(rawValue: session)).flatMap { message -> [Document] in
            if case .documents(let documents, _) = message { documents } else { [] }
        }
    }
}

extension HubBench {
    /// What the store holds by now, as far as these tests need it.
    fileprivate var snapshot: HubSnapshot {
        var snapshot = begin
        func change(_ node: NodeID, _ change: (inout HubSnapshot.NodeState) -> Void) {
            let index = snapshot.nodes.firstIndex { $0.node.metadata.name == node.text }
            if let index { change(&snapshot.nodes[index]) }
        }
        for write in stored {
            switch write {
            case .site(let site): snapshot.sites = [site]
            case .node(let node):
                snapshot.nodes.removeAll { $0.node.metadata.name == node.metadata.name }
                snapshot.nodes.append(HubSnapshot.NodeState(node: node))
            case .workload(let workload):
                snapshot.workloads.removeAll { $0.id == workload.id }
                snapshot.workloads.append(workload)
            case .placement(let id, let places): snapshot.placements[id] = places
            case .document(let node, let document):
                change(node) { state in
                    state.documents.removeAll { $0.key == document.key }
                    state.documents.append(document)
                    state.headRevision = max(state.headRevision, document.revision)
                }
            case .appliedRevision(let node, let revision):
                change(node) { $0.appliedRevision = revision }
            case .contact(let node, let time): change(node) { $0.lastSeen = time }
            case .timeline(let node, let timeline): change(node) { $0.timeline = timeline }
            case .instance(let node, let status): change(node) { $0.instances.append(status) }
            case .epoch(let epoch): snapshot.epoch = epoch
            default: break
            }
        }
        return snapshot
    }
}
