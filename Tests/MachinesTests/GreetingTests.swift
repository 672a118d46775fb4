import Machines
import Model
import Testing

/// What a node says of itself when it meets its hub, with a disk that is behind.
@Suite struct GreetingTests {
    @Test func `the greeting names only what is durable here`() {
        var bench = AgentBench()
        bench.list()
        bench.join()
        bench.storeIsQuick = false
        bench.deliver([assigned(web())], from: 1)
        bench.tell(.linkDown(reason: "reset"))
        bench.tell(.wake(.reconnect))

        bench.tell(.linkUp)
        guard case .hello(let hello) = bench.sent.first else {
            Issue.record("expected a greeting, got \(bench.latest)")
            return
        }
        #expect(hello.appliedRevision == 0)
    }

    @Test
    func `the greeting says what is on its way to disk, and what is held is told once it is there`()
    {
        var bench = AgentBench()
        bench.list()
        bench.join([assigned(web())])
        bench.storeIsQuick = false
        bench.deliver([.site(Site(metadata: Metadata(name: "urban"), spec: SiteSpec()))], from: 2)
        bench.tell(.linkDown(reason: "gone", isSilent: false))
        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)
        let hello = bench.sent.compactMap { message -> Hello? in
            if case .hello(let hello) = message { hello } else { nil }
        }
        #expect(hello.map(\.appliedRevision) == [1])
        #expect(hello.map(\.takenRevision) == [2])

        bench.welcome()
        bench.tell(.received(.inventory))
        #expect(bench.holdings == nil)
        while !bench.owed.isEmpty, bench.holdings == nil { bench.answerStore() }
        #expect(bench.holdings?.map(\.revision) == [1, 2])
        bench.tell(.received(.inventory))
        #expect(bench.sent.count == 1)
    }

    @Test func `what became durable during the greeting is confirmed when it is sent again`() {
        var bench = AgentBench()
        bench.list()
        bench.join()
        bench.storeIsQuick = false
        bench.deliver([assigned(web())], from: 1)
        bench.tell(.linkDown(reason: "reset"))
        bench.tell(.wake(.reconnect))
        bench.tell(.linkUp)
        while !bench.owed.isEmpty { bench.answerStore() }
        bench.storeIsQuick = true
        bench.welcome()

        bench.deliver([assigned(web())], from: 1)
        #expect(bench.sent.contains(.applied(revision: 1)))
    }
}
