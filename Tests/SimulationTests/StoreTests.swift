import Model
import Simulation
import Testing

/// The stores of the simulator against what a real store promises.
@Suite struct StoreTests {
    private func entry(_ sequence: UInt64, _ body: LogEntry.Body? = nil) -> LogEntry {
        let event = Event(
            at: WallTime(milliseconds: 0), node: "n1", reason: "Test", kind: .node, name: "n1",
            message: "")
        return LogEntry(
            sequence: sequence, at: WallTime(milliseconds: 0), body: body ?? .event(event))
    }

    private func node(_ cordoned: Bool) -> Node {
        Node(metadata: Metadata(name: "n1"), spec: NodeSpec(site: "s1", cordoned: cordoned))
    }

    @Test func `an empty node store is an empty snapshot`() {
        #expect(NodeStore(logCap: 8).load() == NodeSnapshot())
    }

    @Test func `a node store shows the last word on each thing`() {
        var store = NodeStore(logCap: 8)
        let record = InstanceRecord(
            id: InstanceID(workload: "web", ordinal: 0), generation: 1, containers: [], ports: [:])
        var later = record
        later.restarts = 2
        for write: NodeWrite in [
            .document(Document(key: .node("n1"), revision: 1, content: .node(node(false)))),
            .document(Document(key: .site("s1"), revision: 2, content: .deleted)),
            .document(Document(key: .node("n1"), revision: 3, content: .node(node(true)))),
            .removeDocument(.site("s1")), .appliedRevision(3), .instance(record),
            .instance(later), .epoch(4),
        ] { store.apply(write) }

        let snapshot = store.load()
        #expect(snapshot.documents.map(\.revision) == [3])
        #expect(snapshot.instances == [later])
        #expect(snapshot.appliedRevision == 3)
        #expect(snapshot.epoch == 4)
        store.apply(.removeInstance(record.id))
        #expect(store.load().instances.isEmpty)
    }

    @Test func `the next sequence outlives the entries`() {
        var store = NodeStore(logCap: 8)
        for sequence in 1...5 { store.apply(.append(entry(UInt64(sequence)))) }
        store.apply(.trimLog(through: 5))
        #expect(store.load().log.isEmpty)
        #expect(store.load().nextSequence == 6)
    }

    @Test func `a full log gives up events first and the last word on an instance never`() {
        var store = NodeStore(logCap: 3)
        let gone = LogEntry.Body.instanceRemoved(InstanceID(workload: "web", ordinal: 0))
        store.apply(.append(entry(1, gone)))
        for sequence in 2...6 { store.apply(.append(entry(UInt64(sequence)))) }
        #expect(store.load().log.map(\.sequence) == [1, 5, 6])
        #expect(store.shed == 3)
    }

    @Test func `a hub store keeps the head of a feed whose documents are gone`() {
        var store = HubStore(eventCap: 4)
        store.apply(.node(node(false)))
        store.apply(.document("n1", Document(key: .site("s1"), revision: 7, content: .deleted)))
        store.apply(.forgetDocument("n1", .site("s1")))
        let state = store.load().nodes.first
        #expect(state?.documents == [])
        #expect(state?.headRevision == 7)
    }

    @Test func `a removed node leaves nothing behind`() {
        var store = HubStore(eventCap: 4)
        store.apply(.node(node(false)))
        store.apply(.placement("web", ["n1": [0], "n2": [1]]))
        store.apply(.acknowledged("n1", sequence: 9))
        store.apply(.removeNode("n1"))
        store.apply(.node(node(false)))
        let snapshot = store.load()
        #expect(snapshot.nodes.first?.acknowledged == 0)
        #expect(snapshot.placements == ["web": ["n2": [1]]])
    }

    @Test func `a hub store keeps the newest events`() {
        var store = HubStore(eventCap: 2)
        for index in 1...5 {
            store.apply(
                .event(
                    Event(
                        at: WallTime(milliseconds: Int64(index)), node: nil, reason: "Test",
                        kind: .node, name: "n1", message: "")))
        }
        #expect(store.load().events.map(\.at.milliseconds) == [4, 5])
    }
}
