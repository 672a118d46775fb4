import Glibc
import Synchronization

/// Answers that workers have finished, on their way back to the thread that talks.
final class Finished: Sendable {
    let bell: Bell
    private let answers = Mutex<[(connection: Int, response: HTTPResponse)]>([])

    init() throws(SystemFailure) { bell = try Bell() }

    func add(_ response: HTTPResponse, for connection: Int) {
        answers.withLock { $0.append((connection, response)) }
        bell.ring()
    }

    func takeAll() -> [(connection: Int, response: HTTPResponse)] {
        while bell.take() {}
        return answers.withLock { list in
            defer { list = [] }
            return list
        }
    }
}

/// All open connections, as the one thread that talks sees them.
struct Exchange {
    private let limits: Server.Limits
    private let answer: @Sendable (HTTPRequest) -> Server.Answer
    private let queue: WorkQueue
    private let finished: Finished
    private var connections: [Int: Connection] = [:]
    private var nextID = 0
    private var isStopping = false
    private var scratch = [UInt8](repeating: 0, count: 64 * 1024)

    init(
        limits: Server.Limits, answer: @escaping @Sendable (HTTPRequest) -> Server.Answer,
        queue: WorkQueue, finished: Finished
    ) {
        self.limits = limits
        self.answer = answer
        self.queue = queue
        self.finished = finished
    }

    var isEmpty: Bool { connections.isEmpty }

    /// Closes the connections on which nothing is under way.
    mutating func stop() {
        isStopping = true
        connections = connections.filter { $0.value.isBusy }
    }

    /// Waits for something to happen, and deals with it.
    mutating func turn(listener: Descriptor?, stop: Bell, until: Int?) {
        let ids = connections.keys.sorted()
        var entries = [
            pollfd(fd: finished.bell.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: until == nil ? stop.number : -1, events: Int16(POLLIN), revents: 0),
            // A full house leaves new callers in the kernel's queue.
            pollfd(
                fd: connections.count < limits.connections ? listener?.number ?? -1 : -1,
                events: Int16(POLLIN), revents: 0),
        ]
        entries += ids.map { id in
            let connection = connections[id]
            return pollfd(
                fd: connection?.socket.number ?? -1, events: connection?.events ?? 0, revents: 0)
        }
        let deadlines = connections.values.compactMap(\.deadline) + (until.map { [$0] } ?? [])
        let wait = deadlines.min().map { Int32(clamping: max(0, $0 - now())) } ?? -1
        guard poll(&entries, nfds_t(entries.count), wait) >= 0 else { return }

        for (id, response) in finished.takeAll() {
            reply(response, to: id)
            proceed(id)
        }
        for (id, entry) in zip(ids, entries.dropFirst(3)) where entry.revents != 0 {
            advance(id, entry.revents)
        }
        if entries[2].revents != 0, let listener { accept(listener) }
        expire()
    }

    private mutating func accept(_ listener: Descriptor) {
        while connections.count < limits.connections {
            let number = Glibc.accept(listener.number, nil, nil)
            guard number >= 0 else { return }
            do {
                let socket = try Descriptor(number, for: "accepting a connection")
                try neverWait(number)
                var yes: Int32 = 1
                setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
                connections[nextID] = Connection(socket: socket, deadline: now() + limits.idle)
                nextID += 1
            } catch {
                return
            }
        }
    }

    private mutating func advance(_ id: Int, _ revents: Int16) {
        guard let connection = connections[id] else { return }
        switch connection.state {
        case .reading, .leaving: read(id)
        case .writing:
            write(id)
            proceed(id)
        // Nothing was asked for, so this is the client going away.
        case .computing: connections[id] = nil
        }
    }

    private mutating func read(_ id: Int) {
        guard let socket = connections[id]?.socket else { return }
        switch socket.read(into: &scratch) {
        case .bytes(let count):
            guard connections[id]?.isReading == true else { return }
            if connections[id]?.reader.isEmpty == true {
                connections[id]?.deadline = now() + limits.request
            }
            connections[id]?.reader.append(scratch[..<count])
            proceed(id)
        case .later: return
        case .closed: connections[id] = nil
        }
    }

