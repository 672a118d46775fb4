import Host
import Machines
import Synchronization
import Testing

@Suite struct StoreWriterTests {
    /// A store that can be held up and made to fail; it knows each commit.
    private final class Store: Sendable {
        struct Failing: Error {}

        private let state = Mutex<(commits: [[[Int]]], failures: Int)>(([], 0))

        init(failures: Int = 0) { state.withLock { $0.failures = failures } }

        var commits: [[[Int]]] { state.withLock { $0.commits } }

        func commit(_ batches: [[Int]]) throws {
            try state.withLock { state in
                if state.failures > 0 {
                    state.failures -= 1
                    throw Failing()
                }
                state.commits.append(batches)
            }
        }
    }

    private func ticket(_ number: UInt64) -> Ticket { Ticket(number: number) }

    /// Runs a writer until `count` tickets were told; answers them in the order they came.
    private func tickets(
        _ count: Int, of writer: StoreWriter<Int>,
        meanwhile: @escaping @Sendable (Ticket) -> Void = { _ in }
    ) async -> (told: [UInt64], failures: Int, returns: Int) {
        let told = Mutex<[UInt64]>([])
        let failures = Mutex(0)
        let returns = Mutex(0)
        await writer.run(
            persisted: { ticket in
                let heard = told.withLock { told in
                    told.append(ticket.number)
                    return told.count
                }
                meanwhile(ticket)
                if heard == count { writer.finish() }
            },
            failing: { _ in failures.withLock { $0 += 1 } },
            working: { returns.withLock { $0 += 1 } })
        return (told.withLock { $0 }, failures.withLock { $0 }, returns.withLock { $0 })
    }

    @Test func `what waits shares one commit, in order`() async {
        let store = Store()
        let writer = StoreWriter<Int>(failpoint: "test") { try store.commit($0) }
        for number in 1...5 { writer.add(ticket(UInt64(number)), [number]) }

        let (told, _, returns) = await tickets(5, of: writer)

        #expect(told == [1, 2, 3, 4, 5])
        #expect(returns == 0)
        #expect(store.commits == [[[1], [2], [3], [4], [5]]])
    }

    @Test func `what comes while tickets are told is in the next commit`() async {
        let store = Store()
        let writer = StoreWriter<Int>(failpoint: "test") { try store.commit($0) }
        writer.add(ticket(1), [1])

        let (told, _, _) = await tickets(3, of: writer) { heard in
            guard heard.number == 1 else { return }
            writer.add(Ticket(number: 2), [2])
            writer.add(Ticket(number: 3), [3])
        }

        #expect(told == [1, 2, 3])
        #expect(store.commits == [[[1]], [[2], [3]]])
    }

    @Test func `a failing store is tried again with the same batches in the same order`() async {
        let store = Store(failures: 2)
        let writer = StoreWriter<Int>(failpoint: "test") { try store.commit($0) }
        for number in 1...3 { writer.add(ticket(UInt64(number)), [number, -number]) }

        let (told, failures, returns) = await tickets(3, of: writer)

        // Told once each, however often it was tried.
        #expect(failures == 1)
        #expect(returns == 1)
        #expect(told == [1, 2, 3])
        #expect(store.commits == [[[1, -1], [2, -2], [3, -3]]])
    }

    @Test func `a batch with nothing in it is told in its turn and costs no commit`() async {
        let store = Store()
        let writer = StoreWriter<Int>(failpoint: "test") { try store.commit($0) }
        #expect(!writer.add(ticket(1), [1]))
        #expect(!writer.add(ticket(2), []))

        let (told, _, _) = await tickets(2, of: writer)

        #expect(told == [1, 2])
        #expect(store.commits == [[[1]]])
    }

    @Test func `who wrote nothing does not wait for what others write without a ticket`() async {
        let store = Store()
        let writer = StoreWriter<Int>(failpoint: "test") { try store.commit($0) }
        writer.add([7], within: .seconds(60))
        #expect(writer.add(ticket(1), []))
        #expect(store.commits.isEmpty)
        writer.add(ticket(2), [2])
        #expect(!writer.add(ticket(3), []))

        let (told, _, _) = await tickets(2, of: writer)
        #expect(told == [2, 3])
        #expect(store.commits == [[[7], [2]]])
        #expect(writer.add(ticket(4), []))
    }

    @Test func `while the store fails nothing is settled without it`() async {
        let store = Store(failures: 2)
        let writer = StoreWriter<Int>(failpoint: "test") { try store.commit($0) }
        let settled = Mutex<[Bool]>([])
        writer.add([7], within: .zero)
        await writer.run(
            persisted: { _ in writer.finish() },
            failing: { _ in
                settled.withLock { $0.append(writer.add(Ticket(number: 1), [])) }
            }, working: {})
        #expect(settled.withLock { $0 } == [false])
    }
}
