import Machines
import Model
import Testing
import Trust

@Suite struct KeyDealTests {
    private struct Deal: Equatable {
        let node: NodeID
        let peers: [NodeID]
        let hand: KeyHand
    }

    private func deals(_ bench: HubBench) -> [Deal] {
        bench.latest.compactMap { effect -> Deal? in
            guard case .dealKeys(_, let node, let peers, let hand) = effect else { return nil }
            return Deal(node: node, peers: peers, hand: hand)
        }
    }

    /// A hub with two nodes, of which the first is in contact and has what it was dealt.
    private func bench() -> HubBench {
        var bench = HubBench()
        bench.enrol("n1")
        bench.enrol("n2")
        bench.greet(1, node: "n1")
        return bench
    }

    @Test func `a node is dealt keys with its peers for today and three more days`() throws {
        let bench = bench()
        let today = KeyDay(of: bench.now.wall).number
        #expect(deals(bench).map(\.node) == ["n1"])
        #expect(deals(bench).map(\.peers) == [["n2"]])
        #expect(deals(bench).map(\.hand.day) == [today + 3])
    }

    @Test func `a node alone at its site is dealt none`() {
        var bench = HubBench()
        bench.enrol("n1")
        bench.greet(1, node: "n1")
        #expect(deals(bench).isEmpty)
    }

    @Test func `what a node says it has is not dealt again, and a new day is`() throws {
        var bench = bench()
        let hand = try #require(deals(bench).first).hand
        bench.tell(.wake(.sweep))
        #expect(deals(bench).isEmpty)
        bench.greet(2, node: "n1", keys: hand)
        #expect(deals(bench).isEmpty)
        // It was lost on the way.
        bench.greet(3, node: "n1", keys: nil)
        #expect(deals(bench).map(\.hand) == [hand])
        bench.now.wall = bench.now.wall + .seconds(86_400)
        bench.tell(.wake(.sweep))
        #expect(deals(bench).map(\.hand.day) == [hand.day + 1])
        #expect(deals(bench).map(\.hand.roster) == [hand.roster])
    }

    @Test func `nodes that come and go are heard of by those in contact`() throws {
        var bench = bench()
        let roster = try #require(deals(bench).first).hand.roster
        bench.enrol("n3")
        bench.tell(.wake(.sweep))
        #expect(deals(bench).map(\.peers) == [["n2", "n3"]])
        #expect(deals(bench).allSatisfy { $0.hand.roster != roster })
        bench.ask(.delete(.node, name: "n3"))
        bench.tell(.wake(.sweep))
        #expect(deals(bench).map(\.peers) == [["n2"]])
        #expect(deals(bench).map(\.hand.roster) == [roster])
    }

    @Test func `a site beyond what a mesh holds has keys for the first by name`() {
        var bench = HubBench(limits: .tight)
        for number in 1...9 { bench.enrol(NodeID("n\(number)")) }
        for (session, node) in [(1, "n8"), (2, "n9")] as [(UInt64, NodeID)] {
            bench.greet(session, node: node)
            #expect(deals(bench).map(\.peers.count) == (node == "n8" ? [7] : []))
        }
    }
}
