import Foundation
import Model
import Storage
import Testing

@Suite struct NodeStoreTests {
    @Test func `an empty store loads as a node that knows nothing`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            #expect(store.opening == .fresh(lost: nil))
            #expect(try store.load() == NodeSnapshot())
        }
    }

    @Test func `what was committed is there after the store is opened again`() throws {
        try withDirectory { directory in
            let first = try NodeStore(directory: directory, options: .tight)
            try first.commit([
                [.document(document("b", revision: 2)), .document(document("a", revision: 3))],
                [.appliedRevision(3), .instance(record(10)), .instance(record(2)), .epoch(6)],
                [.append(entry(1, .event(event("up")))), .append(entry(2, .instance(status(2))))],
            ])
            first.close()

            let second = try NodeStore(directory: directory, options: .tight)
            #expect(second.opening == .clean)
            #expect(
                try second.load()
                    == NodeSnapshot(
                        documents: [document("a", revision: 3), document("b", revision: 2)],
                        appliedRevision: 3, instances: [record(2), record(10)],
                        log: [
                            entry(1, .event(event("up"))), entry(2, .instance(status(2))),
                        ], nextSequence: 3, epoch: 6))
        }
    }

    @Test func `what a version does not know of a document is still there for the next one`() throws
    {
        try withDirectory { directory in
            let decoder = JSONDecoder()
            decoder.userInfo[Document.keepsReceived] = true
            let text =
                #"{"content":{"node":{"_0":{"metadata":{"name":"n1"},"#
                + #""spec":{"cordoned":true,"mood":"calm","site":"rural"}}}},"#
                + #""key":{"kind":"Node","name":"n1"},"revision":7}"#
            let received = try decoder.decode(Document.self, from: Data(text.utf8))
            let first = try NodeStore(directory: directory, options: .tight)
            try first.commit([[.document(received)]])
            first.close()
            let second = try NodeStore(directory: directory, options: .tight)
            let loaded = try #require(try second.load().documents.first)
            let written = String(decoding: try JSONEncoder().encode(loaded), as: UTF8.self)
            #expect(written.contains(#""mood":"calm""#))
        }
    }

    @Test func `the highest version of a policy outlives its document`() throws {
        try withDirectory { directory in
            func policy(_ version: Int, revision: UInt64) -> NodeWrite {
                let bundle = PolicyBundle(
                    key: "k", signature: "s",
                    payload: ["head", "name freeze", "version \(version)"])
                return .document(
                    Document(key: .policy("freeze"), revision: revision, content: .policy(bundle)))
            }
            let first = try NodeStore(directory: directory, options: .tight)
            try first.commit([[policy(7, revision: 1), .removeDocument(.policy("freeze"))]])
            first.close()
            let second = try NodeStore(directory: directory, options: .tight)
            #expect(try second.load().policyFloors == ["freeze": 7])
            try second.commit([[policy(3, revision: 2)]])
            #expect(try second.load().policyFloors == ["freeze": 7])
        }
    }

    @Test func `removed things are gone and replaced things are new`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            let newer = document("a", revision: 5, text: "newer")
            try store.commit([
                [.document(document("a", revision: 1)), .document(document("b", revision: 2))]
            ])
            try store.commit([
                [
                    .document(newer), .removeDocument(.site("b")), .instance(record(1)),
                    .removeInstance(record(1).id),
                ]
            ])
            let snapshot = try store.load()
            #expect(snapshot.documents == [newer])
            #expect(snapshot.instances.isEmpty)
        }
    }

    @Test func `sequences go on where they were after the whole log was trimmed`() throws {
        try withDirectory { directory in
            let first = try NodeStore(directory: directory, options: .tight)
            for sequence in 1...5 as ClosedRange<UInt64> {
                try first.commit([[.append(entry(sequence, .event(event("e"))))]])
            }
            try first.commit([[.trimLog(through: 5)]])
            first.close()

            let second = try NodeStore(directory: directory, options: .tight)
            let snapshot = try second.load()
            #expect(snapshot.log.isEmpty)
            #expect(snapshot.nextSequence == 6)
        }
    }

    @Test func `a write that cannot be stored leaves nothing of its whole group`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            try store.commit([[.epoch(1)]])
            #expect(throws: StoreError.self) {
                try store.commit([
                    [.document(document("a", revision: 1))], [.epoch(2), .appliedRevision(.max)],
                ])
            }
            #expect(try store.load() == NodeSnapshot(epoch: 1))
            try store.commit([[.epoch(3)]])
            #expect(try store.load().epoch == 3)
        }
    }

    @Test func `committing the same writes twice changes nothing`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            let batches: [[NodeWrite]] = [
                [.document(document("a", revision: 1)), .append(entry(1, .event(event("e"))))]
            ]
            try store.commit(batches)
            let before = try store.load()
            try store.commit(batches)
            #expect(try store.load() == before)
        }
    }

    @Test func `a full log sheds events first and counts them`() throws {
        try withDirectory { directory in
            let cap = StoreOptions.tight.logEntries
            let store = try NodeStore(directory: directory, options: .tight)
            let removed = entry(1, .instanceRemoved(InstanceID(workload: "shop", ordinal: 9)))
            var batch: [NodeWrite] = [.append(removed), .append(entry(2, .instance(status(1))))]
            for sequence in 3...UInt64(cap + 1) {
                batch.append(.append(entry(sequence, .event(event("e")))))
            }
            try store.commit([batch])

            let log = try store.load().log
            #expect(log.count <= cap)
            #expect(Array(log.prefix(2)) == [removed, entry(2, .instance(status(1)))])
            #expect(log.last?.sequence == UInt64(cap + 1))
            #expect(store.shed == UInt64(cap + 1 - log.count))
            store.close()
            let again = try NodeStore(directory: directory, options: .tight)
            #expect(again.shed == store.shed)
        }
    }

    @Test func `without events a full log sheds only statuses that a newer entry replaces`() throws
    {
        try withDirectory { directory in
            let cap = StoreOptions.tight.logEntries
            let store = try NodeStore(directory: directory, options: .tight)
            // Ten statuses of one instance, then more instances than the log has room for.
            let old = (1...10).map { entry(UInt64($0), .instance(status(0, restarts: $0))) }
            let others = (1...cap).map { entry(UInt64(10 + $0), .instance(status($0))) }
            try store.commit([(old + others).map(NodeWrite.append)])

            let log = try store.load().log
            #expect(log == [old[9]] + others, "above the cap, yet nothing of this may go")
            #expect(store.shed == 9)
        }
    }

    @Test func `sequences survive shedding`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            for sequence in 1...200 as ClosedRange<UInt64> {
                try store.commit([[.append(entry(sequence, .event(event("e"))))]])
            }
            #expect(try store.load().nextSequence == 201)
            try store.commit([[.trimLog(through: .max)]])
            #expect(try store.load().nextSequence == 201)
        }
    }

    @Test func `commits from many threads are all kept`() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/skerry-\(UUID().uuidString)"
        let store = try NodeStore(directory: path, options: .production)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sequence in 1...40 as ClosedRange<UInt64> {
                group.addTask {
                    try store.commit([[.append(entry(sequence, .event(event("e"))))]])
                }
            }
            try await group.waitForAll()
        }
        #expect(try store.load().log.map(\.sequence) == Array(1...40))
        store.close()
        try FileManager.default.removeItem(atPath: path)
    }

    @Test func `a number that is none survives in a document`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            let site = Site(
                metadata: Metadata(name: "a"),
                spec: SiteSpec(location: Location(latitude: .infinity, longitude: 1)))
            let odd = Document(key: .site("a"), revision: 1, content: .site(site))
            try store.commit([[.document(odd)]])
            #expect(try store.load().documents == [odd])
        }
    }

    @Test func `a closed store says so`() throws {
        try withDirectory { directory in
            let store = try NodeStore(directory: directory, options: .tight)
            store.close()
            store.close()
            #expect(throws: StoreError.closed(directory: directory)) {
                try store.commit([[.epoch(1)]])
            }
            #expect(throws: StoreError.closed(directory: directory)) { try store.load() }
        }
    }
}
