package struct Workload: Hashable, Codable, Sendable {
    package var metadata: Metadata
    package var spec: WorkloadSpec
    package var status: WorkloadStatus?

    package init(metadata: Metadata, spec: WorkloadSpec, status: WorkloadStatus? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    package var id: WorkloadID { WorkloadID(metadata.name) }
}

package struct WorkloadSpec: Hashable, Codable, Sendable {
    package var tier: Tier
    package var replicas: Replicas
    /// Labels that a node must carry, each with this value. Every node carries `site` and `node`.
    package var selector: [String: String]
    package var containers: [ContainerSpec]
    package var restartPolicy: RestartPolicy
    /// Workloads that must be ready on the same node before this one starts.
    package var dependsOn: [WorkloadID]
    /// How long a container may take to stop before it is killed.
    package var stopGrace: Interval
    /// What silence may do to it; nil for nothing.
    package var disconnect: Disconnect?

    package init(
        tier: Tier = .reduced, replicas: Replicas = .count(1), selector: [String: String] = [:],
        containers: [ContainerSpec], restartPolicy: RestartPolicy = .always,
        dependsOn: [WorkloadID] = [], stopGrace: Interval = .seconds(10),
        disconnect: Disconnect? = nil
    ) {
        self.tier = tier
        self.replicas = replicas
        self.selector = selector
        self.containers = containers
        self.restartPolicy = restartPolicy
        self.dependsOn = dependsOn
        self.stopGrace = stopGrace
        self.disconnect = disconnect
    }
}

/// How much a workload matters: lower tiers start first, stop last and are restarted soonest.
package enum Tier: Int, Codable, Sendable, Comparable, CaseIterable {
    case critical = 1
    case reduced = 2
    case optional = 3

    package static func < (left: Tier, right: Tier) -> Bool { left.rawValue < right.rawValue }
}

/// `replicas: 3`, or `replicas: perNode` for one on each node that the selector matches.
package enum Replicas: Hashable, Sendable {
    case count(Int)
    case perNode
}

extension Replicas: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let count = try? container.decode(Int.self) {
            self = .count(count)
        } else if try container.decode(String.self) == "perNode" {
            self = .perNode
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "replicas is a number or perNode")
        }
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .count(let count): try container.encode(count)
        case .perNode: try container.encode("perNode")
        }
    }
}

package enum RestartPolicy: String, Codable, Sendable, CaseIterable {
    case always = "Always"
    case onFailure = "OnFailure"
    case never = "Never"
}

package struct ContainerSpec: Hashable, Codable, Sendable {
    package var name: String
    /// An image reference. The `engine` engine needs it; the `process` engine runs `command`.
    package var image: String?
    package var command: [String]
    package var env: [String: String]
    package var ports: [PortSpec]
    package var probes: Probes
    package var resources: Resources
    package var mounts: [Mount]
    package var workingDirectory: String?
    /// Variables whose values are in Secrets.
    package var secretEnv: [String: SecretReference]
    package var secretFiles: [SecretMount]
    /// Whose word there is for the image.
    package var signatures: [ImageSignature]

    package init(
        name: String, image: String? = nil, command: [String] = [], env: [String: String] = [:],
        ports: [PortSpec] = [], probes: Probes = Probes(), resources: Resources = Resources(),
        mounts: [Mount] = [], workingDirectory: String? = nil,
        secretEnv: [String: SecretReference] = [:], secretFiles: [SecretMount] = [],
        signatures: [ImageSignature] = []
    ) {
        self.signatures = signatures
        self.secretEnv = secretEnv
        self.secretFiles = secretFiles
        self.name = name
        self.image = image
        self.command = command
        self.env = env
        self.ports = ports
        self.probes = probes
        self.resources = resources
        self.mounts = mounts
        self.workingDirectory = workingDirectory
    }
}

