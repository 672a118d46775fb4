package import Model

/// The sessions of a node with all its peers over datagrams: a machine that bytes and messages go
/// into.
///
/// It opens a session when there is something to say, renews it before it ends, and answers who
/// proves to have the key of the day. Messages get lost as datagrams do, and none is delivered
/// twice within a session.
///
/// Invariants: a stranger makes it keep nothing and compute no more than one MAC a datagram; what
/// it keeps for each peer is bounded; sessions rest on nothing that outlives the process.
package struct PeerSessions: Sendable {
    package struct Limits: Sendable {
        package var session = PeerSession.Limits.production
        /// How far the clock in a first message may be from this node's.
        package var clockMax: Duration = .seconds(2 * 3600)
        /// First messages remembered for each peer, so that none is taken twice.
        package var firstsMax = 64
        /// Handshakes that a peer may ask for at once, and how soon there is room for one more.
        package var burst = 8
        package var refill: Duration = .milliseconds(500)
        package var retryEvery: Duration = .milliseconds(500)
        package var attemptsMax = 10
        /// Attempts that a late answer may still meet.
        package var attemptsKept = 4
        /// Messages to one peer that wait for a session.
        package var waitingMax = 64
        /// Sessions answered and not used yet, for each peer, and how long they are kept.
        package var unprovedMax = 2
        package var unprovedAge: Duration = .seconds(15)
        /// Sessions that both ends opened within this time are settled by name.
        package var contest: Duration = .seconds(5)
        /// A peer that was written to answers at least with an empty frame after the first of
        /// these; silence for the second means that its end of the session is gone.
        package var keepAlive: Duration = .seconds(10)
        package var silenceMax: Duration = .seconds(15)

        package static let production = Limits()
        package static let tight = Limits(
            session: .tight, firstsMax: 4, burst: 2, attemptsMax: 3, attemptsKept: 2, waitingMax: 2,
            unprovedMax: 1)
    }

    package enum Effect: Equatable, Sendable {
        case transmit([UInt8], to: NodeID)
        /// Goes back to where the datagram came from, which is not yet known to be the peer's
        /// place.
        case reply([UInt8], to: NodeID)
        case deliver(ArraySlice<UInt8>, from: NodeID)
        case opened(NodeID)
        /// No answer: what waited is gone.
        case unreachable(NodeID, discarded: Int)
        /// The ring is not as it was last kept.
        case keysChanged
    }

    private struct Peer: Sendable {
        /// What frames go out over.
        var current: DataSessionID?
        /// What frames may still come in over.
        var standby: [DataSessionID] = []
        var unproved: [DataSessionID] = []
        var attempts: [DataSessionID] = []
        var attemptsMade = 0
        var retryAt: Instant?
        var waiting: [[UInt8]] = []
        var firsts: FirstMessages
        /// Since when the peer has had no frame after one that said something; and this node.
        var owesSince: Instant?
        var unansweredSince: Instant?
    }

    package let node: NodeID
    package private(set) var ring: KeyRing
    /// What went no further, by reason.
    package private(set) var drops: [Drop: Int] = [:]
    private let limits: Limits
    /// What this node would rather seal with.
    private let suite: Suites
    private var peers: Table<NodeID, Peer> = Table()
    private var sessions: Table<DataSessionID, PeerSession> = Table()
    private var attempts: Table<DataSessionID, Attempt> = Table()

    package init(ring: KeyRing, preferring suite: Suites = .aes, limits: Limits = .production) {
        node = ring.node
        self.ring = ring
        self.suite = suite
        self.limits = limits
    }

    /// Keys from the hub.
    package mutating func insert(_ keys: [PairKey], into effects: inout [Effect]) {
        var changed = false
        for key in keys where ring.insert(key) { changed = true }
        if changed { effects.append(.keysChanged) }
    }

    /// Ends everything with a peer that is no longer to be trusted.
    package mutating func forget(_ peer: NodeID, into effects: inout [Effect]) {
        ring.forget(peer)
        for id in sessions.keys where sessions[id]?.peer == peer { sessions.remove(id) }
        for id in peers[peer]?.attempts ?? [] { attempts.remove(id) }
        peers.remove(peer)
        effects.append(.keysChanged)
    }

    /// The session that frames to a peer go out over.
    package func session(with peer: NodeID) -> PeerSession? {
        peers[peer]?.current.flatMap { sessions[$0] }
    }

    /// When it has to be woken though nothing happens.
    package var nextWake: Instant? {
        var times = sessions.rows.map { session in
            session.beganAt + limits.session.rejectAfter
        }
        for peer in peers.rows {
            if let time = peer.retryAt { times.append(time) }
            if let time = peer.owesSince { times.append(time + limits.keepAlive) }
            if let time = peer.unansweredSince { times.append(time + limits.silenceMax) }
            for id in peer.unproved {
                if let session = sessions[id] { times.append(session.beganAt + limits.unprovedAge) }
            }
        }
        return times.min()
    }

    // MARK: Out

    /// Sends messages, small ones together; what has no session yet waits for one.
    package mutating func send(
        _ messages: [[UInt8]], to peer: NodeID, at now: Moment,
        entropy: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        if let session = session(with: peer), !session.isOver(at: now.monotonic) {
            transmit(messages, over: session.id, to: peer, at: now.monotonic, into: &effects)
            if session.wantsNext(at: now.monotonic) {
                attempt(peer, at: now, entropy: &entropy, into: &effects)
            }
            return
        }
        guard !ring.candidates(for: peer, at: now.wall).isEmpty else {
            return count(.keyless, times: messages.count)
        }
        know(peer, at: now.monotonic)
        var crowded = 0
        peers.update(peer) {
            $0.waiting += messages
            crowded = max(0, $0.waiting.count - limits.waitingMax)
            // The newest say most.
            $0.waiting.removeFirst(crowded)
        }
        count(.crowded, times: crowded)
        attempt(peer, at: now, entropy: &entropy, into: &effects)
    }

    /// Seals what there is into as few frames as hold it, and at least one.
    private mutating func transmit(
        _ messages: [[UInt8]], over id: DataSessionID, to peer: NodeID, at now: Instant,
        into effects: inout [Effect]
    ) {
        var batch = Batch(for: .datagrams)
        var bodies: [[UInt8]] = []
        for message in messages where !batch.append(message) {
            guard message.count <= Batch.messageMax(on: .datagrams) else {
                count(.oversize)
                continue
            }
            bodies.append(batch.body)
            batch = Batch(for: .datagrams)
            _ = batch.append(message)
        }
        if !batch.isEmpty || messages.isEmpty { bodies.append(batch.body) }
        for body in bodies {
            let sealed = sessions.update(id) { session -> Result<[UInt8], Drop> in
                Result { () throws(Drop) in try session.seal(body, at: now) }
            }
            switch sealed {
            case .success(let frame): effects.append(.transmit(frame, to: peer))
            case .failure(let drop): count(drop)
            case nil: preconditionFailure("a session in use is in the table")
            }
        }
        peers.update(peer) {
            $0.owesSince = nil
            if !messages.isEmpty { $0.unansweredSince = $0.unansweredSince ?? now }
        }
    }

    /// Makes an attempt unless one is being made.
    private mutating func attempt(
        _ peer: NodeID, at now: Moment, entropy: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        guard let row = peers[peer], row.retryAt == nil,
            !ring.candidates(for: peer, at: now.wall).isEmpty
        else { return }
        retry(peer, at: now, entropy: &entropy, into: &effects)
    }

    private mutating func retry(
        _ peer: NodeID, at now: Moment, entropy: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        let candidates = ring.candidates(for: peer, at: now.wall)
        guard let made = peers[peer]?.attemptsMade, made < limits.attemptsMax, !candidates.isEmpty
        else { return giveUp(peer, into: &effects) }
        // The newest first; then the older, since the peer may not have heard of the newest.
        let (key, day) = candidates[made % candidates.count]
        let attempt = Attempt(
            under: key, from: node, for: day, id: freshID(&entropy), at: now.wall,
            entropy: &entropy)
        attempts.insert(attempt, for: attempt.id)
        let pause = limits.retryEvery.nanoseconds
        let wait = Int64.random(in: (pause * 3 / 4)...(pause * 5 / 4), using: &entropy)
        let overtaken = peers.update(peer) { row -> DataSessionID? in
            row.attempts.append(attempt.id)
            row.attemptsMade += 1
            row.retryAt = now.monotonic + .nanoseconds(wait)
            return row.attempts.count > limits.attemptsKept ? row.attempts.removeFirst() : nil
        }
        if let id = overtaken ?? nil { attempts.remove(id) }
        effects.append(.transmit(attempt.message, to: peer))
    }

    private mutating func giveUp(_ peer: NodeID, into effects: inout [Effect]) {
        endAttempts(to: peer)
        let discarded = peers.update(peer) { row -> Int in
            defer { row.waiting = [] }
            // A session that brings no answer is asked again when there is more to say.
            row.unansweredSince = nil
            return row.waiting.count
        }
        count(.unanswered, times: discarded ?? 0)
        effects.append(.unreachable(peer, discarded: discarded ?? 0))
    }

    private mutating func endAttempts(to peer: NodeID) {
        for id in peers[peer]?.attempts ?? [] { attempts.remove(id) }
        peers.update(peer) {
            $0.attempts = []
            $0.attemptsMade = 0
            $0.retryAt = nil
        }
    }

    // MARK: In

    /// Takes a datagram from anybody. The answer names the peer that has proved to have sent it
    /// just now: its place is where the datagram came from.
    @discardableResult
    package mutating func receive(
        _ datagram: [UInt8], at now: Moment, entropy: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) -> NodeID? {
        do throws(Drop) {
            guard datagram.count >= PeerSession.headerBytes else { throw .size }
            guard datagram[0] == PeerSession.version else { throw .version }
            switch datagram[1] {
            case FirstMessage.kind:
                try answer(FirstMessage(datagram), at: now, entropy: &entropy, into: &effects)
                return nil
            case SecondMessage.kind: return try finish(datagram, at: now, into: &effects)
            case PeerSession.kind: return try open(datagram, at: now, into: &effects)
            default: throw .kind
            }
        } catch {
            count(error)
            return nil
        }
    }

    private mutating func answer(
        _ first: FirstMessage, at now: Moment, entropy: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) throws(Drop) {
        guard first.carriage == .datagrams else { throw .mismatch }
        guard let key = ring.key(named: first.keyName) else { throw .unknownKey }
        guard first.isMade(with: key) else { throw .forged }
        let apart = first.sentAt - now.wall
        guard max(apart, .zero - apart) <= limits.clockMax else { throw .clock }
        guard ring.admits(key, for: first.day, at: now.wall) else { throw .day }
        know(key.peer, at: now.monotonic)
        let refused = peers.update(key.peer) { row in
            row.firsts.take(first, at: now.monotonic, limits: limits)
        }
        if let refused = refused ?? nil { throw refused }
        let (message, session) = try first.answer(
            under: key, from: node, id: freshID(&entropy), preferring: suite,
            limits: limits.session, at: now.monotonic, entropy: &entropy)
        sessions.insert(session, for: session.id)
        let overtaken = peers.update(key.peer) { row -> DataSessionID? in
            row.unproved.append(session.id)
            return row.unproved.count > limits.unprovedMax ? row.unproved.removeFirst() : nil
        }
        if let id = overtaken ?? nil { sessions.remove(id) }
        effects.append(.reply(message, to: key.peer))
    }

    private mutating func finish(
        _ datagram: [UInt8], at now: Moment, into effects: inout [Effect]
    ) throws(Drop) -> NodeID {
        guard let attempt = attempts[PeerSession.receiver(of: datagram)] else { throw .unasked }
        let session = try attempt.finish(datagram, limits: limits.session, at: now.monotonic)
        sessions.insert(session, for: session.id)
        establish(session, at: now, into: &effects)
        // The other end uses the session once it has had a frame.
        flush(session, at: now.monotonic, into: &effects)
        return session.peer
    }

    private mutating func open(
        _ datagram: [UInt8], at now: Moment, into effects: inout [Effect]
    ) throws(Drop) -> NodeID {
        let id = PeerSession.receiver(of: datagram)
        let opened = sessions.update(id) { session -> (Result<[UInt8], Drop>, NodeID) in
            (
                Result { () throws(Drop) in try session.open(datagram, at: now.monotonic) },
                session.peer
            )
        }
        guard let (result, peer) = opened else { throw .unknownSession }
        let body = try result.get()
        if peers.read(peer, { $0.unproved.contains(id) }) ?? false, let session = sessions[id] {
            establish(session, at: now, into: &effects)
            if peers.read(peer, { !$0.waiting.isEmpty }) ?? false {
                flush(session, at: now.monotonic, into: &effects)
            }
        }
        peers.update(peer) {
            $0.unansweredSince = nil
            if !body.isEmpty { $0.owesSince = $0.owesSince ?? now.monotonic }
        }
        guard let messages = Batch.messages(in: body) else { throw .malformed }
        for message in messages { effects.append(.deliver(message, from: peer)) }
        return peer
    }

    /// Both ends have the session now.
    private mutating func establish(
        _ session: PeerSession, at now: Moment, into effects: inout [Effect]
    ) {
        let peer = session.peer
        endAttempts(to: peer)
        let before = ring.keys.count
        if let made = session.made { ring.insert(made) }
        ring.prove(session.key, at: now.wall)
        if session.made != nil || ring.keys.count != before { effects.append(.keysChanged) }
        let current = self.session(with: peer)
        // Where both opened one at the same time, the one of the lower name is what both go on
        // with.
        let stays = current.map {
            session.beganAt - $0.beganAt < limits.contest && isFavoured($0) && !isFavoured(session)
        }
        let ended = peers.update(peer) { row -> [DataSessionID] in
            row.unproved.removeAll { $0 == session.id }
            row.standby.insert(stays == true ? session.id : row.current ?? session.id, at: 0)
            if stays != true { row.current = session.id }
            row.standby.removeAll { $0 == row.current }
            defer { row.standby = Array(row.standby.prefix(2)) }
            return Array(row.standby.dropFirst(2))
        }
        for id in ended ?? [] { sessions.remove(id) }
        effects.append(.opened(peer))
    }

    private func isFavoured(_ session: PeerSession) -> Bool {
        session.isInitiator == (node < session.peer)
    }

    private mutating func flush(
        _ session: PeerSession, at now: Instant, into effects: inout [Effect]
    ) {
        let waiting = peers.update(session.peer) { row -> [[UInt8]] in
            defer { row.waiting = [] }
            return row.waiting
        }
        transmit(waiting ?? [], over: session.id, to: session.peer, at: now, into: &effects)
    }

    // MARK: Time

    /// Does what is due.
    package mutating func wake(
        at now: Moment, entropy: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        if ring.expire(at: now.wall) { effects.append(.keysChanged) }
        for id in sessions.keys { endIfOver(id, at: now.monotonic) }
        for peer in peers.keys {
            guard let row = peers[peer] else { continue }
            if let time = row.retryAt, time <= now.monotonic {
                retry(peer, at: now, entropy: &entropy, into: &effects)
            }
            if let time = row.unansweredSince, time + limits.silenceMax <= now.monotonic {
                attempt(peer, at: now, entropy: &entropy, into: &effects)
                peers.update(peer) { $0.unansweredSince = nil }
            }
            if let time = row.owesSince, time + limits.keepAlive <= now.monotonic {
                peers.update(peer) { $0.owesSince = nil }
                guard let session = session(with: peer) else { continue }
                transmit([], over: session.id, to: peer, at: now.monotonic, into: &effects)
            }
        }
    }

    private mutating func endIfOver(_ id: DataSessionID, at now: Instant) {
        guard let session = sessions[id] else { return }
        let isUnproved = peers.read(session.peer) { $0.unproved.contains(id) } ?? false
        let age = isUnproved ? limits.unprovedAge : limits.session.rejectAfter
        guard now - session.beganAt >= age else { return }
        sessions.remove(id)
        peers.update(session.peer) {
            if $0.current == id { $0.current = nil }
            $0.standby.removeAll { $0 == id }
            $0.unproved.removeAll { $0 == id }
        }
    }

    private mutating func know(_ peer: NodeID, at now: Instant) {
        guard peers[peer] == nil else { return }
        peers.insert(Peer(firsts: FirstMessages(burst: limits.burst, at: now)), for: peer)
    }

    /// No two sessions of this node share a number, and none follows from another.
    private func freshID(_ entropy: inout some RandomNumberGenerator) -> DataSessionID {
        while true {
            let id = DataSessionID(rawValue: UInt32(truncatingIfNeeded: entropy.next()))
            if sessions[id] == nil, attempts[id] == nil { return id }
        }
    }

    private mutating func count(_ drop: Drop, times: Int = 1) {
        if times > 0 { drops[drop, default: 0] += times }
    }
}

