import Client
import Foundation
import Model
import Testing

/// Lists that come in pages, and watches that go on where they broke.
@Suite(.timeLimit(.minutes(1))) struct PageTests {
    private struct Page: Encodable {
        var items: [Object]
        var asOf = Fleet.now
        var `continue`: String?
    }

    @Test func `a list of several pages is asked for to its end`() async throws {
        let stage = try Stage()
        let nodes = (1...3).map { Fleet.node("n\($0)", site: "rural") }
        try await TestServer.serve(on: stage.socket) { asked in
            switch asked.path {
            case "/api/v1/nodes": .json(Page(items: [nodes[0]], continue: "a/b"))
            case "/api/v1/nodes?limit=500&continue=a%2Fb":
                .json(Page(items: [nodes[1]], continue: "c"))
            case "/api/v1/nodes?limit=500&continue=c": .json(Page(items: [nodes[2]]))
            default: nil
            }
        } _: { _ in
            let list = try await stage.session().connection.list(.node)
            #expect(list.items == nodes)
        }
    }

    @Test func `a stream of events gives each its place`() throws {
        var stream = EventStream()
        let text = "id: 7\nevent: a\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\n"
        let messages = try stream.append(Array(text.utf8))
        #expect(messages.map(\.id) == ["7", "7", ""])
    }
}