extension ContainerSpec {
    // By hand for the last three: records on disk are older than they are.
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        name = try fields.decode(String.self, forKey: .name)
        image = try fields.decodeIfPresent(String.self, forKey: .image)
        command = try fields.decode([String].self, forKey: .command)
        env = try fields.decode([String: String].self, forKey: .env)
        ports = try fields.decode([PortSpec].self, forKey: .ports)
        probes = try fields.decode(Probes.self, forKey: .probes)
        resources = try fields.decode(Resources.self, forKey: .resources)
        mounts = try fields.decode([Mount].self, forKey: .mounts)
        workingDirectory = try fields.decodeIfPresent(String.self, forKey: .workingDirectory)
        secretEnv =
            try fields.decodeIfPresent([String: SecretReference].self, forKey: .secretEnv) ?? [:]
        secretFiles = try fields.decodeIfPresent([SecretMount].self, forKey: .secretFiles) ?? []
        signatures =
            try fields.decodeIfPresent([ImageSignature].self, forKey: .signatures) ?? []
    }
}

/// A port that a container listens on. Containers share the network of their node.
///
/// Without a number the node picks one from its own range and keeps it for the life of the
/// instance. The container finds it in `PORT_<NAME>`, and the first port also in `PORT`.
package struct PortSpec: Hashable, Codable, Sendable {
    package var name: String
    package var port: Int?
    /// Where the node takes TLS for it: whoever calls there shows a certificate of the fleet, and
    /// policies say whether it may. Nil for nowhere.
    package var front: Int?

    package init(name: String, port: Int? = nil, front: Int? = nil) {
        self.name = name
        self.port = port
        self.front = front
    }
}

package struct Probes: Hashable, Codable, Sendable {
    /// Until it passes, the other two do not run.
    package var startup: Probe?
    /// Failing it takes the instance out of service; nothing is restarted.
    package var readiness: Probe?
    /// Failing it restarts the container.
    package var liveness: Probe?

    package init(startup: Probe? = nil, readiness: Probe? = nil, liveness: Probe? = nil) {
        self.startup = startup
        self.readiness = readiness
        self.liveness = liveness
    }
}

package struct Probe: Hashable, Codable, Sendable {
    /// Exactly one of the three is set.
    package var http: HTTPProbe?
    package var tcp: TCPProbe?
    package var exec: ExecProbe?
    package var period: Interval
    package var timeout: Interval
    /// Failures in a row before the probe counts as failed.
    package var failureThreshold: Int

    package init(
        http: HTTPProbe? = nil, tcp: TCPProbe? = nil, exec: ExecProbe? = nil,
        period: Interval = .seconds(10), timeout: Interval = .seconds(2), failureThreshold: Int = 3
    ) {
        self.http = http
        self.tcp = tcp
        self.exec = exec
        self.period = period
        self.timeout = timeout
        self.failureThreshold = failureThreshold
    }
}

/// Passes on a status from 200 to 399.
package struct HTTPProbe: Hashable, Codable, Sendable {
    /// The name of one of the container's ports.
    package var port: String
    package var path: String

    package init(port: String, path: String = "/") {
        self.port = port
        self.path = path
    }
}

package struct TCPProbe: Hashable, Codable, Sendable {
    package var port: String
    package init(port: String) { self.port = port }
}

/// Passes when the command ends with 0.
package struct ExecProbe: Hashable, Codable, Sendable {
    package var command: [String]
    package init(command: [String]) { self.command = command }
}

/// Upper limits. What is nil is not limited.
package struct Resources: Hashable, Codable, Sendable {
    package var cpu: CPUShare?
    package var memory: ByteCount?

    package init(cpu: CPUShare? = nil, memory: ByteCount? = nil) {
        self.cpu = cpu
        self.memory = memory
    }
}

/// A directory or file of the node shown inside a container.
package struct Mount: Hashable, Codable, Sendable {
    package var source: String
    package var target: String
    package var readOnly: Bool

    package init(source: String, target: String, readOnly: Bool = false) {
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }
}

package struct WorkloadStatus: Hashable, Codable, Sendable {
    package var desired: Int
    package var ready: Int
    /// The oldest report that `ready` rests on; nil before any.
    package var observedAt: WallTime?
    package var conditions: [Condition]

    package init(
        desired: Int, ready: Int, observedAt: WallTime?, conditions: [Condition] = []
    ) {
        self.desired = desired
        self.ready = ready
        self.observedAt = observedAt
        self.conditions = conditions
    }
}
