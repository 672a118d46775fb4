import Glibc

/// An HTTP/1.1 server: one thread that talks, a few that compute.
///
/// Everything a client can make it hold is bounded: connections, bytes, waiting jobs and time.
package final class Server: Sendable {
    package enum Answer: Sendable {
        case ready(HTTPResponse)
        /// Takes long: runs on a worker.
        case work(@Sendable () -> HTTPResponse)
    }

    package struct Limits: Sendable {
        package var connections: Int
        package var waitingJobs: Int
        package var workers: Int
        /// Milliseconds for a whole request, from its first byte.
        package var request: Int
        /// Milliseconds between requests, and for a client to take its answer.
        package var idle: Int
        /// Milliseconds that requests under way are given after a stop.
        package var drain: Int

        package static let production = Limits(
            connections: 256, waitingJobs: 64, workers: 2, request: 10_000, idle: 30_000,
            drain: 800)
        package static let tight = Limits(
            connections: 4, waitingJobs: 2, workers: 1, request: 100, idle: 200, drain: 300)
    }

    /// The port it listens on: the one asked for, or the one the system picked for 0.
    package let port: Int

    private let listener: Descriptor
    private let limits: Limits
    private let answer: @Sendable (HTTPRequest) -> Answer

    /// Binds and listens. `host` is a numeric IPv4 address.
    package init(
        host: String, port: Int, limits: Limits = .production,
        answer: @escaping @Sendable (HTTPRequest) -> Answer
    ) throws(SystemFailure) {
        let purpose = "listening on \(host):\(port)"
        guard var address = socketAddress(host: host, port: port) else {
            throw SystemFailure(purpose, code: EINVAL)
        }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        listener = try Descriptor(socket(AF_INET, kind, 0), for: purpose)
        var yes: Int32 = 1
        setsockopt(listener.number, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = listener.number
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 && listen(number, 128) == 0
                    && getsockname(number, $0, &length) == 0
            }
        }
        guard isBound else { throw SystemFailure(purpose) }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        self.limits = limits
        self.answer = answer
    }

    /// Serves until `stop` rings, then finishes the requests under way and returns.
    package func run(until stop: Bell) throws(SystemFailure) {
        let queue = try WorkQueue(workers: limits.workers, limit: limits.waitingJobs)
        defer { queue.close() }
        var exchange = Exchange(
            limits: limits, answer: answer, queue: queue, finished: try Finished())
        var stopBy: Int?
        while true {
            if stopBy == nil, stop.take() {
                stopBy = now() + limits.drain
                // New callers are refused by the kernel at once, rather than left waiting.
                shutdown(listener.number, Int32(SHUT_RD))
                exchange.stop()
            }
            if let stopBy, exchange.isEmpty || now() >= stopBy { return }
            exchange.turn(listener: stopBy == nil ? listener : nil, stop: stop, until: stopBy)
        }
    }
}

/// Nil unless `host` is a numeric IPv4 address or `localhost`: a static binary has no resolver.
func socketAddress(host: String, port: Int) -> sockaddr_in? {
    var address = sockaddr_in()
    guard (0...65535).contains(port),
        inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr) == 1
    else { return nil }
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    return address
}
