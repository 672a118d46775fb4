package import Membership
package import Model

/// A mesh on virtual time: the shipped machines, and a network that loses, delays, blocks and cuts.
///
/// The same seed gives the same run, packet by packet.
package struct MeshLab {
    package struct Noticed: Hashable, Sendable {
        package let at: Instant
        package let observer: Int
        package let change: Mesh.Change
    }

    package struct Received: Hashable, Sendable {
        package let at: Instant
        package let by: Int
        package let record: Record
    }

    private enum Event {
        case datagram(from: Int, to: Int, bytes: [UInt8])
        case timer(node: Int, generation: Int)
    }

    private let limits: Limits
    private let isOpen: Bool
    private var chance: Random
    private var queue = Heap()
    private var generations: [Int]

    package private(set) var now = Instant.seconds(0)
    package private(set) var nodes: [Mesh?]
    package let members: [Member]
    package private(set) var noticed: [Noticed] = []
    package private(set) var received: [Received] = []
    package private(set) var cloned: [(observer: Int, node: NodeID)] = []
    package private(set) var isolated: Set<Int> = []
    package private(set) var sentBytes: [Int]
    package private(set) var datagrams = 0
    /// How many signatures each node had to check.
    package private(set) var checks: [Int]
    /// A signature of this length is one that its origin did not make.
    package static let forgedBytes = 2
    private var incarnations: [UInt32]

    package var loss = 0.0
    package var delay = Duration.milliseconds(1)
    package var jitter = Duration.milliseconds(1)
    /// Which part of all arrives twice.
    package var doubling = 0.0
    /// Which datagrams never pass: those of the first to the second.
    package var blocks: Set<[Int]> = []
    package var group: [Int]
    /// Nodes that hear nothing.
    package var deaf: Set<Int> = []
    /// How far a node's wall clock is ahead.
    package var ahead: [Duration]
    /// Nodes whose processes stand still until then.
    package var frozen: [Int: Instant] = [:]
    /// Sees every datagram that is sent, for tests that copy or change them.
    package var tap: [(from: Int, to: Int, bytes: [UInt8])]?

    package init(_ count: Int, seed: UInt64, isOpen: Bool = false, limits: Limits = .production) {
        self.limits = limits
        self.isOpen = isOpen
        chance = Random(seed: seed)
        members = (0..<count).map {
            Member(id: NodeID("n" + String(1000 + $0).dropFirst()), address: String($0))
        }
        nodes = Array(repeating: nil, count: count)
        generations = Array(repeating: 0, count: count)
        sentBytes = Array(repeating: 0, count: count)
        checks = sentBytes
        incarnations = Array(repeating: 0, count: count)
        group = Array(repeating: 0, count: count)
        ahead = Array(repeating: .zero, count: count)
    }

    package mutating func startAll() { for node in nodes.indices { start(node) } }

    /// Starts a node, or starts it again with the next incarnation unless another is given.
    package mutating func start(_ node: Int, incarnation: UInt32? = nil) {
        incarnations[node] = incarnation ?? incarnations[node] + 1
        nodes[node] = Mesh(
            members[node], incarnation: incarnations[node], roster: isOpen ? [] : members,
            admission: isOpen
                ? .introductions(seeds: members.prefix(3).map(\.address)) : .roster,
            limits: limits, random: chance.split(), at: now)
        generations[node] += 1
        queue.push(at: now, .timer(node: node, generation: generations[node]))
    }

    package mutating func kill(_ node: Int) {
        nodes[node] = nil
        generations[node] += 1
    }

    package mutating func give(_ input: Mesh.Input, to node: Int) {
        guard var mesh = nodes[node] else { return }
        // Taken out and put back, or every change would copy the whole machine.
        nodes[node] = nil
        var effects: [Mesh.Effect] = []
        mesh.handle(input, at: moment(node), into: &effects)
        nodes[node] = mesh
        for effect in effects { perform(effect, of: node) }
    }

    @discardableResult
    package mutating func publish(
        _ key: String, at node: Int, value: [UInt8] = Array(repeating: 120, count: 64),
        isTombstone: Bool = false, signatureBytes: Int = 64
    ) throws -> Record {
        guard var mesh = nodes[node] else { preconditionFailure("a dead node writes nothing") }
        let drafted = Result {
            try mesh.draft(key: key, value: value, isTombstone: isTombstone, at: moment(node))
        }
        nodes[node] = mesh
        var record = try drafted.get()
        // As long as a real one, so that the budget is.
        record.signature = Array(repeating: 0, count: signatureBytes)
        give(.publish(record), to: node)
        while var mesh = nodes[node], let upkeep = try mesh.draftUpkeep(at: moment(node)) {
            nodes[node] = mesh
            give(.publish(upkeep), to: node)
        }
        return record
    }

    package mutating func run(for duration: Duration) { run(until: now + duration) }

    package mutating func run(until end: Instant) {
        while let (time, event) = queue.pop(before: end) {
            now = time
            switch event {
            case .datagram(let from, let to, let bytes): deliver(bytes, from: from, to: to)
            case .timer(let node, let generation):
                guard generation == generations[node] else { continue }
                if let until = frozen[node], until > now {
                    queue.push(at: until, event)
                } else {
                    give(.timer, to: node)
                }
            }
        }
        now = end
    }

    /// Runs until `condition` holds, looking every 50 ms; nil where it did not within `limit`.
    package mutating func run(
        atMost limit: Duration, until condition: (MeshLab) -> Bool
    ) -> Duration? {
        let start = now
        while now - start < limit {
            if condition(self) { return now - start }
            run(for: .milliseconds(50))
        }
        return condition(self) ? now - start : nil
    }

    /// Puts a datagram on the wire as if a node had sent it.
    package mutating func inject(_ bytes: [UInt8], from: Int, to: Int) {
        queue.push(at: now, .datagram(from: from, to: to, bytes: bytes))
    }

    package func moment(_ node: Int) -> Moment {
        Moment(
            monotonic: now,
            wall: WallTime(milliseconds: 1_700_000_000_000 + now.nanoseconds / 1_000_000)
                + ahead[node])
    }

    // MARK: What is true of all

    package func liveness(of subject: Int, at observer: Int) -> Liveness? {
        nodes[observer]?.liveness(of: members[subject].id)
    }

    /// Whether each of these holds each other one of them alive.
    package func allSee(_ some: [Int]) -> Bool {
        some.allSatisfy { observer in
            some.allSatisfy {
                $0 == observer || liveness(of: $0, at: observer) == .alive
            }
        }
    }

    package func nobodySees(_ subject: Int) -> Bool {
        nodes.indices.allSatisfy {
            $0 == subject || nodes[$0] == nil || liveness(of: subject, at: $0) == .failed
        }
    }

    package func holders(of key: String) -> Int {
        nodes.count { $0?.logs.registers[key] != nil }
    }

    package var falseFailures: [Noticed] {
        noticed.filter { $0.change.to == .failed }
    }

    package mutating func forget() {
        noticed = []
        received = []
        sentBytes = Array(repeating: 0, count: nodes.count)
    }

    // MARK: The network

    private mutating func perform(_ effect: Mesh.Effect, of node: Int) {
        switch effect {
        case .send(let address, _, let bytes):
            guard let to = Int(address) else { return }
            sentBytes[node] += bytes.count + limits.overheadBytes
            datagrams += 1
            tap?.append((node, to, bytes))
            guard !chance.chance(loss) else { return }
            for _ in 0..<(doubling > 0 && chance.chance(doubling) ? 2 : 1) {
                queue.push(
                    at: now + delay + chance.duration(upTo: jitter),
                    .datagram(from: node, to: to, bytes: bytes))
            }
        case .wake(let time):
            queue.push(
                at: max(time, now + .milliseconds(1)),
                .timer(node: node, generation: generations[node]))
        case .changed(let changes):
            noticed += changes.map { Noticed(at: now, observer: node, change: $0) }
        case .isolated(let isAlone):
            if isAlone { isolated.insert(node) } else { isolated.remove(node) }
        case .check(let records, let sender):
            checks[node] += records.count
            let sound = records.filter { $0.signature.count != Self.forgedBytes }
            give(
                .checked(sound, from: sender, refused: records.count - sound.count), to: node)
        case .taken(let record): received.append(Received(at: now, by: node, record: record))
        case .raise(let incarnation):
            incarnations[node] = incarnation
            give(.raised(incarnation: incarnation), to: node)
        case .cloned(let id): cloned.append((node, id))
        }
    }

    private mutating func deliver(_ bytes: [UInt8], from: Int, to: Int) {
        guard !blocks.contains([from, to]), group[from] == group[to], !deaf.contains(to) else {
            return
        }
        if let until = frozen[to], until > now {
            // It waits in the socket until the process looks again.
            queue.push(at: until, .datagram(from: from, to: to, bytes: bytes))
            return
        }
        give(
            .datagram(
                from: members[from].id, address: members[from].address, bytes: bytes), to: to)
    }

    /// Events in the order of their times; those of one time in the order of their coming.
    private struct Heap {
        private var rows: [(at: Instant, turn: Int, event: Event)] = []
        private var turns = 0

        mutating func push(at time: Instant, _ event: Event) {
            turns += 1
            rows.append((time, turns, event))
            var child = rows.count - 1
            while child > 0, precedes(child, (child - 1) / 2) {
                rows.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        }

        mutating func pop(before end: Instant) -> (Instant, Event)? {
            guard let first = rows.first, first.at < end else { return nil }
            let last = rows.removeLast()
            if !rows.isEmpty {
                rows[0] = last
                sink()
            }
            return (first.at, first.event)
        }

        private mutating func sink() {
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2]
                where child < rows.count && precedes(child, least) {
                    least = child
                }
                guard least != parent else { return }
                rows.swapAt(parent, least)
                parent = least
            }
        }

        private func precedes(_ left: Int, _ right: Int) -> Bool {
            rows[left].at == rows[right].at
                ? rows[left].turn < rows[right].turn : rows[left].at < rows[right].at
        }
    }
}
