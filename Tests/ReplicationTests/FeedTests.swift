import Model
import Replication
import Testing

@Suite struct FeedTests {
    private func content(_ cordoned: Bool) -> Document.Content {
        .node(
            Node(
                metadata: Metadata(name: "n1"),
                spec: NodeSpec(site: "urban", cordoned: cordoned)))
    }

    @Test func `a reader catches up with the newest document of each key`() {
        var feed = Feed()
        for index in 0..<5 { _ = feed.publish(content(index.isMultiple(of: 2)), for: .node("n1")) }
        _ = feed.publish(content(true), for: .node("n2"))

        #expect(feed.documents(after: 0).map(\.revision) == [5, 6])
        #expect(feed.documents(after: 5).map(\.revision) == [6])
        #expect(feed.publish(content(true), for: .node("n2")) == nil)
    }

    @Test func `a tombstone stays until the reader holds it`() {
        var feed = Feed()
        _ = feed.publish(content(true), for: .node("n1"))
        _ = feed.publish(.deleted, for: .node("n1"))
        #expect(feed.confirm(through: 1).isEmpty)
        #expect(feed.documents(after: 1).map(\.content) == [.deleted])
        #expect(feed.confirm(through: 2) == [.node("n1")])
        #expect(feed.documents(after: 0).isEmpty)
        #expect(feed.head == 2)
    }

    @Test func `any order of losses leaves a replica equal to its feed`() {
        var random = Random(seed: 7)
        for _ in 0..<200 {
            var feed = Feed()
            var replica = Replica(documents: [], through: 0)
            for _ in 0..<40 {
                let key = DocumentKey.node(NodeID("n\(random.next() % 4)"))
                let isDeleted = random.chance(0.3)
                _ = feed.publish(isDeleted ? .deleted : content(random.chance(0.5)), for: key)
                guard random.chance(0.4) else { continue }
                var batch = feed.documents(after: replica.through)[...]
                // A cut may lose the end of what was sent.
                while let document = batch.popFirst(), random.chance(0.8) {
                    _ = replica.take(
                        [document], through: batch.isEmpty ? feed.head : document.revision)
                }
                if random.chance(0.5) { _ = feed.confirm(through: replica.through) }
            }
            _ = replica.take(feed.documents(after: replica.through), through: feed.head)
            let wanted = feed.keys.compactMap { key in
                feed[key] == .deleted ? nil : feed[key]
            }
            #expect(replica.contents == wanted)
        }
    }

    @Test func `an older batch changes nothing`() {
        var replica = Replica(documents: [], through: 0)
        let new = Document(key: .node("n1"), revision: 5, content: content(true))
        let old = Document(key: .node("n1"), revision: 3, content: content(false))
        #expect(!replica.take([new], through: 5).isEmpty)
        #expect(replica.take([old], through: 4).isEmpty)
        #expect(replica[.node("n1")] == content(true))
    }

    @Test func `an inbox passes over what it has seen`() {
        var inbox = Inbox(last: 2)
        let entries = (1...4).map {
            LogEntry(
                sequence: UInt64($0), at: WallTime(milliseconds: 0),
                body: .instanceRemoved(InstanceID(workload: "web", ordinal: $0)))
        }
        #expect(inbox.take(entries).map(\.sequence) == [3, 4])
        #expect(inbox.take(entries).isEmpty)
    }

    @Test func `a back-off spreads over its whole window and never leaves it`() {
        var random = Random(seed: 1)
        var backoff = Backoff(cap: .seconds(60))
        for attempt in 0..<1_000 {
            let window = min(60, 1 << min(attempt, 6))
            let wait = backoff.next(first: .seconds(1), using: &random)
            #expect(wait >= .zero && wait <= .seconds(window))
        }
        let waits = (0..<1_000).map { _ in backoff.next(first: .seconds(1), using: &random) }
        #expect(waits.count { $0 < .seconds(15) } > 150)
        #expect(waits.count { $0 > .seconds(45) } > 150)
    }
}
