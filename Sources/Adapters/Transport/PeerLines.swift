import Model
import NIOCore

/// The connections with each peer, what waits for one, and when one is dialled again.
///
/// One is enough for a pair. Where both ends dialled at once, the one stays that the node with the smaller
/// name dialled: the other node, who dialled in vain, ends its own.
struct PeerLines {
    struct Line {
        let channel: any Channel
        let isDialled: Bool
    }

    enum Way {
        case line(any Channel)
        case dial
        /// For a connection that is on its way, or for nothing: it was lost.
        case wait
    }

    private struct Peer {
        /// Last is the one on which something was heard last: answers go where the peer speaks.
        var lines: [Line] = []
        var isDialling = false
        var waiting: [[UInt8]] = []
        /// Dials in a row on which nothing was heard.
        var failures = 0
        var restsUntil = NIODeadline.uptimeNanoseconds(0)
        /// What was told of it.
        var trouble: String?
    }

    let own: NodeID
    /// Messages to one peer that wait for a connection.
    let waitingMax: Int
    private var peers: [NodeID: Peer] = [:]
    private(set) var lost = 0

    init(own: NodeID, waitingMax: Int) {
        self.own = own
        self.waitingMax = waitingMax
    }

    mutating func send(_ messages: [[UInt8]], to peer: NodeID, at now: NIODeadline) -> Way {
        var state = peers[peer] ?? Peer()
        defer { peers[peer] = state }
        if let line = state.lines.last { return .line(line.channel) }
        guard state.isDialling || now >= state.restsUntil else {
            lost += messages.count
            return .wait
        }
        let room = messages.prefix(waitingMax - state.waiting.count)
        state.waiting += room
        lost += messages.count - room.count
        guard !state.isDialling else { return .wait }
        state.isDialling = true
        return .dial
    }

    /// Takes a connection whose handshake is done. Answers which are too many now, and what waited for it.
    mutating func secured(
        _ line: Line, with peer: NodeID
    ) -> (surplus: [any Channel], waiting: [[UInt8]]) {
        var state = peers[peer] ?? Peer()
        defer { peers[peer] = state }
        if line.isDialled {
            state.isDialling = false
            if peer < own, state.lines.contains(where: { !$0.isDialled }) {
                return ([line.channel], [])
            }
        }
        // Who dials has no connection, whatever this side thinks, or dialled at the same time.
        let surplus = state.lines.filter {
            !line.isDialled && (!$0.isDialled || peer < own)
        }
        state.lines.removeAll { old in surplus.contains { $0.channel === old.channel } }
        state.lines.append(line)
        defer { state.waiting = [] }
        return (surplus.map(\.channel), state.waiting)
    }

    mutating func heard(_ peer: NodeID, on channel: any Channel) {
        guard var state = peers[peer] else { return }
        defer { peers[peer] = state }
        state.failures = 0
        state.trouble = nil
        guard state.lines.last?.channel !== channel,
            let index = state.lines.firstIndex(where: { $0.channel === channel })
        else { return }
        state.lines.append(state.lines.remove(at: index))
    }

    mutating func ended(_ channel: any Channel, with peer: NodeID) {
        peers[peer]?.lines.removeAll { $0.channel === channel }
    }

    /// A dial that came to nothing, or whose connection is over. True where people should hear why: it was
    /// not the first in a row, nor told before.
    mutating func dialEnded(
        to peer: NodeID, wasSecured: Bool, _ reason: String, at now: NIODeadline
    ) -> Bool {
        guard var state = peers[peer] else { return false }
        defer { peers[peer] = state }
        if !wasSecured {
            state.isDialling = false
            lost += state.waiting.count
            state.waiting = []
        }
        state.failures += 1
        guard state.failures > 1 else { return false }
        let rest = PeerLines.restMin * (1 << min(state.failures - 2, 5))
        state.restsUntil = now + min(rest, PeerLines.restMax)
        defer { state.trouble = reason }
        return state.trouble != reason
    }

    mutating func lose(_ count: Int) { lost += count }

    func channels(with peer: NodeID) -> [any Channel] { peers[peer]?.lines.map(\.channel) ?? [] }

    var names: [NodeID] { peers.filter { !$0.value.lines.isEmpty }.map(\.key) }

    private static let restMin = TimeAmount.milliseconds(500)
    private static let restMax = TimeAmount.seconds(8)
}
