/// What a mesh holds of one member.
package enum Liveness: String, Hashable, Codable, Sendable {
    /// Never heard of since this node started.
    case unknown = "absent"
    case alive
    /// Older than its loss explains: nothing new is sent its way, nothing is moved away from it.
    case quiet
    /// Most of those who are themselves fresh hold it quiet.
    case failed
}

/// How one node of a mesh sees it. The node's own word, so it says nothing of others but what it saw.
package struct MeshView: Hashable, Codable, Sendable {
    package var node: NodeID
    package var site: SiteID
    package var address: String
    package var roster: RosterVersion
    /// Half of the members or more are gone: it is likelier that this node and its side are.
    package var isIsolated: Bool
    /// Voices that call a member failed.
    package var quorum: Int
    /// By name, without the node itself.
    package var peers: [MeshSight]
    package var traffic: MeshTraffic
    package var at: WallTime
    /// Of `peers`, only those are said of whom something changed since the view before on the same
    /// link; nil is a whole view.
    package var isChanges: Bool?
    /// Who holds what, as far as the node knows; nil where nothing is left to the mesh.
    package var claims: [Tenure]?

    package init(
        node: NodeID, site: SiteID, address: String, roster: RosterVersion,
        isIsolated: Bool = false, quorum: Int = 1, peers: [MeshSight] = [],
        traffic: MeshTraffic = MeshTraffic(), at: WallTime
    ) {
        self.node = node
        self.site = site
        self.address = address
        self.roster = roster
        self.isIsolated = isIsolated
        self.quorum = quorum
        self.peers = peers
        self.traffic = traffic
        self.at = at
    }

    /// Whether anybody else is there.
    package var isInCompany: Bool { peers.contains { $0.liveness == .alive } }

    /// The members and how they are held, without what moves all the time.
    package var standings: [NodeID: Liveness] {
        Dictionary(peers.map { ($0.node, $0.liveness) }) { first, _ in first }
    }
}

extension MeshView {
    /// What to say to somebody who has `before`; nil where others belong than did.
    package func changes(since before: MeshView) -> MeshView? {
        guard roster == before.roster, peers.map(\.node) == before.peers.map(\.node) else {
            return nil
        }
        var changes = self
        changes.peers = zip(peers, before.peers).filter { $0.isNews(after: $1) }.map(\.0)
        changes.isChanges = true
        return changes
    }

    /// Takes in what `changes` made. Ages of the others are as they were: who is still held alive was
    /// heard of since.
    package func merged(with changes: MeshView) -> MeshView {
        var view = changes
        view.isChanges = nil
        let news = Dictionary(changes.peers.map { ($0.node, $0) }) { first, _ in first }
        view.peers = peers.map { news[$0.node] ?? $0 }
        return view
    }
}

/// How a node of a mesh holds another.
package struct MeshSight: Hashable, Codable, Sendable {
    package var node: NodeID
    package var liveness: Liveness
    /// Since when it has been so, by the clock of who says it.
    package var since: WallTime
    /// Since the last sign of life, by whatever path; nil where there was none.
    package var age: Interval?
    /// The part of its datagrams that is lost on the way here, and of this node's on the way there;
    /// nil where it is not known.
    package var lossHere: Double?
    package var lossThere: Double?
    /// How many fresh members hold it quiet.
    package var votes: Int
    /// Two machines speak with its identity.
    package var isCloned: Bool
    /// It is known to hold every record that this node holds.
    package var holdsAll: Bool

    package init(
        node: NodeID, liveness: Liveness, since: WallTime, age: Interval? = nil,
        lossHere: Double? = nil, lossThere: Double? = nil, votes: Int = 0, isCloned: Bool = false,
        holdsAll: Bool = false
    ) {
        self.node = node
        self.liveness = liveness
        self.since = since
        self.age = age
        self.lossHere = lossHere
        self.lossThere = lossThere
        self.votes = votes
        self.isCloned = isCloned
        self.holdsAll = holdsAll
    }
}

extension MeshSight {
    /// Whether this says more than that time went by.
    fileprivate func isNews(after before: MeshSight) -> Bool {
        func isFar(_ here: Double?, _ there: Double?) -> Bool {
            guard let here, let there else { return (here == nil) != (there == nil) }
            return abs(here - there) >= 0.1
        }
        return liveness != before.liveness || votes != before.votes
            || isCloned != before.isCloned || holdsAll != before.holdsAll
            || isFar(lossHere, before.lossHere) || isFar(lossThere, before.lossThere)
    }
}

/// What a node sent and received in its mesh since it started, and what it threw away.
package struct MeshTraffic: Hashable, Codable, Sendable {
    /// Datagrams and their bytes with what the link adds: gossip, then content that was asked for.
    package var sentFrames: UInt64 = 0
    package var sentBytes: UInt64 = 0
    package var payloadBytes: UInt64 = 0
    package var receivedFrames: UInt64 = 0
    /// Dropped by reason; a reason that never came is not there.
    package var dropped: [String: UInt64] = [:]

    package init() {}

    package var droppedFrames: UInt64 { dropped.values.reduce(0, +) }
}

/// The answer to who sees whom: the views of the nodes of one site, or of one node.
package struct MeshReport: Hashable, Codable, Sendable {
    package var items: [MeshView]
    package var asOf: WallTime

    package init(items: [MeshView], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}
