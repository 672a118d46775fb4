import Dispatch
import Glibc

/// The wish of a person, of systemd or of a parent process to stop, as a stream.
enum Signals {
    enum Stop: Sendable {
        case asked
        /// Standard input ended. Nobody is left to ask, or to insist.
        case abandoned
    }

    /// SIGINT and SIGTERM, and with `endsWithInput` also the end of standard input: the kernel
    /// closes the pipe of a parent that was killed, which could say nothing more itself.
    static func stops(endsWithInput: Bool) -> AsyncStream<Stop> {
        AsyncStream(bufferingPolicy: .bufferingNewest(3)) { continuation in
            // Signal sources are safe to use from any thread, which Dispatch does not declare.
            nonisolated(unsafe) let sources = [SIGINT, SIGTERM].map { number in
                // The default action would end the process before the source is heard.
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number)
                source.setEventHandler { continuation.yield(.asked) }
                source.activate()
                return source
            }
            // The same holds for this one.
            nonisolated(unsafe) let input =
                endsWithInput ? endOfInput { continuation.yield(.abandoned) } : nil
            continuation.onTermination = { _ in
                for source in sources { source.cancel() }
                input?.cancel()
            }
        }
    }

    /// Reads and forgets what comes; the end is all that is waited for.
    private static func endOfInput(
        _ heard: @escaping @Sendable () -> Void
    ) -> any DispatchSourceRead {
        let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO)
        source.setEventHandler {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count > 0 || count < 0 && (errno == EINTR || errno == EAGAIN) { return }
            source.cancel()
            heard()
        }
        source.activate()
        return source
    }
}
