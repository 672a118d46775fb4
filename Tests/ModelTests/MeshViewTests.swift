import Model
import Testing

@Suite struct MeshViewTests {
    private func view(_ peers: [(NodeID, Liveness)], loss: Double = 0) -> MeshView {
        MeshView(
            node: "n1", site: "s", address: "", roster: RosterVersion(epoch: 1, number: 3),
            peers: peers.map {
                MeshSight(
                    node: $0.0, liveness: $0.1, since: WallTime(milliseconds: 0), lossHere: loss)
            }, at: WallTime(milliseconds: 0))
    }

    @Test func `what changed and what was said before make the whole view`() throws {
        let before = view([("n2", .alive), ("n3", .alive)])
        let after = view([("n2", .alive), ("n3", .failed)])
        let changes = try #require(after.changes(since: before))
        #expect(changes.peers.map(\.node) == ["n3"])
        #expect(before.merged(with: changes) == after)
    }

    @Test func `small moves of the loss are not said, and add up to one that is`() throws {
        let before = view([("n2", .alive)], loss: 0.4)
        #expect(view([("n2", .alive)], loss: 0.45).changes(since: before)?.peers.isEmpty == true)
        #expect(view([("n2", .alive)], loss: 0.51).changes(since: before)?.peers.count == 1)
    }

    @Test func `where others belong the view is whole`() {
        #expect(view([("n2", .alive)]).changes(since: view([("n3", .alive)])) == nil)
    }
}