/// The first messages that a peer sent: none is taken twice, and no more than a peer has reason to
/// send.
private struct FirstMessages: Sendable {
    /// In rising order of their times.
    private var taken: [(sentAt: WallTime, mark: UInt64)] = []
    /// Nothing from this time or before is taken any more.
    private var floor: WallTime?
    private var allowance: Int
    private var refilledAt: Instant

    init(burst: Int, at now: Instant) {
        allowance = burst
        refilledAt = now
    }

    /// Nil where the message may be answered. A clock that was set back a little is no repetition.
    mutating func take(
        _ first: FirstMessage, at now: Instant, limits: PeerSessions.Limits
    ) -> Drop? {
        if let floor, first.sentAt <= floor { return .replayed }
        guard !taken.contains(where: { $0.mark == first.mark }) else { return .replayed }
        let refills = (now - refilledAt).nanoseconds / limits.refill.nanoseconds
        if refills > 0 {
            allowance = Int(min(Int64(limits.burst), Int64(allowance) + refills))
            refilledAt = now
        }
        guard allowance > 0 else { return .flooded }
        allowance -= 1
        let place = taken.firstIndex { first.sentAt < $0.sentAt } ?? taken.endIndex
        taken.insert((first.sentAt, first.mark), at: place)
        if taken.count > limits.firstsMax { floor = taken.removeFirst().sentAt }
        return nil
    }
}
