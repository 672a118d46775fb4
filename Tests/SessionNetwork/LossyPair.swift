package import Model
package import Trust

/// Two ends and what is between them: it loses, delays, repeats and keeps what they say.
package struct LossyPair {
    package struct Flight {
        package let to: Int
        package var bytes: [UInt8]
    }

    package static let names: [NodeID] = ["urban-1", "urban-2"]
    package static let start = Moment(
        monotonic: .seconds(1000), wall: WallTime(milliseconds: 1_800_000_000_000))

    package var ends: [PeerSessions]
    package var now = LossyPair.start
    package var random: Random
    package var loss = 0.0
    /// The chance that a datagram arrives after the ones behind it, and that it arrives twice.
    package var reordering = 0.0
    package var doubling = 0.0
    package private(set) var flights: [Flight] = []
    package private(set) var delivered: [[[UInt8]]] = [[], []]
    package private(set) var effects: [[PeerSessions.Effect]] = [[], []]
    /// The newest that was said, lost or not.
    package private(set) var captured: [Flight] = []
    package private(set) var bytesSent = 0

    package init(seed: UInt64 = 1, limits: PeerSessions.Limits = .production, days: UInt32 = 4) {
        random = Random(seed: seed)
        let today = KeyDay(of: LossyPair.start.wall)
        ends = LossyPair.names.map { name in
            var ring = KeyRing(node: name)
            for offset in 0..<days {
                for key in LossyPair.keys(of: name, day: today.advanced(by: offset)) {
                    ring.insert(key)
                }
            }
            return PeerSessions(ring: ring, limits: limits)
        }
    }

    /// What the hub would hand to a node for a day.
    package static func keys(of node: NodeID, day: KeyDay) -> [PairKey] {
        let entropy = (0..<32).map { UInt8(truncatingIfNeeded: day.number) &+ $0 }
        guard let master = DayMaster(day: day, entropy: entropy) else { return [] }
        return names.filter { $0 != node }.compactMap {
            PairKey(master.secret(between: node, and: $0), node: node, peer: $0, day: day)
        }
    }

    package mutating func send(_ messages: [[UInt8]], from end: Int) {
        var made: [PeerSessions.Effect] = []
        ends[end].send(
            messages, to: LossyPair.names[1 - end], at: now, entropy: &random, into: &made)
        take(made, of: end)
    }

    /// Gives these bytes to an end, whoever made them.
    package mutating func inject(_ bytes: [UInt8], to end: Int) {
        var made: [PeerSessions.Effect] = []
        ends[end].receive(bytes, at: now, entropy: &random, into: &made)
        take(made, of: end)
    }

    package mutating func insert(_ keys: [PairKey], at end: Int) {
        var made: [PeerSessions.Effect] = []
        ends[end].insert(keys, into: &made)
        take(made, of: end)
    }

    /// Lets everything arrive, and what is answered to it.
    package mutating func settle() {
        while !flights.isEmpty { arrive() }
    }

    /// One datagram arrives, or does not.
    package mutating func arrive() {
        guard !flights.isEmpty else { return }
        let isLate = flights.count > 1 && random.chance(reordering)
        let flight = flights.remove(
            at: isLate ? Int.random(in: 0..<flights.count, using: &random) : 0)
        if random.chance(doubling) { flights.append(flight) }
        guard !random.chance(loss) else { return }
        inject(flight.bytes, to: flight.to)
    }

    /// Time goes by; each end is woken when it asked to be.
    package mutating func pass(_ duration: Duration) {
        let end = now.monotonic + duration
        while true {
            settle()
            guard let next = ends.compactMap(\.nextWake).min(), next <= end else {
                return advance(to: end)
            }
            advance(to: max(now.monotonic, next))
            for index in ends.indices {
                guard let time = ends[index].nextWake, time <= now.monotonic else { continue }
                wake(index)
            }
        }
    }

    /// Both clocks move on and nobody is woken.
    package mutating func advance(to time: Instant) {
        now = Moment(monotonic: time, wall: now.wall + (time - now.monotonic))
    }

    package mutating func wake(_ end: Int) {
        var made: [PeerSessions.Effect] = []
        ends[end].wake(at: now, entropy: &random, into: &made)
        take(made, of: end)
    }

    package mutating func dropFlights() { flights = [] }
    package mutating func forgetDelivered() { delivered = [[], []] }

    package func drops(_ drop: Drop, at end: Int) -> Int { ends[end].drops[drop] ?? 0 }

    private mutating func take(_ made: [PeerSessions.Effect], of end: Int) {
        for effect in made {
            switch effect {
            case .transmit(let bytes, _), .reply(let bytes, _):
                flights.append(Flight(to: 1 - end, bytes: bytes))
                captured.append(Flight(to: 1 - end, bytes: bytes))
                bytesSent += bytes.count
            case .deliver(let message, _): delivered[end].append(Array(message))
            case .opened, .unreachable, .keysChanged: effects[end].append(effect)
            }
        }
        // What is looked at is never far back, and a long run must not fill the memory.
        if captured.count > 8192 { captured.removeFirst(4096) }
        if effects[end].count > 8192 { effects[end].removeFirst(4096) }
    }
}
