import Glibc
import Synchronization

/// Runs work on a thread of its own with as little stack as any system gives one: 512 KiB, and 2 MiB
/// for a debug build, whose frames are larger.
package func onSmallStack<Answer: Sendable>(_ work: @escaping @Sendable () -> Answer) -> Answer {
    let errand = Errand(work)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, isDebug ? 2 << 20 : 512 << 10)
    var thread = pthread_t()
    let failure = pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument else { return nil }
            Unmanaged<Runnable>.fromOpaque(argument).takeUnretainedValue().run()
            return nil
        }, Unmanaged<Runnable>.passUnretained(errand).toOpaque())
    precondition(failure == 0, "no thread: \(failure)")
    pthread_join(thread, nil)
    return errand.outcome
}

/// What a C function can call without knowing what comes out.
private class Runnable {
    func run() {}
}

private final class Errand<Answer: Sendable>: Runnable {
    private let work: @Sendable () -> Answer
    private let answer = Mutex<Answer?>(nil)

    init(_ work: @escaping @Sendable () -> Answer) { self.work = work }

    override func run() {
        let result = work()
        answer.withLock { $0 = result }
    }

    var outcome: Answer {
        guard let answer = answer.withLock({ $0 }) else {
            preconditionFailure("the thread ended without an answer")
        }
        return answer
    }
}

private let isDebug: Bool = {
    #if DEBUG
        true
    #else
        false
    #endif
}()