    /// Answers the requests that have been read, until one needs a worker or the answers no longer
    /// fit into the socket. A loop, since a client may send any number of them at once.
    private mutating func proceed(_ id: Int) {
        while connections[id]?.isReading == true, let step = connections[id]?.reader.next() {
            switch step {
            case .more: return
            case .permit: _ = connections[id]?.socket.write(Exchange.permission[...])
            case .refuse(let response):
                connections[id]?.keepsAlive = false
                reply(response, to: id)
            case .request(let request):
                connections[id]?.keepsAlive = request.keepsAlive
                switch answer(request) {
                case .ready(let response): reply(response, to: id)
                case .work(let work): compute(work, for: id)
                }
            }
        }
    }

    /// Milliseconds that a client has to hang up.
    private static let leave = 1000
    private static let permission = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    private mutating func compute(_ work: @escaping @Sendable () -> HTTPResponse, for id: Int) {
        connections[id]?.state = .computing
        connections[id]?.deadline = nil
        if !queue.add({ [finished] in finished.add(work(), for: id) }) {
            var busy = HTTPResponse.refusal(503, ["too many requests are waiting; try again"])
            busy.headers = ["Retry-After: 1"]
            reply(busy, to: id)
        }
    }

    private mutating func reply(_ response: HTTPResponse, to id: Int) {
        guard var connection = connections[id] else { return }
        if isStopping { connection.keepsAlive = false }
        connection.state = .writing(response.bytes(keepsAlive: connection.keepsAlive)[...])
        connection.deadline = now() + limits.idle
        connections[id] = connection
        write(id)
    }

    private mutating func write(_ id: Int) {
        guard let connection = connections[id], case .writing(let bytes) = connection.state else {
            return
        }
        switch connection.socket.write(bytes) {
        case .bytes(let count) where count < bytes.count:
            connections[id]?.state = .writing(bytes.dropFirst(count))
        case .bytes:
            if connection.keepsAlive {
                connections[id]?.state = .reading
                connections[id]?.deadline = now() + limits.idle
            } else if isStopping {
                connections[id] = nil
            } else {
                // Closing with unread bytes would reset the connection, and the client might never
                // see its answer. So it is told first, and given a moment to hang up.
                shutdown(connection.socket.number, Int32(SHUT_WR))
                connections[id]?.state = .leaving
                connections[id]?.deadline = now() + Exchange.leave
            }
        case .later: return
        case .closed: connections[id] = nil
        }
    }

    private mutating func expire() {
        let time = now()
        for (id, connection) in connections.sorted(by: { $0.key < $1.key }) {
            guard let deadline = connection.deadline, deadline <= time else { continue }
            if case .reading = connection.state, !connection.reader.isEmpty {
                // The next expiry, if the client does not even take this, closes it.
                connections[id]?.keepsAlive = false
                reply(.refusal(408, ["the request took too long to arrive"]), to: id)
            } else {
                connections[id] = nil
            }
        }
    }
}

private struct Connection {
    enum State {
        case reading
        case computing
        case writing(ArraySlice<UInt8>)
        /// Answered for the last time; what still arrives is thrown away.
        case leaving
    }

    let socket: Descriptor
    var state = State.reading
    var reader = HTTPReader()
    var keepsAlive = true
    /// When it is given up; nil while a worker has it.
    var deadline: Int?

    init(socket: Descriptor, deadline: Int) {
        self.socket = socket
        self.deadline = deadline
    }

    var isReading: Bool {
        if case .reading = state { return true }
        return false
    }

    /// Whether a request has at least begun, and is not answered.
    var isBusy: Bool {
        switch state {
        case .reading: !reader.isEmpty
        case .computing, .writing: true
        case .leaving: false
        }
    }

    var events: Int16 {
        switch state {
        case .reading, .leaving: Int16(POLLIN)
        case .computing: 0
        case .writing: Int16(POLLOUT)
        }
    }
}
