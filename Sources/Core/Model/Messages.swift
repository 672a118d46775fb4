/// What an agent says to the hub on the control link.
package enum NodeMessage: Hashable, Codable, Sendable {
    /// First on every session: who speaks, and where both flows resume.
    indirect case hello(Hello)
    /// Everything up to this revision of the node's feed is durable on the node, and these policies are
    /// in force there; nil where none is.
    case applied(revision: UInt64, policies: [PolicyReference]? = nil)
    /// Entries of the node's log in rising sequence. Sending one twice is harmless.
    case entries([LogEntry])
    case heartbeat(Usage?)
    /// The engine that runs workloads, when it became known after the hello or changed.
    case engine(EngineStatus)
    /// Some of the documents that are durable here; all were said with the last.
    case holdings([Document], isLast: Bool)
    case certify(CertificationRequest)
    /// Where the node's audit log stands.
    indirect case audit(AuditReport)
    /// How the node sees its mesh.
    indirect case mesh(MeshView)
}

package struct Hello: Hashable, Codable, Sendable {
    package var node: NodeID
    package var site: SiteID
    package var agentVersion: String
    package var capacity: Capacity
    package var engine: EngineStatus?
    /// The revision up to which its documents are durable.
    package var appliedRevision: UInt64
    /// The revision up to which it took documents in, where its disk is behind; nil where it is not.
    package var takenRevision: UInt64?
    /// The highest hub epoch the node has obeyed; it refuses a lower one.
    package var epoch: UInt64
    /// The last entry of the node's log: what was decided there before is known once the hub has it.
    /// Agents of old say none.
    package var logHead: UInt64?
    /// The policies in force; nil where none is.
    package var policies: [PolicyReference]?

    /// The number of this run of the agent, of the one before it on the same store, of the boot, and of
    /// the machine. Older agents say none of them.
    package var run: UInt64?
    package var follows: UInt64?
    package var boot: UInt64?
    package var machine: UInt64?
    /// The keys with its peers that it has from the hub; nil where it has none.
    package var keys: KeyHand?
    /// By which values are sealed for this node, in hexadecimal; nil from agents of old.
    package var secretsKey: String?
    /// Where it is in the mesh of its site; nil where it takes no part.
    package var mesh: MeshContact?

    package init(
        node: NodeID, site: SiteID, agentVersion: String, capacity: Capacity,
        engine: EngineStatus?, appliedRevision: UInt64, takenRevision: UInt64? = nil,
        epoch: UInt64, logHead: UInt64? = nil,
        policies: [PolicyReference]? = nil, run: UInt64? = nil, follows: UInt64? = nil,
        boot: UInt64? = nil, machine: UInt64? = nil, keys: KeyHand? = nil,
        mesh: MeshContact? = nil, secretsKey: String? = nil
    ) {
        self.secretsKey = secretsKey
        self.node = node
        self.site = site
        self.agentVersion = agentVersion
        self.capacity = capacity
        self.engine = engine
        self.appliedRevision = appliedRevision
        self.takenRevision = takenRevision
        self.epoch = epoch
        self.run = run
        self.follows = follows
        self.boot = boot
        self.machine = machine
        self.logHead = logHead
        self.policies = policies
        self.keys = keys
        self.mesh = mesh
    }

    /// The newest revision that the node knows of, durable or not.
    package var knownRevision: UInt64 { max(appliedRevision, takenRevision ?? 0) }
}

/// What the hub says to an agent.
package enum HubMessage: Hashable, Codable, Sendable {
    case welcome(Welcome)
    /// Come back after this long; the session is over.
    case retry(after: Interval, reason: String)
    /// Documents; with the last of them the node has everything up to `through`. Some may be newer.
    case documents([Document], through: UInt64)
    /// Every log entry up to this sequence is durable on the hub.
    case acknowledged(sequence: UInt64)
    /// Say what you hold: the hub cannot tell from numbers alone.
    case inventory
    case certified(Certification)
    /// Keys that the node shares with each of its peers.
    case keys(KeyDeal)
    /// Which identities are no longer good.
    indirect case revocations(RevocationList)
    /// That the node's audit log is witnessed.
    indirect case witnessed(AuditReceipt)
    /// Who belongs to the mesh of the node's site.
    indirect case roster(SignedRoster)
}

package struct Welcome: Hashable, Codable, Sendable {
    package var epoch: UInt64
    /// The last log entry of the node that the hub holds.
    package var acknowledged: UInt64
    package var heartbeatEvery: Interval
    /// Over how long the fleet spreads its first attempts when this link drops.
    package var reconnectWindow: Interval
    /// The time by which the hub judges certificates; nil from hubs of old.
    package var time: WallTime?
    /// The record up to which the hub has witnessed the node's audit log, zero for none; nil from hubs of
    /// old.
    package var audited: UInt64?
    /// Stands for the roots that the hub offers: another than last time means that they were replaced. Nil
    /// from hubs of old.
    package var trust: String?
    /// The hub takes views of the mesh that hold only what changed; nil from hubs of old.
    package var mergesViews: Bool?

    package init(
        epoch: UInt64, acknowledged: UInt64, heartbeatEvery: Interval, reconnectWindow: Interval,
        time: WallTime? = nil, audited: UInt64? = nil, trust: String? = nil,
        mergesViews: Bool? = nil
    ) {
        self.mergesViews = mergesViews
        self.time = time
        self.trust = trust
        self.audited = audited
        self.epoch = epoch
        self.acknowledged = acknowledged
        self.heartbeatEvery = heartbeatEvery
        self.reconnectWindow = reconnectWindow
    }
}

/// One control link from connect to end, as the hub counts them. A node that comes back has a new one.
package struct SessionID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package var description: String { "session \(rawValue)" }

    package static func < (left: SessionID, right: SessionID) -> Bool {
        left.rawValue < right.rawValue
    }
}
