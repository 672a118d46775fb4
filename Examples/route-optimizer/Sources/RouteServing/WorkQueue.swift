import Synchronization

/// A few threads that take jobs from one bounded queue, so that a long computation never holds up
/// the thread that talks to the network.
struct WorkQueue {
    typealias Job = @Sendable () -> Void

    /// What the threads share. The bell rings once for each job, and once for each thread at the
    /// end.
    private final class Jobs: Sendable {
        struct State {
            var jobs: [Job] = []
            var isClosed = false
        }

        let state = Mutex(State())
        let bell: Bell

        init() throws(SystemFailure) { bell = try Bell() }

        func work() {
            while bell.wait(milliseconds: -1) {
                // Another thread may have been faster.
                guard bell.take() else { continue }
                let job = state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
                guard let job else { return }
                job()
            }
        }
    }

    private let jobs: Jobs
    private let limit: Int
    private let threads: [Thread]

    init(workers: Int, limit: Int) throws(SystemFailure) {
        let jobs = try Jobs()
        var threads: [Thread] = []
        for _ in 0..<workers { threads.append(try Thread { jobs.work() }) }
        self.jobs = jobs
        self.limit = limit
        self.threads = threads
    }

    /// False when the queue is full.
    func add(_ job: @escaping Job) -> Bool {
        let isAdded = jobs.state.withLock { state in
            guard state.jobs.count < limit, !state.isClosed else { return false }
            state.jobs.append(job)
            return true
        }
        if isAdded { jobs.bell.ring() }
        return isAdded
    }

    /// Finishes what was added and ends the threads.
    func close() {
        jobs.state.withLock { $0.isClosed = true }
        for _ in threads { jobs.bell.ring() }
        for thread in threads { thread.join() }
    }
}
