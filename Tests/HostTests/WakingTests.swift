import Host
import Model
import Testing

@Suite struct TimersTests {
    private static let past = Instant(nanoseconds: 0)
    /// Some thirty years of uptime.
    private static let farAhead = Instant(nanoseconds: 1 << 60)

    /// What fires of a set of wishes, until `count` have.
    private func fired(_ count: Int, _ wish: (Timers<String>) -> Void) async -> [String] {
        let (stream, feed) = AsyncStream.makeStream(of: String.self)
        let timers = Timers<String> { feed.yield($0) }
        wish(timers)
        var fired: [String] = []
        for await wake in stream {
            fired.append(wake)
            if fired.count == count { break }
        }
        return fired
    }

    @Test func `what is due fires, also behind a wish far ahead`() async {
        let fired = await fired(3) { timers in
            // Far ahead first, so that the nearer wishes have to bring the timer forward.
            timers.set("never", at: TimersTests.farAhead)
            timers.set("second", at: TimersTests.past + .milliseconds(2))
            timers.set("third", at: TimersTests.past + .milliseconds(3))
            timers.set("first", at: TimersTests.past + .milliseconds(1))
        }
        #expect(Set(fired) == ["first", "second", "third"])
    }

    @Test func `a later wish replaces an earlier one for the same reason`() async {
        let fired = await fired(1) { timers in
            timers.set("moved", at: TimersTests.farAhead)
            timers.set("moved", at: TimersTests.past)
        }
        #expect(fired == ["moved"])
    }
}

@Suite struct ObserversTests {
    @Test func `many changes before a look are one`() async {
        let observers = Observers()
        var changes = observers.changes().makeAsyncIterator()
        for _ in 1...5 { observers.notify() }
        #expect(await changes.next() != nil)

        // A second look would wait for ever unless something changed again.
        observers.notify()
        #expect(await changes.next() != nil)
    }

    @Test func `every observer is told, also when another one has gone`() async {
        let observers = Observers()
        var first = Optional(observers.changes())
        var second = observers.changes().makeAsyncIterator()
        #expect(first != nil)
        first = nil
        observers.notify()
        #expect(await second.next() != nil)
    }
}
