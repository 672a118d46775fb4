/// The group and version of every object.
package let apiVersion = "skerry.dev/v1"

/// The kinds that people write or read, named as in `kind:`.
package enum Kind: String, Codable, CaseIterable, Sendable, Comparable {
    case site = "Site"
    case node = "Node"
    case workload = "Workload"
    case instance = "Instance"
    case policy = "Policy"
    case secret = "Secret"

    /// The plural used in paths and on the command line.
    package var plural: String {
        self == .policy ? "policies" : rawValue.lowercased() + "s"
    }

    /// The kind that `word` names: singular, plural or short form, in any case.
    package init?(word: String) {
        let word = word.lowercased()
        let short: [String: Kind] = [
            "no": .node, "wl": .workload, "in": .instance, "si": .site, "po": .policy,
            "se": .secret,
        ]
        guard
            let kind = Kind.allCases.first(where: {
                $0.plural == word || $0.rawValue.lowercased() == word
            }) ?? short[word]
        else { return nil }
        self = kind
    }

    package static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
}

package struct Metadata: Hashable, Codable, Sendable {
    package var name: String
    package var labels: [String: String]
    package var annotations: [String: String]
    /// Counts changes of the spec. Set by the hub; 0 in what people write.
    package var generation: UInt64
    package var createdAt: WallTime?

    package init(
        name: String, labels: [String: String] = [:], annotations: [String: String] = [:],
        generation: UInt64 = 0, createdAt: WallTime? = nil
    ) {
        self.name = name
        self.labels = labels
        self.annotations = annotations
        self.generation = generation
        self.createdAt = createdAt
    }
}

extension Metadata {
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        name = try fields.decode(String.self, forKey: .name)
        labels = try fields.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
        annotations = try fields.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
        generation = try fields.decodeIfPresent(UInt64.self, forKey: .generation) ?? 0
        createdAt = try fields.decodeIfPresent(WallTime.self, forKey: .createdAt)
    }
}

/// One fact about an object, kept with its age so that nobody mistakes old for current.
package struct Condition: Hashable, Codable, Sendable {
    package var type: String
    package var isTrue: Bool
    package var reason: String
    package var message: String
    package var observedAt: WallTime

    /// Of a node, as it says itself: whether the hub is in contact; if not, `Refused` where somebody
    /// answers.
    package static let contact = "Contact"
    package static let refused = "Refused"

    package init(
        type: String, isTrue: Bool, reason: String, message: String, observedAt: WallTime
    ) {
        self.type = type
        self.isTrue = isTrue
        self.reason = reason
        self.message = message
        self.observedAt = observedAt
    }
}

// MARK: - Site

