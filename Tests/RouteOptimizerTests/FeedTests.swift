import RouteOptimizing
import RouteServing
import Testing

@Suite(.timeLimit(.minutes(2))) struct FeedTests {
    @Test func `a feed that answers turns the mode to full, and its silence turns it back`() throws
    {
        let stop = try Bell()
        let server = try Server(host: "127.0.0.1", port: 0) { TravelTimeFeed.demonstration($0) }
        let address = try #require(
            TravelTimeFeed.Address("http://127.0.0.1:\(server.port)/factors"))
        let feed = TravelTimeFeed(address: address, limits: .tight)
        let stopFeed = try Bell()
        let fetching = try Background { feed.run(until: stopFeed) }
        defer { fetching.join(ringing: stopFeed) }
        let serving = try Background { try server.run(until: stop) }
        until { feed.factors != nil }
        #expect(feed.factors?.at(minute: 8 * 60) == 1.8)
        serving.join(ringing: stop)
        until { feed.factors == nil }
    }

    @Test(arguments: ["/nowhere", "/healthz"])
    func `a feed that answers something else is as good as none`(path: String) throws {
        let stop = try Bell()
        let asked = try Bell()
        let server = try Server(host: "127.0.0.1", port: 0) { request in
            asked.ring()
            return TravelTimeFeed.demonstration(request)
        }
        let address = try #require(TravelTimeFeed.Address("http://127.0.0.1:\(server.port)\(path)"))
        let feed = TravelTimeFeed(address: address, limits: .tight)
        let stopFeed = try Bell()
        let serving = try Background { try server.run(until: stop) }
        defer { serving.join(ringing: stop) }
        let fetching = try Background { feed.run(until: stopFeed) }
        defer { fetching.join(ringing: stopFeed) }
        // The third question comes after two answers have been looked at.
        for _ in 0..<3 { while !asked.take() { _ = asked.wait(milliseconds: -1) } }
        #expect(feed.factors == nil)
    }

    @Test(arguments: [
        "", "http://", "https://127.0.0.1/", "http://example.org/", "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/", "http://127.0.0.1:1:2/", "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
    ])
    func `an address that cannot be used is refused`(text: String) {
        #expect(TravelTimeFeed.Address(text) == nil)
    }

    @Test func `an address may leave out port and path`() {
        #expect(TravelTimeFeed.Address("http://127.0.0.1")?.port == 80)
        #expect(TravelTimeFeed.Address("http://127.0.0.1")?.path == "/")
        #expect(TravelTimeFeed.Address("http://localhost:81/a?b")?.path == "/a?b")
    }
}
