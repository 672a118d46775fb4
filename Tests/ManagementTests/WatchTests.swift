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
            #expect(removed == .init(event: "removed", data: #"{"names":["n1"]}"#))
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
