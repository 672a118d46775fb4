import Glibc
import RouteServing
import Synchronization
import Testing

/// A client's end of a connection to this machine, blocking.
final class Socket {
    private let number: Int32

    init(port: Int) throws {
        number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Refused() }
    }

    deinit { close(number) }

    struct Refused: Error {}

    func send(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Refused() }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Tells the server that nothing more will be asked.
    func finish() { shutdown(number, Int32(SHUT_WR)) }

    /// Everything until the server hangs up.
    func readAll() throws -> String {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(number, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Refused() }
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += buffer[..<count]
        }
    }

    /// Waits until one of `sockets` has something to read.
    static func awaitAny(of sockets: [Socket]) {
        var entries = sockets.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        poll(&entries, nfds_t(entries.count), -1)
    }
}

func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nConnection: close\r\n\r\n" }

func post(_ body: String) -> String {
    "POST /route HTTP/1.1\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

func ask(_ port: Int, _ request: String) throws -> String {
    let socket = try Socket(port: port)
    try socket.send(request)
    socket.finish()
    return try socket.readAll()
}

/// Runs `body` against a route optimiser on a port of its own.
func serving(limits: Server.Limits = .production, _ body: (Int) throws -> Void) throws {
    let routes = Routes(node: "edge", feed: nil)
    let stop = try Bell()
    let server = try Server(host: "127.0.0.1", port: 0, limits: limits) { routes.answer($0) }
    let background = try Background { try server.run(until: stop) }
    defer { background.join(ringing: stop) }
    try body(server.port)
}

/// Something that runs in a thread of its own during a test, and must not fail.
final class Background {
    private final class Failure: Sendable {
        let text = Mutex<String?>(nil)
    }

    private let failure: Failure
    private let thread: Thread

    init(_ run: @escaping @Sendable () throws -> Void) throws {
        let failure = Failure()
        thread = try Thread {
            do { try run() } catch { failure.text.withLock { $0 = "\(error)" } }
        }
        self.failure = failure
    }

    /// Rings what ends it, and waits for the end.
    func join(ringing stop: Bell) {
        stop.ring()
        thread.join()
        #expect(failure.text.withLock { $0 } == nil)
    }
}

/// Waits for a thread that signals nothing; the time limit of the suite ends it.
func until(_ condition: () -> Bool) {
    while !condition() { sched_yield() }
}
