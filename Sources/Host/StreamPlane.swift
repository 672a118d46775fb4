package import Model
package import Transport
package import Trust

/// A node's connections with its peers by mutual TLS, in the place of a `DataPlane`'s sessions.
///
/// It speaks with those whom it was told the place of, so with members of the roster, and has no use for
/// the keys of pairs.
package actor StreamPlane: PeerPlane {
    private enum Wake: Hashable { case review }

    package nonisolated let messages: AsyncStream<DataPlane.Message>
    package nonisolated let notices: AsyncStream<DataPlane.Notice>
    private let inbox: AsyncStream<DataPlane.Message>.Continuation
    private let outlook: AsyncStream<DataPlane.Notice>.Continuation
    private let port: PeerPort
    private let wakes: AsyncStream<Void>
    private let timers: Timers<Wake>
    private let admits: @Sendable (NodeID) -> Bool
    private var places: [NodeID: DatagramPort.Place]
    private var placeless = 0
    private var unread = 0
    private var refused = 0

    /// How often it is asked again about connections that stand.
    private static let reviewEvery = Duration.seconds(2)

    /// - Parameter admits: whether policy lets a peer speak with this node; asked at each message.
    package init(
        port: PeerPort, places: [NodeID: DatagramPort.Place],
        limits: DataPlane.Limits = .production, admits: @escaping @Sendable (NodeID) -> Bool
    ) {
        self.port = port
        self.places = places
        self.admits = admits
        (messages, inbox) = AsyncStream.makeStream(
            of: DataPlane.Message.self, bufferingPolicy: .bufferingNewest(limits.inbox))
        (notices, outlook) = AsyncStream.makeStream(
            of: DataPlane.Notice.self, bufferingPolicy: .bufferingNewest(limits.notices))
        let (wakes, alarm) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.wakes = wakes
        timers = Timers { _ in alarm.yield() }
    }

    package func run() async {
        review()
        await withTaskGroup { group in
            group.addTask {
                for await _ in self.wakes { await self.review() }
            }
            for await message in port.received { receive(message) }
            group.cancelAll()
        }
        inbox.finish()
        outlook.finish()
    }

    package func send(_ messages: [[UInt8]], to peer: NodeID) {
        guard admits(peer) else {
            refused += messages.count
            return
        }
        guard let place = places[peer] else {
            placeless += messages.count
            return
        }
        port.send(messages, to: peer, at: place)
    }

    package func meet(_ peer: NodeID, at place: DatagramPort.Place) { places[peer] = place }

    package func forget(_ peer: NodeID) {
        places[peer] = nil
        port.end(with: peer)
    }

    package func insert(_ keys: [PairKey]) {}
    package var keys: [PairKey] { [] }

    package var losses: DataPlane.Losses {
        var losses = DataPlane.Losses(placeless: placeless, unread: unread, refused: refused)
        let port = port.losses
        losses.refused += port.refused
        losses.port.received = port.received
        losses.port.sent = port.sent
        return losses
    }

    private func receive(_ message: PeerPort.Message) {
        guard places[message.peer] != nil, admits(message.peer) else {
            refused += 1
            return port.end(with: message.peer)
        }
        let message = DataPlane.Message(peer: message.peer, bytes: message.bytes)
        if case .dropped = inbox.yield(message) { unread += 1 }
    }

    private func review() {
        port.review()
        timers.set(.review, at: SystemClock.now().monotonic + StreamPlane.reviewEvery)
    }
}
