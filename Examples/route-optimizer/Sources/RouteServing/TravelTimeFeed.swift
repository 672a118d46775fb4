import Glibc
package import RouteOptimizing
import Synchronization

/// Fetches travel factors again and again, and forgets them when they have grown old.
///
/// Nothing here can fail a request: without usable factors the static speed holds.
package final class TravelTimeFeed: Sendable {
    package struct Address: Equatable, Sendable {
        package let host: String
        package let port: Int
        package let path: String

        /// Reads `http://HOST:PORT/PATH`, where the host is a numeric IPv4 address or `localhost`;
        /// nil for anything else.
        package init?(_ text: String) {
            let prefix = "http://"
            guard text.hasPrefix(prefix) else { return nil }
            let rest = text.dropFirst(prefix.count)
            let authority = rest.prefix { $0 != "/" }
            let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
            guard (1...2).contains(parts.count),
                let port = parts.count == 2 ? Int(parts[1]) : 80, (1...65535).contains(port),
                socketAddress(host: String(parts[0]), port: port) != nil,
                rest.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
            else { return nil }
            host = String(parts[0])
            self.port = port
            path = authority.count == rest.count ? "/" : String(rest.dropFirst(authority.count))
        }
    }

    package struct Limits: Sendable {
        /// Milliseconds between two fetches, for one fetch, and until factors are stale.
        package var period: Int
        package var timeout: Int
        package var stale: Int

        package static let production = Limits(period: 30_000, timeout: 2000, stale: 120_000)
        package static let tight = Limits(period: 20, timeout: 500, stale: 300)
    }

    package static let answerMax = 64 * 1024

    private let address: Address
    private let limits: Limits
    private let latest = Mutex<(factors: TravelFactors, at: Int)?>(nil)

    package init(address: Address, limits: Limits = .production) {
        self.address = address
        self.limits = limits
    }

    /// Nil when there are none that are fresh enough.
    package var factors: TravelFactors? {
        latest.withLock { latest in
            guard let latest, now() - latest.at <= limits.stale else { return nil }
            return latest.factors
        }
    }

    /// Fetches until `stop` rings.
    package func run(until stop: Bell) {
        repeat {
            if let factors = fetch() { latest.withLock { $0 = (factors, now()) } }
        } while !stop.wait(milliseconds: Int32(clamping: limits.period))
    }

    private func fetch() -> TravelFactors? {
        let deadline = now() + limits.timeout
        guard let socket = connect(by: deadline) else { return nil }
        let request =
            "GET \(address.path) HTTP/1.0\r\nHost: \(address.host):\(address.port)\r\n"
            + "Connection: close\r\n\r\n"
        guard case .bytes(request.utf8.count) = socket.write(Array(request.utf8)[...]),
            let answer = readAll(socket, by: deadline)
        else { return nil }
        return TravelTimeFeed.factors(in: answer)
    }

    private func connect(by deadline: Int) -> Descriptor? {
        guard var address = socketAddress(host: address.host, port: address.port) else {
            return nil
        }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        do {
            let socket = try Descriptor(Glibc.socket(AF_INET, kind, 0), for: "reaching the feed")
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(
                        socket.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard result == 0 || errno == EINPROGRESS,
                ready(socket, for: POLLOUT, by: deadline)
            else { return nil }
            return socket
        } catch {
            // No descriptors left: the same to a caller as a feed that does not answer.
            return nil
        }
    }

    private func readAll(_ socket: Descriptor, by deadline: Int) -> [UInt8]? {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while answer.count <= TravelTimeFeed.answerMax, ready(socket, for: POLLIN, by: deadline) {
            switch socket.read(into: &buffer) {
            case .bytes(let count): answer += buffer[..<count]
            case .later: continue
            case .closed: return answer
            }
        }
        return nil
    }

    private func ready(_ socket: Descriptor, for events: Int32, by deadline: Int) -> Bool {
        var entry = pollfd(fd: socket.number, events: Int16(events), revents: 0)
        return poll(&entry, 1, Int32(clamping: max(0, deadline - now()))) > 0
    }

    /// The factors in a whole HTTP answer; nil unless it says 200.
    private static func factors(in answer: [UInt8]) -> TravelFactors? {
        let status = String(decoding: answer.prefix(12), as: UTF8.self)
        guard status == "HTTP/1.1 200" || status == "HTTP/1.0 200" else { return nil }
        let blank: [UInt8] = [13, 10, 13, 10]
        guard
            let end = answer.indices.dropLast(3).first(where: {
                answer[$0] == 13 && answer[$0..<($0 + 4)].elementsEqual(blank)
            })
        else { return nil }
        do {
            return TravelFactors(try JSON(parsing: Array(answer[(end + 4)...])))
        } catch {
            // A feed that sends nonsense is a feed that is absent.
            return nil
        }
    }

    /// A feed for demonstrations and tests: slow at the rush hours, free at night.
    package static func demonstration(_ request: HTTPRequest) -> Server.Answer {
        guard request.path == "/factors" || request.path == "/healthz" else {
            return .ready(.refusal(404, ["no such path; try /factors"]))
        }
        if request.path == "/healthz" { return .ready(HTTPResponse(text: "ok")) }
        let rush: [Int: Double] = [7: 1.4, 8: 1.8, 9: 1.5, 16: 1.4, 17: 1.9, 18: 1.6]
        let factors = (0..<24).map { JSON.number(rush[$0] ?? 1) }
        return .ready(
            HTTPResponse(status: 200, json: .object([JSON.Field("factors", .array(factors))])))
    }
}
