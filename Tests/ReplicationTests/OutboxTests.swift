import Model
import Replication
import Testing

@Suite struct OutboxTests {
    private let time = WallTime(milliseconds: 0)

    private func event(_ name: String) -> LogEntry.Body {
        .event(Event(at: time, node: "n1", reason: "Test", kind: .node, name: name, message: ""))
    }

    private func status(_ ordinal: Int) -> LogEntry.Body {
        .instance(
            InstanceStatus(
                id: InstanceID(workload: "web", ordinal: ordinal), node: "n1", site: "urban",
                tier: .critical, observedGeneration: 1, phase: .running, ready: true, restarts: 0,
                startedAt: nil, ports: [:], reason: "", message: "", observedAt: time))
    }

    @Test func `an entry is offered only once it is durable`() {
        var outbox = Outbox(entries: [], nextSequence: 1, limit: 8)
        _ = outbox.append(event("a"), at: time)
        _ = outbox.append(event("b"), at: time)
        #expect(outbox.take(8, window: 8).isEmpty)

        outbox.confirm(through: 1)
        #expect(outbox.take(8, window: 8).map(\.sequence) == [1])
    }

    @Test func `at most a window is sent without an answer`() {
        var outbox = Outbox(entries: [], nextSequence: 1, limit: 100)
        for index in 0..<20 { _ = outbox.append(event("\(index)"), at: time) }
        outbox.confirm(through: 20)
        #expect(outbox.take(4, window: 6).count == 4)
        #expect(outbox.take(4, window: 6).count == 2)
        #expect(outbox.take(4, window: 6).isEmpty)

        outbox.acknowledge(through: 3)
        #expect(outbox.take(4, window: 6).map(\.sequence) == [7, 8, 9])
    }

    @Test func `a new session sends again what was not acknowledged`() {
        var outbox = Outbox(entries: [], nextSequence: 1, limit: 100)
        for index in 0..<5 { _ = outbox.append(event("\(index)"), at: time) }
        outbox.confirm(through: 5)
        _ = outbox.take(5, window: 8)
        let isWhole = outbox.resume(after: 2)
        #expect(isWhole)
        #expect(outbox.take(5, window: 8).map(\.sequence) == [3, 4, 5])
    }

    @Test func `events go first, then what was said again, and the last word on an instance never`()
    {
        var outbox = Outbox(entries: [], nextSequence: 1, limit: 3)
        _ = outbox.append(status(0), at: time)
        _ = outbox.append(event("a"), at: time)
        _ = outbox.append(status(1), at: time)
        _ = outbox.append(status(0), at: time)  // sheds the event
        _ = outbox.append(.instanceRemoved(InstanceID(workload: "web", ordinal: 1)), at: time)
        #expect(outbox.dropped == 2)
        outbox.confirm(through: 5)
        #expect(outbox.take(8, window: 8).map(\.sequence) == [3, 4, 5])

        _ = outbox.append(status(2), at: time)
        #expect(!outbox.holds(3) && outbox.holds(4) && outbox.holds(5) && outbox.holds(6))
        _ = outbox.append(status(3), at: time)
        #expect(outbox.count == 4)
        _ = outbox.append(event("b"), at: time)
        #expect(outbox.count == 4 && !outbox.holds(8))
        #expect(outbox.dropped == 4)
    }

    @Test func `a log longer than its limit is cut at start, and the cut is counted`() {
        let entries = (1...10).map {
            LogEntry(sequence: UInt64($0), at: time, body: event("\($0)"))
        }
        let outbox = Outbox(entries: entries, nextSequence: 11, limit: 4)
        #expect(outbox.count == 4)
        #expect(outbox.dropped == 6)
    }

    @Test func `a reader that lost entries, or knows more than was said, shows as a gap`() {
        var lost = Outbox(entries: [], nextSequence: 11, limit: 8)
        let lostIsWhole = lost.resume(after: 4)
        #expect(!lostIsWhole)

        var wiped = Outbox(entries: [], nextSequence: 1, limit: 8)
        let wipedIsWhole = wiped.resume(after: 70)
        #expect(!wipedIsWhole)
        #expect(wiped.append(event("a"), at: time).sequence == 71)
    }
}
