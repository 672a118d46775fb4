import Machines
import Model
import Testing

/// The mesh of a site, as its hub keeps it and hears of it.
@Suite struct MeshHubTests {
    private func contact(_ number: Int, roster: RosterVersion = .none) -> MeshContact {
        MeshContact(
            key: String(repeating: "0\(number)", count: 32), address: "127.0.0.1:700\(number)",
            roster: roster)
    }

    private func rosters(_ bench: HubBench) -> [(session: UInt64, roster: Roster)] {
        bench.latest.compactMap {
            if case .dealRoster(let session, let roster) = $0 {
                (session.rawValue, roster)
            } else {
                nil
            }
        }
    }

    private func greet(_ bench: inout HubBench, _ number: Int, session: Int? = nil) {
        bench.greet(
            UInt64(session ?? number), node: NodeID("n\(number)"), mesh: contact(number))
    }

    /// Three nodes in contact.
    private func site() -> HubBench {
        var bench = HubBench()
        for number in 1...3 { bench.enrol(NodeID("n\(number)")) }
        for number in 1...3 { greet(&bench, number) }
        return bench
    }

    private func say(
        _ bench: inout HubBench, from number: Int, _ liveness: Liveness, of subject: NodeID,
        age: Duration = .seconds(1), isIsolated: Bool = false
    ) {
        var view = MeshView(
            node: "somebody", site: "elsewhere", address: "", roster: .none, at: bench.now.wall)
        view.isIsolated = isIsolated
        view.peers = [
            MeshSight(
                node: subject, liveness: liveness, since: bench.now.wall, age: Interval(age))
        ]
        bench.tell(.received(SessionID(rawValue: UInt64(number)), .mesh(view)))
    }

    private func state(of node: String, _ bench: HubBench) -> NodeState? {
        for case .node(let found) in bench.hub.objects(.node, at: bench.now.wall)
        where found.metadata.name == node {
            return found.status?.state
        }
        return nil
    }

