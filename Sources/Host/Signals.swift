import Dispatch
import Glibc

/// The wish of a person or of systemd to stop: SIGINT and SIGTERM, as a stream.
enum Signals {
    static func stops() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(2)) { continuation in
            // Signal sources are safe to use from any thread, which Dispatch does not declare.
            nonisolated(unsafe) let sources = [SIGINT, SIGTERM].map { number in
                // The default action would end the process before the source is heard.
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number)
                source.setEventHandler { continuation.yield() }
                source.activate()
                return source
            }
            continuation.onTermination = { _ in
                for source in sources { source.cancel() }
            }
        }
    }
}
