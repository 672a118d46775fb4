import Foundation
import Model
import Storage
import Testing

@Suite struct HubStoreTests {
    private let till = Node(metadata: Metadata(name: "till"), spec: NodeSpec(site: "harbour"))
    private let shelf = Node(metadata: Metadata(name: "shelf"), spec: NodeSpec(site: "harbour"))

    @Test func `what was committed is there after the store is opened again`() throws {
        try withDirectory { directory in
            let first = try HubStore(directory: directory, options: .tight)
            let site = Site(metadata: Metadata(name: "harbour"), spec: SiteSpec())
            let workload = Workload(
                metadata: Metadata(name: "shop"),
                spec: WorkloadSpec(
                    tier: .critical, containers: [ContainerSpec(name: "main", image: "shop:1")]))
            let token = JoinToken(
                id: "t1", secretDigest: "d", site: "harbour",
                expiresAt: WallTime(milliseconds: 1_000), usedBy: "till")
            let tombstone = Document(key: .site("gone"), revision: 1, content: .deleted)
            try first.commit([
                [.site(site), .node(till), .node(shelf), .workload(workload), .token(token)],
                [.placement("shop", ["till": [0, 2], "shelf": [1]]), .epoch(4)],
                [
                    .document("till", document("a", revision: 2)), .document("till", tombstone),
                    .instance("till", status(2)), .acknowledged("till", sequence: 8),
                    .appliedRevision("till", 1), .contact("till", WallTime(milliseconds: 99)),
                ],
                [.event(event("first")), .event(event("second"))],
            ])
            first.close()

            let expected = HubSnapshot(
                sites: [site],
                nodes: [
                    HubSnapshot.NodeState(node: shelf),
                    HubSnapshot.NodeState(
                        node: till, documents: [tombstone, document("a", revision: 2)],
                        headRevision: 2, appliedRevision: 1, acknowledged: 8,
                        instances: [status(2)], lastSeen: WallTime(milliseconds: 99)),
                ],
                workloads: [workload], placements: ["shop": ["till": [0, 2], "shelf": [1]]],
                tokens: [token], events: [event("first"), event("second")], epoch: 4)
            let second = try HubStore(directory: directory, options: .tight)
            #expect(second.opening == .clean)
            #expect(try second.load() == expected)
        }
    }

    @Test func `a removed node leaves nothing behind, and its neighbour everything`() throws {
        try withDirectory { directory in
            let store = try HubStore(directory: directory, options: .tight)
            func traces(of id: NodeID) -> [HubWrite] {
                [
                    .document(id, document("a", revision: 9)), .instance(id, status(1)),
                    .acknowledged(id, sequence: 5), .contact(id, WallTime(milliseconds: 1)),
                ]
            }
            try store.commit([
                [.node(till), .node(shelf), .placement("shop", ["till": [0], "shelf": [1]])],
                traces(of: "till"), traces(of: "shelf"),
            ])
            try store.commit([[.removeNode("till")]])
            let after = try store.load()
            #expect(after.nodes.map(\.node) == [shelf])
            #expect(after.nodes.first?.headRevision == 9)
            #expect(after.placements == ["shop": ["shelf": [1]]])

            // Enrolled again under the same name it starts from nothing.
            try store.commit([[.node(till)]])
            #expect(try store.load().nodes.last == HubSnapshot.NodeState(node: till))
        }
    }

    @Test func `the head of a feed outlives its documents`() throws {
        try withDirectory { directory in
            let store = try HubStore(directory: directory, options: .tight)
            try store.commit([[.node(till), .document("till", document("a", revision: 7))]])
            try store.commit([[.forgetDocument("till", .site("a"))]])
            let node = try #require(try store.load().nodes.first)
            #expect(node.documents.isEmpty)
            #expect(node.headRevision == 7)
        }
    }

    @Test func `removing takes away exactly what is named`() throws {
        try withDirectory { directory in
            let store = try HubStore(directory: directory, options: .tight)
            let site = Site(metadata: Metadata(name: "harbour"), spec: SiteSpec())
            let token = JoinToken(
                id: "t1", secretDigest: "d", site: "harbour",
                expiresAt: WallTime(milliseconds: 1_000))
            try store.commit([
                [.site(site), .node(till), .token(token), .placement("shop", ["till": [0]])],
                [.instance("till", status(0)), .instance("till", status(1))],
            ])
            try store.commit([
                [.removeSite("harbour"), .removeToken(id: "t1"), .removeWorkload("shop")],
                [.removeInstance("till", status(0).id)],
            ])
            let after = try store.load()
            #expect(after.sites.isEmpty && after.tokens.isEmpty && after.placements.isEmpty)
            #expect(after.nodes.first?.instances == [status(1)])
        }
    }

    @Test func `events above the cap go, oldest first, and are counted`() throws {
        try withDirectory { directory in
            let cap = StoreOptions.tight.events
            let store = try HubStore(directory: directory, options: .tight)
            try store.commit([(0..<cap + 5).map { .event(event("\($0)")) }])
            #expect(try store.load().events.map(\.message) == (5..<cap + 5).map(String.init))
            #expect(store.shed == 5)
        }
    }
}