    @Test func `whoever says where it is stands in the roster, which all in contact are dealt`() {
        let bench = site()
        #expect(rosters(bench).map(\.session).sorted() == [1, 2, 3])
        #expect(
            rosters(bench).allSatisfy { $0.roster.version == RosterVersion(epoch: 1, number: 3) })
        #expect(rosters(bench).first?.roster.members.map(\.node) == ["n1", "n2", "n3"])
    }

    @Test func `a roster leaves once it is durable, and not before`() {
        var bench = site()
        bench.enrol("n4")
        bench.storeIsQuick = false
        greet(&bench, 4)
        #expect(rosters(bench).isEmpty)
        bench.storeIsQuick = true
        while !bench.owed.isEmpty { bench.answerStore() }
        #expect(rosters(bench).count == 4)
        #expect(bench.disk.rosters.first?.members.count == 4)
    }

    @Test func `who has the newest is dealt none`() {
        var bench = site()
        bench.greet(
            4, node: "n1", mesh: contact(1, roster: RosterVersion(epoch: 1, number: 3)))
        #expect(rosters(bench).isEmpty)
    }

    @Test func `a node that is deleted, or takes part no more, leaves the roster`() {
        var bench = site()
        bench.ask(.delete(.node, name: "n2"))
        #expect(rosters(bench).map(\.session).sorted() == [1, 3])
        #expect(rosters(bench).first?.roster.members.map(\.node) == ["n1", "n3"])
        bench.greet(5, node: "n3", mesh: nil)
        #expect(rosters(bench).map(\.session) == [1])
        #expect(rosters(bench).first?.roster.members.map(\.node) == ["n1"])
    }

    @Test func `a hub that was restored counts on above what its nodes have`() {
        var bench = site()
        let ahead = RosterVersion(epoch: 1, number: 9)
        bench.greet(4, node: "n1", mesh: contact(1, roster: ahead))
        #expect(rosters(bench).allSatisfy { $0.roster.version > ahead })
        #expect(rosters(bench).count == 3)
    }

    @Test func `a number that no hub came to moves nothing`() {
        var bench = site()
        bench.greet(
            4, node: "n1", mesh: contact(1, roster: RosterVersion(epoch: 900, number: .max)))
        #expect(rosters(bench).isEmpty)
        bench.greet(5, node: "n1", mesh: contact(1, roster: RosterVersion(epoch: 1, number: .max)))
        #expect(rosters(bench).isEmpty)
        greet(&bench, 1, session: 6)
        #expect(rosters(bench).map(\.roster.version.number) == [3])
    }

    @Test func `a key or a place that is none keeps a node out`() {
        var bench = site()
        bench.enrol("n4")
        for bad in [
            MeshContact(key: "00", address: "127.0.0.1:1"),
            MeshContact(key: contact(4).key, address: "here\nmember n9 00 127.0.0.1:1"),
            MeshContact(key: contact(4).key, address: String(repeating: "9", count: 65)),
        ] {
            bench.greet(4, node: "n4", mesh: bad)
            #expect(rosters(bench).isEmpty)
        }
    }

    // MARK: - Vouched

    @Test func `a silent node that a peer in contact sees is vouched for`() {
        var bench = site()
        bench.tell(.closed(SessionID(rawValue: 1)))
        bench.pass(.seconds(5))
        #expect(state(of: "n1", bench) == .autonomous)
        say(&bench, from: 2, .alive, of: "n1")
        #expect(state(of: "n1", bench) == .vouched)
        greet(&bench, 1, session: 9)
        #expect(state(of: "n1", bench) == .ready)
    }

    @Test func `what was seen before the hub's own last word proves nothing`() {
        var bench = site()
        bench.pass(.seconds(5))
        bench.tell(.received(SessionID(rawValue: 1), .heartbeat(nil)))
        bench.tell(.closed(SessionID(rawValue: 1)))
        bench.pass(.seconds(1))
        say(&bench, from: 2, .alive, of: "n1", age: .seconds(3))
        #expect(state(of: "n1", bench) == .autonomous)
    }

    @Test func `more who call it failed than see it outvote them`() {
        var bench = site()
        bench.tell(.closed(SessionID(rawValue: 1)))
        bench.pass(.seconds(5))
        say(&bench, from: 2, .alive, of: "n1")
        say(&bench, from: 3, .failed, of: "n1")
        #expect(state(of: "n1", bench) == .autonomous)
    }

    @Test func `a peer that calls itself isolated, or fell silent, vouches for nobody`() {
        var bench = site()
        bench.tell(.closed(SessionID(rawValue: 1)))
        bench.pass(.seconds(5))
        say(&bench, from: 2, .alive, of: "n1", isIsolated: true)
        #expect(state(of: "n1", bench) == .autonomous)
        say(&bench, from: 3, .alive, of: "n1")
        #expect(state(of: "n1", bench) == .vouched)
        bench.tell(.closed(SessionID(rawValue: 3)))
        bench.tell(.wake(.sweep))
        #expect(state(of: "n1", bench) == .autonomous)
    }

    @Test func `a node vouches for members of its own mesh alone`() {
        var bench = site()
        bench.tell(.closed(SessionID(rawValue: 1)))
        bench.pass(.seconds(5))
        say(&bench, from: 2, .alive, of: "n7")
        #expect(bench.hub.meshViews(of: "urban")?.allSatisfy { $0.peers.isEmpty } == true)
        #expect(bench.hub.meshViews(of: "urban")?.map(\.node) == ["n2"])
    }

    @Test func `a vouched node is not replaced, and is once nobody sees it for long enough`() {
        var bench = site()
        var workload = web()
        workload.metadata.generation = 0
        workload.spec.disconnect = Disconnect(lostAfter: .seconds(300), replace: true)
        bench.ask(.apply([.workload(workload)], dryRun: false))
        #expect(bench.assignment(of: "web", to: "n1")?.ordinals == [0])
        bench.tell(.closed(SessionID(rawValue: 1)))
        for _ in 0..<60 {
            bench.pass(.seconds(10))
            for peer in 2...3 { say(&bench, from: peer, .alive, of: "n1") }
            bench.tell(.wake(.sweep))
        }
        #expect(bench.assignment(of: "web", to: "n2") == nil)
        for _ in 0..<29 {
            bench.pass(.seconds(10))
            for peer in 2...3 { say(&bench, from: peer, .failed, of: "n1") }
            bench.tell(.wake(.sweep))
        }
        #expect(bench.assignment(of: "web", to: "n2") == nil)
        bench.pass(.seconds(20))
        for peer in 2...3 { say(&bench, from: peer, .failed, of: "n1") }
        bench.tell(.wake(.sweep))
        #expect(bench.assignment(of: "web", to: "n2")?.ordinals == [0])
    }

    private func view(_ peers: [(NodeID, Liveness)]) -> MeshView {
        MeshView(
            node: "n1", site: "s", address: "", roster: RosterVersion(epoch: 1, number: 3),
            peers: peers.map {
                MeshSight(node: $0.0, liveness: $0.1, since: WallTime(milliseconds: 0))
            }, at: WallTime(milliseconds: 0))
    }

    @Test func `changes of a view make the whole of it at the hub`() throws {
        var bench = site()
        let before = view([("n2", .alive), ("n3", .alive)])
        let after = view([("n2", .alive), ("n3", .failed)])
        let changes = try #require(after.changes(since: before))
        #expect(changes.peers.map(\.node) == ["n3"])
        bench.tell(.received(SessionID(rawValue: 1), .mesh(before)))
        bench.tell(.received(SessionID(rawValue: 1), .mesh(changes)))
        let kept = try #require(bench.hub.meshViews(of: nil)?.first { $0.node == "n1" })
        #expect(kept.peers.map(\.liveness) == [.alive, .failed])
        #expect(kept.isChanges == nil)
        #expect(
            view([("n2", .alive)]).changes(since: before) == nil, "others belong than did")
    }

    @Test func `changes of what the hub does not have are not taken for all`() throws {
        var bench = site()
        var changes = view([("n3", .failed)])
        changes.isChanges = true
        bench.tell(.received(SessionID(rawValue: 1), .mesh(changes)))
        #expect(bench.hub.meshViews(of: nil)?.contains { $0.node == "n1" } == false)
    }
}
