import NIOCore

/// Runs a task on an event loop. What takes less time than the handshake around it is done before
/// another thread has woken up.
private final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}

extension EventLoopPromise where Value: Sendable {
    /// Completes with what `body` returns, which runs where the promise is kept.
    func completeOnLoop(_ body: @escaping @Sendable () async -> Value) {
        Task(executorPreference: LoopExecutor(futureResult.eventLoop)) { succeed(await body()) }
    }
}
