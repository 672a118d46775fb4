import Glibc

/// Tells systemd that the process is ready, alive or stopping (sd_notify(3)); nothing elsewhere.
enum ServiceNotice {
    static func send(_ text: String) {
        guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), !path.isEmpty else {
            return
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // A leading @ means the abstract namespace, written as a zero byte.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let message = Array(text.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(socket, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }

    /// How often systemd wants to hear that the process lives: half of its patience.
    static var watchdogPeriod: Duration? {
        guard let text = getenv("WATCHDOG_USEC").map({ String(cString: $0) }),
            let microseconds = Int64(text), microseconds > 0
        else { return nil }
        return .microseconds(microseconds / 2)
    }
}
