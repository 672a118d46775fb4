@preconcurrency import Dispatch
import Glibc
import Model
import Synchronization

/// Holds on to one process so that its number cannot come to mean another one.
///
/// Closes its descriptor with the last reference.
final class ProcessHandle: Sendable {
    let pid: pid_t
    private let descriptor: Int32

    /// Nil where the process is gone and collected. A process that was given a number freed in
    /// between must be told apart by its start time after this.
    init?(pid: pid_t) {
        let descriptor = HiddenCalls.openPidfd(pid, 0)
        guard descriptor >= 0 else { return nil }
        self.pid = pid
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Whether the process has ended, collected or not.
    var hasExited: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    /// Whether its number and its group's are sure to be its own still, though it has ended.
    var isUncollectedChild: Bool {
        var information = siginfo_t()
        return waitid(P_PIDFD, id_t(descriptor), &information, WEXITED | WNOHANG | WNOWAIT) == 0
    }

    /// The exit code of an own child that ended, once; nil for anybody else's.
    ///
    /// Death by a signal counts as 128 and its number, as in a shell.
    func collect() -> Int? {
        var information = siginfo_t()
        guard waitid(P_PIDFD, id_t(descriptor), &information, WEXITED | WNOHANG) == 0,
            information._sifields._sigchld.si_pid == pid
        else { return nil }
        let status = Int(information._sifields._sigchld.si_status)
        return Int(information.si_code) == Int(CLD_EXITED) ? status : 128 + status
    }

    /// Signals the process and all others of its group. For a leader that is alive, or an
    /// uncollected child: the number of any other may have come to mean somebody else.
    func signalGroup(_ signal: Int32) {
        kill(-pid, signal)
    }

    /// Waits for the end of the process, at most this long.
    func exited(within limit: Duration) async -> Bool {
        if hasExited { return true }
        await withCheckedContinuation { continuation in
            let once = Once(continuation)
            let notice = ExitNotice(self) { once.resume() }
            once.keep(notice)
            DispatchQueue.global().asyncAfter(
                deadline: .now() + .nanoseconds(Int(clamping: limit.nanoseconds))
            ) { once.resume() }
        }
        return hasExited
    }

    /// A descriptor of its own for whoever waits, so that each may close what it opened.
    fileprivate func duplicate() -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }
}

/// Calls back once when a process ends. Stops with the last reference.
final class ExitNotice: Sendable {
    private let source: any DispatchSourceRead

    init(_ process: ProcessHandle, _ notify: @escaping @Sendable () -> Void) {
        let descriptor = process.duplicate()
        let source = DispatchSource.makeReadSource(
            fileDescriptor: descriptor, queue: .global())
        source.setEventHandler {
            source.cancel()
            notify()
        }
        source.setCancelHandler { close(descriptor) }
        source.activate()
        self.source = source
    }

    deinit { source.cancel() }
}

/// Resumes a continuation for whichever of two causes comes first.
private final class Once: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Void, Never>?
        var notice: ExitNotice?
    }
    private let state: Mutex<State>

    init(_ continuation: CheckedContinuation<Void, Never>) {
        state = Mutex(State(continuation: continuation))
    }

    /// Keeps the notice alive until one of the causes came.
    func keep(_ notice: ExitNotice) {
        state.withLock { if $0.continuation != nil { $0.notice = notice } }
    }

    func resume() {
        let (continuation, notice) = state.withLock { state in
            defer { state = State() }
            return (state.continuation, state.notice)
        }
        continuation?.resume()
        withExtendedLifetime(notice) {}
    }
}
