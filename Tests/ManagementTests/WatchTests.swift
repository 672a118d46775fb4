import AsyncHTTPClient
import Foundation
import Management
import Model
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(1))) struct WatchTests {
    @Test func `a watcher gets the list, then what changed and what is gone`() async throws {
        let fleet = Fleet([node("n1", labels: ["zone": "x"]), node("n2", labels: ["zone": "y"])])
        try await withSocket(fleet, limits: .brisk) { client in
            let path = "/api/v1/nodes?watch=true&labelSelector=zone%3Dx"
            let response = try await client.open(.GET, path)
            #expect(response.headers.first(name: "content-type") == "text/event-stream")
            var events = EventReader(response)
            let first = try #require(try await events.nextEvent())
            #expect(first.event == "list")
            #expect(try names(in: first) == ["n1"])

            fleet.put(node("n3", labels: ["zone": "x"]))
            let added = try #require(try await events.nextEvent())
            #expect(added.event == "changed")
            #expect(try names(in: added) == ["n3"])

            // Of another zone: nobody who watches this zone hears of it.
            fleet.put(node("n2", labels: ["zone": "y", "gpu": "1"]))
            fleet.put(node("n1", labels: ["zone": "y"]))
            let removed = try #require(try await events.nextEvent())
            #expect(removed.event == "removed" && removed.data == #"{"names":["n1"]}"#)
        }
    }

    @Test func `a watcher hears a heartbeat while nothing changes`() async throws {
        try await withSocket(Fleet(), limits: .brisk) { client in
            var events = EventReader(try await client.open(.GET, "/api/v1/sites?watch=true"))
            #expect(try await events.next()?.event == "list")
            #expect(try await events.next()?.event == "comment")
            #expect(try await events.next()?.event == "comment")
        }
    }

    @Test func `many changes at once reach a watcher as few`() async throws {
        let fleet = Fleet()
        var limits = Limits.brisk
        limits.watchPause = .milliseconds(300)
        try await withSocket(fleet, limits: limits) { client in
            var events = EventReader(try await client.open(.GET, "/api/v1/nodes?watch=true"))
            #expect(try await events.nextEvent()?.event == "list")
            var seen: [String] = []
            var messages = 0
            for index in 0..<200 { fleet.put(node("n\(index)")) }
            while seen.count < 200, let message = try await events.nextEvent() {
                seen += try names(in: message)
                messages += 1
            }
            #expect(Set(seen).count == 200)
            #expect(messages <= 20)
        }
    }

    @Test func `watched events arrive once each, old ones of a late node too`() async throws {
        let fleet = Fleet()
        for index in 0..<3 { fleet.tell(event("\(index)", at: 100)) }
        try await withSocket(fleet, limits: .brisk) { client in
            let path = "/api/v1/events?limit=2&watch=true"
            var events = EventReader(try await client.open(.GET, path))
            var texts: [String] = []
            for _ in 0..<2 { texts.append(try await message(of: events.nextEvent())) }
            fleet.tell(event("late", at: 1))
            texts.append(try await message(of: events.nextEvent()))
            // The same once more is another event.
            fleet.tell(event("late", at: 1))
            texts.append(try await message(of: events.nextEvent()))
            #expect(texts == ["1", "2", "late", "late"])
        }
    }

    @Test func `the watch of a client that is gone ends`() async throws {
        let fleet = Fleet()
        try await withDirectory { directory in
            let path = directory + "/s"
            try await serving(fleet, on: .unixSocket(path: path)) { _ in
                try await withClient(base: unixBase(path)) { client in
                    var events = EventReader(
                        try await client.open(.GET, "/api/v1/nodes?watch=true"))
                    #expect(try await events.next()?.event == "list")
                }
                await fleet.untilNobodyWatches()
            }
        }
    }

    private func names(in message: EventReader.Message) throws -> [String] {
        try JSONDecoder().decode(ObjectList.self, from: Data(message.data.utf8)).items
            .map(\.metadata.name)
    }

    private func message(of message: EventReader.Message?) throws -> String {
        let message = try #require(message)
        #expect(message.event == "event")
        return try JSONDecoder().decode(Event.self, from: Data(message.data.utf8)).message
    }
}

extension Limits {
    /// The production bounds with a watcher's clock that suits a test.
    static var brisk: Limits {
        var limits = Limits.production
        limits.heartbeat = .milliseconds(20)
        limits.watchPause = .milliseconds(5)
        return limits
    }
}

