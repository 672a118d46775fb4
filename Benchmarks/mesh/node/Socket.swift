import Glibc
import Model

/// A datagram socket of IPv4, as the kernel gives it: nothing waits but `poll`.
final class DatagramSocket {
    struct Failure: Error {
        let doing: String
        let code: Int32

        var text: String { "cannot \(doing): \(String(cString: strerror(code)))" }
    }

    let descriptor: Int32

    init(bind address: String) throws(Failure) {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(doing: "open a socket", code: errno) }
        guard var name = Self.parse(address) else {
            throw Failure(doing: "read the address \(address)", code: EINVAL)
        }
        let result = Self.with(&name) { Glibc.bind(descriptor, $0, $1) }
        guard result == 0 else { throw Failure(doing: "bind to \(address)", code: errno) }
    }

    deinit { close(descriptor) }

    /// Sends or does not; a datagram that the kernel has no room for is one that was lost.
    func send(_ bytes: [UInt8], to address: String) {
        guard var name = Self.parse(address) else { return }
        _ = Self.with(&name) { pointer, length in
            bytes.withUnsafeBytes {
                sendto(descriptor, $0.baseAddress, $0.count, 0, pointer, length)
            }
        }
    }

    /// The next datagram that is there, and where it came from.
    func receive() -> (bytes: [UInt8], from: String)? {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 2048) { buffer, used in
            count = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(descriptor, buffer.baseAddress, buffer.count, 0, $0, &length)
                }
            }
            used = max(0, count)
        }
        return count < 0 ? nil : (bytes, Self.text(of: name))
    }

    /// Waits until something is there or the time is up.
    func wait(atMost limit: Duration, or other: Int32? = nil) {
        var all = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        if let other { all.append(pollfd(fd: other, events: Int16(POLLIN), revents: 0)) }
        // Rounded up: a millisecond too early would be a turn for nothing.
        let milliseconds = (max(0, limit.nanoseconds) + 999_999) / 1_000_000
        poll(&all, nfds_t(all.count), Int32(clamping: milliseconds))
    }

    private static func with<Answer>(
        _ name: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Answer
    ) -> Answer {
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// `10.0.0.1:7946`.
    private static func parse(_ text: String) -> sockaddr_in? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        return inet_pton(AF_INET, String(parts[0]), &name.sin_addr) == 1 ? name : nil
    }

    private static func text(of name: sockaddr_in) -> String {
        let host = UInt32(bigEndian: name.sin_addr.s_addr)
        let bytes = [24, 16, 8, 0].map { String(host >> UInt32($0) & 255) }
        return bytes.joined(separator: ".") + ":" + String(UInt16(bigEndian: name.sin_port))
    }
}

/// Both clocks of this machine.
func currentMoment() -> Moment {
    var steady = timespec()
    clock_gettime(CLOCK_MONOTONIC, &steady)
    var wall = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    return Moment(
        monotonic: Instant(
            nanoseconds: Int64(steady.tv_sec) * 1_000_000_000 + Int64(steady.tv_nsec)),
        wall: WallTime(milliseconds: Int64(wall.tv_sec) * 1000 + Int64(wall.tv_nsec) / 1_000_000))
}

/// Writes a whole line, which a reader on the other side of a pipe sees at once.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    var sent = 0
    while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes {
            write(STDOUT_FILENO, $0.baseAddress, $0.count)
        }
        guard count > 0 else { return }
        sent += count
    }
}
