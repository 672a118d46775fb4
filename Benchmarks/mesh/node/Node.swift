import Glibc
import Membership
import Model

/// Runs one node of a mesh over UDP and says each change as a line of JSON, as the driver asks.
struct Node {
    private static let localPort = "7947"

    private let socket: DatagramSocket
    /// Where a command of this machine asks for a record.
    private let local: DatagramSocket
    private let seal: PlainSeal
    private let statePath: String?
    private var mesh: Mesh
    /// Inputs that effects of others led to.
    private var waiting: [Mesh.Input] = []
    private var wake: Instant

    init(_ words: Words) throws(Mistake) {
        let id = NodeID(try words["--node"])
        let address = try words["--bind"]
        statePath = words.optional("--state")
        let seeds =
            words.optional("--seeds").map { $0.split(separator: ",").map(String.init) } ?? []
        do {
            socket = try DatagramSocket(bind: address)
            local = try DatagramSocket(bind: "127.0.0.1:" + Self.localPort)
        } catch {
            throw Mistake(error.text)
        }
        let now = currentMoment().monotonic
        wake = now
        seal = PlainSeal(me: id)
        var system = SystemRandomNumberGenerator()
        mesh = Mesh(
            Member(id: id, address: address),
            incarnation: try Incarnation.next(at: statePath),
            admission: .introductions(seeds: seeds),
            random: Random(seed: system.next()), at: now)
    }

    /// Until the process ends.
    mutating func run() throws(Mistake) {
        while true {
            socket.wait(atMost: wake - currentMoment().monotonic, or: local.descriptor)
            // What arrived is read before the time is looked at, or a late timer would doubt it.
            for _ in 0..<256 {
                guard let (datagram, address) = socket.receive() else { break }
                guard let (sender, payload) = seal.open(datagram) else {
                    give(.unopened)
                    continue
                }
                give(.datagram(from: sender, address: address, bytes: payload))
            }
            while let (command, address) = local.receive() { publish(command, for: address) }
            if currentMoment().monotonic >= wake { give(.timer) }
        }
    }

    private mutating func give(_ input: Mesh.Input) {
        waiting.append(input)
        while let next = waiting.popLast() {
            var effects: [Mesh.Effect] = []
            mesh.handle(next, at: currentMoment(), into: &effects)
            for effect in effects { perform(effect) }
        }
    }

    private mutating func perform(_ effect: Mesh.Effect) {
        switch effect {
        case .send(let address, let node, let bytes):
            socket.send(seal.seal(bytes, for: node), to: address)
        case .wake(let time): wake = time
        case .changed(let changes):
            for change in changes {
                let word = change.to == .quiet ? "suspect" : change.to.rawValue
                say("{\"mesh\":\"\(word)\",\"node\":\"\(change.node)\"}")
            }
        case .check(let records, let sender):
            waiting.append(.checked(records, from: sender, refused: 0))
        case .isolated(let isAlone): say("{\"isolated\":\(isAlone)}")
        case .taken(let record):
            let name = record.key.filter { $0.isLetter || $0.isNumber || $0 == "-" }
            say("{\"mesh\":\"event\",\"name\":\"\(name)\"}")
        case .raise(let incarnation):
            do throws(Mistake) {
                try Incarnation.store(incarnation, at: statePath)
            } catch {
                say("{\"failed\":\"the incarnation could not be stored\"}")
                return
            }
            waiting.append(.raised(incarnation: incarnation))
        case .cloned(let node): say("{\"cloned\":\"\(node)\"}")
        }
    }

    /// A record of the size that serf's events have in the same benchmark, with a signature's length.
    private mutating func publish(_ command: [UInt8], for address: String) {
        let now = currentMoment()
        do {
            var record = try mesh.draft(
                key: String(decoding: command.prefix(64), as: UTF8.self),
                value: [UInt8](repeating: 120, count: 64), at: now)
            record.signature = [UInt8](repeating: 0, count: 64)
            give(.publish(record))
            local.send([1], to: address)
        } catch {
            local.send([0], to: address)
        }
    }

    /// Asks the node of this namespace for a record. True where it took it.
    static func publish(_ name: String) throws(Mistake) -> Bool {
        do {
            let socket = try DatagramSocket(bind: "127.0.0.1:0")
            for _ in 0..<5 {
                socket.send(Array(name.utf8), to: "127.0.0.1:" + localPort)
                socket.wait(atMost: .seconds(1))
                if let (answer, _) = socket.receive() { return answer == [1] }
            }
        } catch {
            throw Mistake(error.text)
        }
        return false
    }
}

/// The number of a node's runs, in a file, raised before it speaks.
enum Incarnation {
    static func next(at path: String?) throws(Mistake) -> UInt32 {
        guard let path else { return 1 }
        var bytes = [UInt8](repeating: 0, count: 16)
        let file = open(path, O_RDONLY)
        var last: UInt32 = 0
        if file >= 0 {
            let count = read(file, &bytes, bytes.count)
            close(file)
            last = UInt32(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)) ?? 0
        }
        try store(last &+ 1, at: path)
        return last &+ 1
    }

    static func store(_ incarnation: UInt32, at path: String?) throws(Mistake) {
        guard let path else { return }
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else {
            throw Mistake("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        let text = Array(String(incarnation).utf8)
        guard write(file, text, text.count) == text.count, fsync(file) == 0 else {
            throw Mistake("cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }
}
