import Glibc
import Synchronization

/// Places at which a test may end this process as a power cut would.
///
/// `SKERRY_FAILPOINT=name:count` kills it with SIGKILL the count-th time `name` is reached. Only
/// builds with assertions look: in a release build this is nothing.
enum Failpoint {
    #if DEBUG
        private static let armed: (name: String, count: Int)? = {
            guard let text = getenv("SKERRY_FAILPOINT").map({ String(cString: $0) }) else {
                return nil
            }
            let parts = text.split(separator: ":")
            return (String(parts.first ?? ""), parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
        }()
        private static let reached = Mutex(0)

        static func reach(_ name: String) {
            guard let armed, armed.name == name else { return }
            let isDue = reached.withLock { count in
                count += 1
                return count == armed.count
            }
            if isDue { kill(getpid(), SIGKILL) }
        }
    #else
        @inline(__always) static func reach(_ name: @autoclosure () -> String) {}
    #endif
}
