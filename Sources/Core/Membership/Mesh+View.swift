package import Model

/// What a node holds of one member, for people and for the rooms above.
package struct PeerView: Hashable, Sendable {
    package let node: NodeID
    package let address: String
    package let liveness: Liveness
    /// Since when it has been so.
    package let since: Instant
    /// nil where it was never heard of.
    package let age: Duration?
    /// The age at which it would be quiet.
    package let threshold: Duration
    package let incarnation: UInt32?
    /// The part of its frames that arrive here, and of this node's frames there; nil is not known.
    package let passedHere: Double?
    package let passedThere: Double?
    package let condition: Condition
    /// How many fresh observers hold it quiet, and how many would be a majority.
    package let votes: Int
    package let quorum: Int
    package let isCloned: Bool
    /// Whether it is known to hold every record that this node holds.
    package let holdsAll: Bool
}

extension Mesh {
    package var roster: [Member] {
        order.map { $0 < 0 ? me : peers[$0].member }
    }

    /// The members that are known to have a record, without this node.
    package func holders(of record: Record) -> [NodeID] {
        order.filter { $0 >= 0 && isKnown(record, to: $0) }.map { peers[$0].member.id }
    }

    package var isAlone: Bool { isIsolated }
    package var incarnation: UInt32 { run.incarnation }

    /// The loss that this node reckons with, 0 to 1, and the time between its pulses.
    package var loss: Double { estimate.loss }
    package var pulseEvery: Duration { ownTick }

    package func liveness(of node: NodeID) -> Liveness {
        slots[node].map { peers[$0].state } ?? .unknown
    }

    package func age(of node: NodeID, at now: Instant) -> Duration? {
        slots[node].flatMap { peers[$0].sighting?.age(at: now) }
    }

    package func view(at now: Instant) -> [PeerView] {
        order.filter { $0 >= 0 }.map { view(of: $0, at: now) }
    }

    private func view(of slot: Int, at now: Instant) -> PeerView {
        let peer = peers[slot]
        let fresh = peers.indices.filter { $0 != slot && peers[$0].isFresh }
        let votes = fresh.filter { peers[$0].quiet.contains(slot) }.count
        return PeerView(
            node: peer.member.id, address: peer.member.address, liveness: peer.state,
            since: peer.since, age: peer.sighting?.age(at: now), threshold: peer.threshold,
            incarnation: peer.sighting?.run.incarnation, passedHere: peer.reception.passed,
            passedThere: peer.heard == 255 ? nil : Double(peer.heard) / 254,
            condition: peer.condition,
            votes: votes + (peer.state == .quiet || peer.state == .failed ? 1 : 0),
            quorum: (fresh.count + 1) / 2 + 1,
            isCloned: peer.clonedAt.map { now - $0 < .seconds(120) } ?? false,
            holdsAll: peer.logs == logs.digest)
    }
}

extension Mesh {
    /// What this node sees, in the words that nodes and hub pass on. Traffic and claims are the host's.
    package func report(
        of node: NodeID, in site: SiteID, at address: String, roster: RosterVersion, now: Moment
    ) -> MeshView {
        let peers = view(at: now.monotonic)
        var report = MeshView(
            node: node, site: site, address: address, roster: roster, isIsolated: isAlone,
            quorum: peers.map(\.quorum).max() ?? 1, at: now.wall)
        report.peers = peers.map { MeshSight($0, at: now) }
        return report
    }
}

extension MeshSight {
    fileprivate init(_ peer: PeerView, at now: Moment) {
        self.init(
            node: peer.node, liveness: peer.liveness,
            since: now.wall + (.zero - (now.monotonic - peer.since)),
            age: peer.age.map { Interval($0) },
            lossHere: peer.passedHere.map { 1 - $0 }, lossThere: peer.passedThere.map { 1 - $0 },
            votes: peer.votes, isCloned: peer.isCloned, holdsAll: peer.holdsAll)
    }
}
