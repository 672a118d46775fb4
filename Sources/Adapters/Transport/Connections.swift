import Model
import NIOCore
import Synchronization
import X509

/// The connections of nodes that stand, and what each node showed last.
final class Connections: Sendable {
    /// What a node showed in its last handshake: leaf first.
    struct Shown: Sendable {
        var chain: [Certificate]
        var at: WallTime
    }

    private struct Entry {
        let channel: any Channel
        let bearer: Bearer
    }

    private struct State {
        var open: [ObjectIdentifier: Entry] = [:]
        var shown: [NodeID: Shown] = [:]
    }

    private let state = Mutex(State())
    private let nodesMax: Int

    /// - Parameter nodesMax: of how many nodes it is remembered what they showed.
    init(nodesMax: Int) { self.nodesMax = nodesMax }

    /// Until the channel closes.
    func add(_ channel: any Channel, of bearer: Bearer) {
        let key = ObjectIdentifier(channel)
        state.withLock { $0.open[key] = Entry(channel: channel, bearer: bearer) }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.open[key] = nil } }
    }

    func note(_ node: NodeID, _ chain: [Certificate], at time: WallTime) {
        state.withLock { state in
            guard state.shown[node] != nil || state.shown.count < nodesMax else { return }
            state.shown[node] = Shown(chain: chain, at: time)
        }
    }

    func shown(by node: NodeID) -> Shown? { state.withLock { $0.shown[node] } }

    /// Ends the connections of those who are no longer good, with all that runs on them.
    func end(_ isRevoked: (Bearer) -> Bool) {
        let ended = state.withLock { state in
            state.open.values.filter { isRevoked($0.bearer) }.map(\.channel)
        }
        for channel in ended { channel.close(promise: nil) }
    }
}

/// What the other side showed in one handshake that was found good.
final class ShownChain: Sendable {
    private let certificates = Mutex<[Certificate]>([])

    var chain: [Certificate] { certificates.withLock { $0 } }
    func accept(_ chain: [Certificate]) { certificates.withLock { $0 = chain } }
}
