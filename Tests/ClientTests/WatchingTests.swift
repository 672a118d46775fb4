import Client
import Foundation
import Model
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct WatchingTests {
    /// A hub whose link breaks behind each of these answers, and that then sends the client away.
    private static func serve(
        _ answers: [[(String, any Encodable & Sendable)]], listing list: EventList? = nil,
        on stage: Stage, _ body: () async throws -> Void
    ) async throws -> Failure? {
        let rest = Mutex(answers[...])
        return try await TestServer.serve(on: stage.socket) { asked in
            if let list, !asked.path.contains("watch=true") { return .json(list) }
            guard let next = rest.withLock({ $0.popFirst() }) else {
                return .json(Refusal(.denied, "go away"), status: 403)
            }
            return .events(next)
        } _: { _ in
            await failure { try await body() }
        }
    }

    private func watch(_ kind: Kind, format: Format = .table) throws -> Watch {
        try Watch(
            [Target(kind)], selector: Selector(), format: format, headings: true, limits: .tight)
    }

    @Test func `a watch shows the list, changes and removals`() async throws {
        let stage = try Stage()
        let end = try await Self.serve(
            [
                [
                    ("list", Fleet.list([Fleet.nodes[0]])), ("news-from-the-future", 3),
                    ("changed", Fleet.list([Fleet.nodes[1]])),
                    ("removed", ["names": ["urban-1"]]),
                ]
            ], on: stage
        ) { try await watch(.node).run(in: stage.session()) }
        #expect(end?.code == .denied)
        let lines = stage.shown.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[0].hasPrefix("NAME "))
        #expect(lines[2].hasPrefix("suburban-1 "))
        #expect(lines[3] == "node/urban-1 removed")
    }

    @Test func `behind a break a watch shows what changed meanwhile and nothing twice`()
        async throws
    {
        let stage = try Stage()
        let later = Fleet.node("suburban-1", site: "suburban", seen: 1, cordoned: true)
        let cutOff = Fleet.node("rural-1", site: "rural", .ready, seen: 1)
        let end = try await Self.serve(
            [
                [("list", Fleet.list(Fleet.nodes))], [], [],
                [("list", Fleet.list([later, cutOff]))],
                [("list", Fleet.list([later, cutOff]))],
            ], on: stage
        ) { try await watch(.node).run(in: stage.session()) }
        #expect(end?.code == .denied)
        let lines = stage.shown.split(separator: "\n").dropFirst(4)
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("rural-1 ") == true)
        #expect(lines.last == "node/urban-1 removed")
        let remarks = stage.remarks.split(separator: "\n")
        #expect(remarks.count == 5)
        #expect(remarks.first?.hasSuffix("trying again") == true)
        #expect(remarks.dropFirst().first == "in contact again")
    }

    @Test func `a watch that was never in contact ends at once`() async throws {
        let stage = try Stage()
        let end = await failure { try await watch(.node).run(in: stage.session()) }
        #expect(end?.code == .unreachable)
    }

    @Test func `following events says nothing twice, but an equal event is another one`()
        async throws
    {
        @Sendable func event(_ name: String) -> Event {
            Event(
                at: Fleet.ago(40), node: "urban-1", severity: .normal, reason: "Started",
                kind: .instance, name: name, message: "runs")
        }
        @Sendable func messages(_ names: [String]) -> [(String, any Encodable & Sendable)] {
            names.map { ("event", event($0)) }
        }
        let stage = try Stage()
        let first = ["old", "listed", "new", "listed"]
        let end = try await Self.serve(
            [messages(first), [], messages(first + ["late", "new"])],
            listing: EventList(items: [event("old"), event("listed")], asOf: Fleet.now), on: stage
        ) {
            try await Events(
                about: nil, limit: 1, follows: true, format: .table, headings: false,
                limits: .tight
            ).run(in: stage.session())
        }
        #expect(end?.code == .denied)
        let told = stage.shown.split(separator: "\n").map { line in
            ["old", "listed", "new", "late"].first { line.contains("instance/\($0) ") } ?? "?"
        }
        #expect(told == ["listed", "new", "listed", "late", "new"])
    }
}
