package import Model
package import Transport
package import Trust

/// A node's sessions with its peers over one UDP socket: messages to names and from names.
///
/// It owns the machine `PeerSessions` and gives it what it must not have itself: datagrams, the
/// time, and the system's entropy. Where a peer is it learns from what the peer last proved to have
/// sent, and before that from whoever configures it.
package actor DataPlane {
    package struct Message: Hashable, Sendable {
        package let peer: NodeID
        package let bytes: [UInt8]
    }

    package enum Notice: Hashable, Sendable {
        case opened(NodeID)
        case unreachable(NodeID)
        /// The ring is to be kept anew.
        case keysChanged
    }

    package struct Limits: Sendable {
        package var sessions = PeerSessions.Limits.production
        /// Delivered and not read yet: beyond it the oldest is lost.
        package var inbox = 1024
        package var notices = 256

        package static let production = Limits()
        package static let tight = Limits(sessions: .tight, inbox: 4, notices: 4)
    }

    /// What got lost, by where and why.
    package struct Losses: Sendable {
        package var byReason: [Drop: Int] = [:]
        /// For a peer whose place is not known.
        package var placeless = 0
        /// Delivered, and nobody read it in time.
        package var unread = 0
        /// From and to peers that policy does not let in.
        package var refused = 0
        package var port = DatagramPort.Losses()
    }

    private enum Wake: Hashable { case sessions }

    /// What peers said. For one reader.
    package nonisolated let messages: AsyncStream<Message>
    package nonisolated let notices: AsyncStream<Notice>
    private let inbox: AsyncStream<Message>.Continuation
    private let outlook: AsyncStream<Notice>.Continuation
    private let port: DatagramPort
    private let wakes: AsyncStream<Void>
    private let timers: Timers<Wake>
    private let now: @Sendable () -> Moment
    private var machine: PeerSessions
    private var places: [NodeID: DatagramPort.Place]
    private var entropy = SystemRandomNumberGenerator()
    private var placeless = 0
    private var unread = 0
    private var refused = 0
    private let admits: @Sendable (NodeID) -> Bool

    /// - Parameters:
    ///   - admits: whether policy lets a peer speak with this node; asked at each datagram, so it must
    ///     be quick.
    ///   - now: its wall time is the one that days of keys go by, so a node gives the time that it
    ///     trusts.
    package init(
        ring: KeyRing, port: DatagramPort, places: [NodeID: DatagramPort.Place] = [:],
        preferring suite: Suites = .aes, limits: Limits = .production,
        admits: @escaping @Sendable (NodeID) -> Bool = { _ in true },
        now: @escaping @Sendable () -> Moment = { SystemClock.now() }
    ) {
        machine = PeerSessions(ring: ring, preferring: suite, limits: limits.sessions)
        self.port = port
        self.admits = admits
        self.now = now
        self.places = places
        (messages, inbox) = AsyncStream.makeStream(
            of: Message.self, bufferingPolicy: .bufferingNewest(limits.inbox))
        (notices, outlook) = AsyncStream.makeStream(
            of: Notice.self, bufferingPolicy: .bufferingNewest(limits.notices))
        let (wakes, alarm) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.wakes = wakes
        timers = Timers { _ in alarm.yield() }
    }

    /// Where others reach it.
    package nonisolated var place: DatagramPort.Place { port.place }

    /// Receives until the port is closed or the task is cancelled.
    package func run() async {
        await withTaskGroup { group in
            group.addTask {
                for await _ in self.wakes { await self.wake() }
            }
            for await datagram in port.received { receive(datagram) }
            group.cancelAll()
        }
        inbox.finish()
        outlook.finish()
    }

    /// Sends messages to a peer, small ones together; they wait, some of them, while there is no
    /// session.
    package func send(_ messages: [[UInt8]], to peer: NodeID) {
        guard admits(peer) else {
            refused += messages.count
            return
        }
        var effects: [PeerSessions.Effect] = []
        machine.send(messages, to: peer, at: now(), entropy: &entropy, into: &effects)
        carryOut(effects)
    }

    /// Says where a peer is until the peer itself shows otherwise.
    package func meet(_ peer: NodeID, at place: DatagramPort.Place) { places[peer] = place }

    package func insert(_ keys: [PairKey]) {
        var effects: [PeerSessions.Effect] = []
        machine.insert(keys, into: &effects)
        carryOut(effects)
    }

    /// Ends everything with a peer that is no longer to be trusted.
    package func forget(_ peer: NodeID) {
        var effects: [PeerSessions.Effect] = []
        machine.forget(peer, into: &effects)
        places[peer] = nil
        carryOut(effects)
    }

    package var keys: [PairKey] { machine.ring.keys }

    package var losses: Losses {
        Losses(
            byReason: machine.drops, placeless: placeless, unread: unread, refused: refused,
            port: port.losses)
    }

    private func receive(_ datagram: DatagramPort.Datagram) {
        var effects: [PeerSessions.Effect] = []
        let peer = machine.receive(
            datagram.bytes, at: now(), entropy: &entropy, into: &effects)
        if let peer {
            // It proved who it is, and gets no answer all the same: not even that there is somebody.
            guard admits(peer) else {
                refused += 1
                return
            }
            places[peer] = datagram.source
        }
        carryOut(effects, answering: datagram.source)
    }

    private func wake() {
        var effects: [PeerSessions.Effect] = []
        machine.wake(at: now(), entropy: &entropy, into: &effects)
        carryOut(effects)
    }

    private func carryOut(
        _ effects: [PeerSessions.Effect], answering source: DatagramPort.Place? = nil
    ) {
        for effect in effects {
            switch effect {
            // Neither an answer to a first message nor a frame that somebody else asked for.
            case .transmit(_, let peer) where !admits(peer),
                .reply(_, let peer) where !admits(peer):
                refused += 1
            case .transmit(let bytes, let peer):
                if let place = places[peer] {
                    port.send(bytes, to: place)
                } else {
                    placeless += 1
                }
            case .reply(let bytes, _): if let source { port.send(bytes, to: source) }
            case .deliver(let bytes, let peer):
                let message = Message(peer: peer, bytes: Array(bytes))
                if case .dropped = inbox.yield(message) { unread += 1 }
            case .opened(let peer): outlook.yield(.opened(peer))
            case .unreachable(let peer, _): outlook.yield(.unreachable(peer))
            case .keysChanged: outlook.yield(.keysChanged)
            }
        }
        if let time = machine.nextWake { timers.set(.sessions, at: time) }
    }
}
