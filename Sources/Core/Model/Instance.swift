/// The words for the state of an instance.
package enum Phase: String, Codable, Sendable, CaseIterable {
    case pending = "Pending"
    case running = "Running"
    case degraded = "Degraded"
    case crashLoopBackOff = "CrashLoopBackOff"
    case imagePullBackOff = "ImagePullBackOff"
    case succeeded = "Succeeded"
    case failed = "Failed"
}

/// What a node says about one instance. Sent in the node's log when it changes.
package struct InstanceStatus: Hashable, Codable, Sendable {
    package var id: InstanceID
    package var node: NodeID
    package var site: SiteID
    package var tier: Tier
    /// The generation of the workload that runs, as the node understood it.
    package var observedGeneration: UInt64
    package var phase: Phase
    package var ready: Bool
    /// Starts beyond the first, over the life of the instance.
    package var restarts: Int
    package var startedAt: WallTime?
    /// Port name to the port in use on the node.
    package var ports: [String: Int]
    package var reason: String
    package var message: String
    package var observedAt: WallTime
    /// The decision that started what runs; nil from nodes that kept no such record.
    package var decision: DecisionID?

    package init(
        id: InstanceID, node: NodeID, site: SiteID, tier: Tier, observedGeneration: UInt64,
        phase: Phase, ready: Bool, restarts: Int, startedAt: WallTime?, ports: [String: Int],
        reason: String, message: String, observedAt: WallTime, decision: DecisionID? = nil
    ) {
        self.id = id
        self.node = node
        self.site = site
        self.tier = tier
        self.observedGeneration = observedGeneration
        self.phase = phase
        self.ready = ready
        self.restarts = restarts
        self.startedAt = startedAt
        self.ports = ports
        self.reason = reason
        self.message = message
        self.observedAt = observedAt
        self.decision = decision
    }
}

/// An instance as people see it: read only, made by a node.
package struct Instance: Hashable, Codable, Sendable {
    package var metadata: Metadata
    package var status: InstanceStatus

    package init(_ status: InstanceStatus) {
        metadata = Metadata(name: status.id.description)
        self.status = status
    }
}

/// What a node keeps on disk about an instance it runs: enough to adopt it after a crash.
///
/// Made durable before the first container starts, so a container without a record is not ours to
/// keep.
package struct InstanceRecord: Hashable, Codable, Sendable {
    package var id: InstanceID
    /// The generation whose containers were started.
    package var generation: UInt64
    /// The containers as started. A new generation with equal containers restarts nothing.
    package var containers: [ContainerSpec]
    package private(set) var ports: [String: Int]
    package var restarts: Int
    /// The decision that started what runs.
    package var decision: Decision?
    /// The digests of the Secrets that it was started with; nil from agents of old.
    package private(set) var secrets: [String: String]?
    /// Of the containers, ports and Secrets, as the agent that made this record saw them; nil from
    /// agents of old. Kept, and not found anew: a newer agent may know more fields.
    private var digest: String?

    package init(
        id: InstanceID, generation: UInt64, containers: [ContainerSpec], ports: [String: Int],
        restarts: Int = 0, decision: Decision? = nil, secrets: [String: String]? = nil
    ) {
        self.secrets = secrets
        self.id = id
        self.generation = generation
        self.containers = containers
        self.ports = ports
        self.restarts = restarts
        self.decision = decision
        digest = contentDigest
    }

    /// As its containers are known in the engine.
    package var edition: Edition { Edition(generation, digest: digest) }

    /// Other ports, before anything was started.
    package mutating func take(ports: [String: Int]) {
        self.ports = ports
        digest = contentDigest
    }

    private var contentDigest: String {
        var hash = StableHash()
        hash.add(fieldsOf: containers)
        hash.add(fieldsOf: ports)
        hash.add(fieldsOf: secrets ?? [:])
        return String(hash.value, radix: 16)
    }
}