package struct Site: Hashable, Codable, Sendable {
    package var metadata: Metadata
    package var spec: SiteSpec
    package var status: SiteStatus?

    package init(metadata: Metadata, spec: SiteSpec, status: SiteStatus? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

package struct SiteSpec: Hashable, Codable, Sendable {
    package var location: Location?
    /// How long the site may run on its own before its nodes count as silent.
    package var autonomyWindow: Interval
    /// How long after its last contact a node still counts its policy as fresh.
    package var stalenessBound: Interval
    package var whenDisconnected: Disconnection
    package var pattern: Pattern
    /// Rows that replace cells of the pattern's table.
    package var authority: [AuthorityOverride]
    package var link: LinkBudget?

    package init(
        location: Location? = nil, autonomyWindow: Interval = .hours(72),
        stalenessBound: Interval = .seconds(300), whenDisconnected: Disconnection = .normal,
        pattern: Pattern = .hybrid, authority: [AuthorityOverride] = [], link: LinkBudget? = nil
    ) {
        self.location = location
        self.autonomyWindow = autonomyWindow
        self.stalenessBound = stalenessBound
        self.whenDisconnected = whenDisconnected
        self.pattern = pattern
        self.authority = authority
        self.link = link
    }
}

extension SiteSpec {
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let plain = SiteSpec()
        location = try fields.decodeIfPresent(Location.self, forKey: .location)
        autonomyWindow =
            try fields.decodeIfPresent(Interval.self, forKey: .autonomyWindow)
            ?? plain.autonomyWindow
        stalenessBound =
            try fields.decodeIfPresent(Interval.self, forKey: .stalenessBound)
            ?? plain.stalenessBound
        whenDisconnected =
            try fields.decodeIfPresent(Disconnection.self, forKey: .whenDisconnected)
            ?? plain.whenDisconnected
        pattern = try fields.decodeIfPresent(Pattern.self, forKey: .pattern) ?? plain.pattern
        authority =
            try fields.decodeIfPresent([AuthorityOverride].self, forKey: .authority) ?? []
        link = try fields.decodeIfPresent(LinkBudget.self, forKey: .link)
    }
}

package struct Location: Hashable, Codable, Sendable {
    /// Degrees north, -90 to 90.
    package var latitude: Double
    /// Degrees east, -180 to 180.
    package var longitude: Double

    package init(latitude: Double, longitude: Double) {
        self.latitude = latitude
        self.longitude = longitude
    }
}

/// What the uplink of a site carries. The agent paces its log to it.
package struct LinkBudget: Hashable, Codable, Sendable {
    package var bytesPerSecond: ByteCount

    package init(bytesPerSecond: ByteCount) { self.bytesPerSecond = bytesPerSecond }
}

package struct SiteStatus: Hashable, Codable, Sendable {
    package var nodes: Int
    package var nodesInContact: Int
    package var observedAt: WallTime

    package init(nodes: Int, nodesInContact: Int, observedAt: WallTime) {
        self.nodes = nodes
        self.nodesInContact = nodesInContact
        self.observedAt = observedAt
    }
}

// MARK: - Node

package struct Node: Hashable, Codable, Sendable {
    package var metadata: Metadata
    package var spec: NodeSpec
    package var status: NodeStatus?

    package init(metadata: Metadata, spec: NodeSpec, status: NodeStatus? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

package struct NodeSpec: Hashable, Codable, Sendable {
    package var site: SiteID
    /// A cordoned node keeps what it runs and is given nothing new.
    package var cordoned: Bool

    package init(site: SiteID, cordoned: Bool = false) {
        self.site = site
        self.cordoned = cordoned
    }
}

package enum NodeState: String, Codable, Sendable {
    /// In contact with the hub.
    case ready = "Ready"
    /// Not heard from, and still inside the autonomy window of its site.
    case autonomous = "Autonomous"
    /// Not heard from, and seen by peers of its mesh that are in contact.
    case vouched = "Vouched"
    /// Not heard from for longer than the autonomy window, or never.
    case silent = "Silent"
    /// The hub was restored from a backup and has not compared itself with the node yet.
    case awaitingReconnect = "AwaitingReconnect"
    /// The node holds what the hub does not say, and a person has to choose.
    case conflictPaused = "ConflictPaused"
}

package struct Capacity: Hashable, Codable, Sendable {
    package var cpu: CPUShare
    package var memory: ByteCount

    package init(cpu: CPUShare, memory: ByteCount) {
        self.cpu = cpu
        self.memory = memory
    }
}

package struct NodeStatus: Hashable, Codable, Sendable {
    package var state: NodeState
    /// When the hub last heard from the node; nil means never.
    package var lastSeen: WallTime?
    package var observedAt: WallTime
    package var agentVersion: String?
    package var engine: EngineStatus?
    package var capacity: Capacity?
    package var usage: Usage?
    /// The newest document revision made for the node, and the newest it has made durable.
    package var desiredRevision: UInt64
    package var appliedRevision: UInt64
    package var conditions: [Condition]

    package init(
        state: NodeState, lastSeen: WallTime?, observedAt: WallTime, agentVersion: String? = nil,
        engine: EngineStatus? = nil, capacity: Capacity? = nil, usage: Usage? = nil,
        desiredRevision: UInt64 = 0, appliedRevision: UInt64 = 0, conditions: [Condition] = []
    ) {
        self.state = state
        self.lastSeen = lastSeen
        self.observedAt = observedAt
        self.agentVersion = agentVersion
        self.engine = engine
        self.capacity = capacity
        self.usage = usage
        self.desiredRevision = desiredRevision
        self.appliedRevision = appliedRevision
        self.conditions = conditions
    }
}

/// Which engine a node runs workloads with, and what that engine cannot do there.
package struct EngineStatus: Hashable, Codable, Sendable {
    /// `engine` or `process`; see also `absent(because:)`.
    package var name: String
    package var version: String
    /// Sentences such as "memory limits are not enforced: cgroup v2 is not writable".
    package var limitations: [String]

    package init(name: String, version: String, limitations: [String] = []) {
        self.name = name
        self.version = version
        self.limitations = limitations
    }

    /// What is shown in place of an engine that does not answer.
    package static func absent(because reason: String) -> EngineStatus {
        EngineStatus(name: absence, version: "", limitations: [reason])
    }

    package var isAbsent: Bool { name == EngineStatus.absence }

    private static let absence = "absent"
}

/// What a node or an instance uses at a moment.
package struct Usage: Hashable, Codable, Sendable {
    package var cpu: CPUShare
    package var memory: ByteCount
    package var observedAt: WallTime

    package init(cpu: CPUShare, memory: ByteCount, observedAt: WallTime) {
        self.cpu = cpu
        self.memory = memory
        self.observedAt = observedAt
    }
}
