import Machines
import Model
import Testing

/// What silence does to a workload that says what it may do.
@Suite struct DisconnectTests {
    private func workload(_ disconnect: Disconnect?) -> Object {
        var workload = web()
        workload.spec.disconnect = disconnect
        workload.metadata.generation = 0
        return .workload(workload)
    }

    /// Two nodes in contact; `web` runs on n1, the first by name.
    private func fleet(_ disconnect: Disconnect?) -> HubBench {
        var bench = HubBench()
        bench.enrol("n1")
        bench.enrol("n2")
        bench.greet(1, node: "n1")
        bench.ask(.apply([workload(disconnect)], dryRun: false))
        bench.greet(2, node: "n2")
        bench.report(InstanceID(workload: "web", ordinal: 0), on: "n1", session: 1, sequence: 1)
        return bench
    }

    private func holders(_ bench: HubBench) -> [NodeID] {
        ["n1", "n2"].filter { bench.assignment(of: "web", to: $0)?.ordinals == [0] }
    }

    /// Loses n1 and lets the time pass while n2 goes on beating.
    private func loseFirst(_ bench: inout HubBench, for duration: Duration) {
        bench.tell(.closed(SessionID(rawValue: 1)))
        bench.pass(duration)
        bench.tell(.received(SessionID(rawValue: 2), .heartbeat(nil)))
        bench.tell(.wake(.sweep))
    }

    @Test func `without a word on it silence replaces nothing`() {
        var bench = fleet(nil)
        loseFirst(&bench, for: .seconds(30 * 86_400))
        #expect(holders(bench) == ["n1"])
    }

    @Test func `a copy is started elsewhere once its node is lost, and not before`() {
        var bench = fleet(Disconnect(lostAfter: .seconds(300), replace: true))
        loseFirst(&bench, for: .seconds(299))
        #expect(holders(bench) == ["n1"])
        bench.pass(.seconds(2))
        bench.tell(.received(SessionID(rawValue: 2), .heartbeat(nil)))
        bench.tell(.wake(.sweep))
        #expect(holders(bench) == ["n1", "n2"])
        let decision = bench.hub.decisions(about: .workload("web"), limit: 1).last
        #expect(decision?.cause == .nodeLost)
        #expect(decision?.passed == true)
    }

    @Test func `a wall clock that jumps loses nobody`() {
        var bench = fleet(Disconnect(lostAfter: .seconds(300), replace: true))
        bench.tell(.closed(SessionID(rawValue: 1)))
        bench.now.wall = bench.now.wall + .seconds(86_400)
        bench.tell(.wake(.sweep))
        #expect(holders(bench) == ["n1"])
    }

    @Test func `a hub that starts gives everyone the whole time again`() {
        var bench = fleet(Disconnect(lostAfter: .seconds(300), replace: true))
        bench.tell(.closed(SessionID(rawValue: 1)))
        bench.pass(.seconds(200))
        var again = bench.restarted()
        again.greet(12, node: "n2")
        again.pass(.seconds(200))
        again.tell(.received(SessionID(rawValue: 12), .heartbeat(nil)))
        again.tell(.wake(.sweep))
        #expect(again.assignment(of: "web", to: "n2") == nil)
    }

    @Test(arguments: [
        (Reconcile.keepOriginal, NodeID("n1")), (.keepReplacement, "n2"),
        (.longestRunning, "n1"), (.bestScore, "n1"),
    ])
    func `of two copies one goes on, as the workload says`(rule: Reconcile, winner: NodeID) {
        var bench = fleet(
            Disconnect(lostAfter: .seconds(300), replace: true, reconcile: rule))
        loseFirst(&bench, for: .seconds(301))
        bench.report(InstanceID(workload: "web", ordinal: 0), on: "n2", session: 2, sequence: 1)
        #expect(holders(bench) == ["n1", "n2"])

        // Back, but what it did meanwhile is not known yet.
        bench.greet(3, node: "n1", logHead: 2)
        #expect(holders(bench) == ["n1", "n2"])
        bench.report(InstanceID(workload: "web", ordinal: 0), on: "n1", session: 3, sequence: 2)
        #expect(holders(bench) == [winner])
        #expect(bench.hub.eventLog.last?.reason == "Reconciled")
    }

    @Test func `a copy that is not ready gives way, whatever the rule`() {
        var bench = fleet(Disconnect(lostAfter: .seconds(300), replace: true))
        loseFirst(&bench, for: .seconds(301))
        bench.report(InstanceID(workload: "web", ordinal: 0), on: "n2", session: 2, sequence: 1)
        bench.greet(3, node: "n1", logHead: 2)
        bench.report(
            InstanceID(workload: "web", ordinal: 0), on: "n1", session: 3, sequence: 2, ready: false
        )
        #expect(holders(bench) == ["n2"])
    }

    @Test func `who holds what survives a restart of the hub`() {
        var bench = fleet(
            Disconnect(lostAfter: .seconds(300), replace: true, reconcile: .keepReplacement))
        loseFirst(&bench, for: .seconds(301))
        var again = bench.restarted()
        again.greet(12, node: "n2")
        again.report(InstanceID(workload: "web", ordinal: 0), on: "n2", session: 12, sequence: 1)
        again.greet(13, node: "n1")
        #expect(holders(again) == ["n2"])
    }

    @Test func `a node of a site that is expected to be silent is never lost`() {
        var bench = fleet(Disconnect(lostAfter: .seconds(300), replace: true))
        bench.ask(
            .apply(
                [
                    .site(
                        Site(
                            metadata: Metadata(name: "urban"),
                            spec: SiteSpec(whenDisconnected: .expected)))
                ], dryRun: false))
        loseFirst(&bench, for: .seconds(86_400))
        #expect(holders(bench) == ["n1"])
    }

    // MARK: - On the node

    private func node(stopAfter: Interval?) -> AgentBench {
        var workload = web(tier: .reduced)
        workload.spec.disconnect = Disconnect(stopAfter: stopAfter)
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(workload)])
        bench.tell(.received(.acknowledged(sequence: 100)))
        bench.started(webMain)
        return bench
    }

    @Test func `a node stops by itself what says so, and starts it when the hub is back`() {
        var bench = node(stopAfter: .seconds(120))
        bench.tell(.linkDown(reason: "cut"))
        bench.pass(.seconds(119))
        bench.tell(.wake(.policyAge))
        #expect(bench.stops.isEmpty)
        bench.pass(.seconds(2))
        bench.tell(.wake(.policyAge))
        #expect(bench.stops == [webMain])
        bench.tell(.engine(.stopped(webMain)))
        #expect(bench.starts.isEmpty)

        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)
        bench.welcome()
        #expect(bench.starts.isEmpty, "the hub may have placed it elsewhere")
        bench.tell(.received(.acknowledged(sequence: 200)))
        #expect(bench.starts.count == 1)
    }

    @Test func `it wakes for the moment at which something is to stop`() {
        var bench = node(stopAfter: .seconds(120))
        bench.tell(.linkDown(reason: "cut"))
        #expect(
            bench.wakes(for: .policyAge)
                == [bench.now.monotonic + .seconds(120) + .milliseconds(1)])
    }

    @Test func `without a word on it a node stops nothing`() {
        var bench = node(stopAfter: nil)
        bench.tell(.linkDown(reason: "cut"))
        bench.pass(.seconds(30 * 86_400))
        bench.tell(.wake(.policyAge))
        #expect(bench.stops.isEmpty)
    }
}