/// Watches that go on where the last one broke, and lists in pages.
@Suite(.timeLimit(.minutes(1))) struct ResumptionTests {
    private func open(
        _ client: Client, _ path: String, behind id: String
    ) async throws -> EventReader {
        EventReader(
            try await client.open(.GET, path, headers: ["Last-Event-ID": id]))
    }

    @Test func `who goes on behind an event misses none and hears none twice`() async throws {
        let fleet = Fleet()
        for index in 0..<4 { fleet.tell(event("\(index)", at: 100)) }
        try await withSocket(fleet, limits: .brisk) { client in
            let path = "/api/v1/events?watch=true"
            var first = EventReader(try await client.open(.GET, path))
            var id = ""
            for _ in 0..<2 { id = try #require(try await first.nextEvent()).id }
            // While nobody listens, something happens, of a node that comes back with old news.
            fleet.tell(event("late", at: 1))
            var second = try await open(client, path, behind: id)
            var texts: [String] = []
            for _ in 0..<3 {
                let message = try #require(try await second.nextEvent())
                texts.append(
                    try JSONDecoder().decode(Event.self, from: Data(message.data.utf8)).message)
            }
            #expect(texts == ["2", "3", "late"])
            // Who missed nothing hears at once that it is back.
            let last = event("late", at: 1)
            var limits = Limits.production
            limits.heartbeat = .seconds(50)
            let quiet = Fleet()
            quiet.tell(last)
            try await withSocket(quiet, limits: limits) { client in
                var events = EventReader(try await client.open(.GET, path))
                let id = try #require(try await events.nextEvent()).id
                var again = try await open(client, path, behind: id)
                #expect(try await again.next()?.event == "comment")
            }
        }
    }

    @Test func `who was away for too long is told so and gets all that is kept`() async throws {
        let fleet = Fleet()
        fleet.tell(event("0"))
        try await withSocket(fleet, limits: .brisk) { client in
            for path in ["events", "decisions"] {
                var events = try await open(
                    client, "/api/v1/\(path)?watch=true", behind: "long-gone")
                #expect(try await events.nextEvent()?.event == "gap", "\(path)")
            }
        }
    }

    @Test func `who has the list already is sent only what changes`() async throws {
        let fleet = Fleet([node("n1")])
        try await withSocket(fleet, limits: .brisk) { client in
            let path = "/api/v1/nodes?watch=true"
            var first = EventReader(try await client.open(.GET, path))
            let id = try #require(try await first.nextEvent()).id
            var same = try await open(client, path, behind: id)
            #expect(try await same.next()?.event == "comment")
            fleet.put(node("n2"))
            #expect(try await same.nextEvent()?.event == "changed")
            var other = try await open(client, path, behind: id)
            #expect(try await other.nextEvent()?.event == "list")
        }
    }

    @Test func `records of the audit log go on behind the last one`() async throws {
        let fleet = Fleet([workload("a"), workload("b"), workload("c")])
        try await withSocket(fleet, limits: .brisk) { client in
            for name in ["a", "b", "c"] {
                _ = try await client.send(.DELETE, "/api/v1/workloads/\(name)")
            }
            var records = try await open(client, "/api/v1/audit?watch=true", behind: "2")
            let message = try #require(try await records.nextEvent())
            #expect(message.id == "3")
            let bad = try await client.send(
                .GET, "/api/v1/audit?watch=true", nil, headers: ["Last-Event-ID": "x"])
            #expect(bad.status == 400)
        }
    }

    @Test func `pages together are the list, also while it changes`() async throws {
        let fleet = Fleet((0..<10).map { node("n\($0)") })
        try await withSocket(fleet) { client in
            var names: [String] = []
            var mark: String?
            repeat {
                let path = "/api/v1/nodes?limit=3" + (mark.map { "&continue=\($0)" } ?? "")
                let page = try await client.get(path).decoded(Page.self)
                #expect(page.items.count <= 3)
                names += page.items.map(\.metadata.name)
                mark = page.continue
                // Gone is where the first page ended, and there is one that was passed.
                if names.count == 3 {
                    fleet.take(.node, "n2")
                    fleet.put(node("n0a"))
                }
            } while mark != nil
            #expect(names == (0..<10).map { "n\($0)" })
            let whole = try await client.get("/api/v1/nodes").decoded(Page.self)
            #expect(whole.continue == nil && whole.items.count == 10)
        }
    }

    @Test func `copies are paged in the order of their numbers`() async throws {
        let fleet = Fleet((0..<12).map { copy($0) })
        try await withSocket(fleet) { client in
            var seen: [String] = []
            var mark: String?
            repeat {
                let path = "/api/v1/instances?limit=5" + (mark.map { "&continue=\($0)" } ?? "")
                let page = try await client.get(path).decoded(Page.self)
                seen += page.items.map(\.metadata.name)
                mark = page.continue
            } while mark != nil
            #expect(Set(seen).count == 12 && seen.count == 12)
        }
    }

    @Test(arguments: [
        "limit=0", "limit=-1", "limit=x", "continue=%FF", "continue=", "limit=1&watch=true",
    ])
    func `a page that cannot be is refused`(query: String) async throws {
        try await withSocket(Fleet([node("n1")])) { client in
            let answer = try await client.get("/api/v1/nodes?\(query)")
            #expect(answer.status == 400)
        }
    }

    private struct Page: Decodable {
        var items: [Object]
        var `continue`: String?
    }

    private func copy(_ ordinal: Int) -> Object {
        guard case .instance(var copy) = instance("w", on: "n1") else { return node("n") }
        copy.status.id = InstanceID(workload: "w", ordinal: ordinal)
        return .instance(Instance(copy.status))
    }
}
