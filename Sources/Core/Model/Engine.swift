/// What tells two containers of one id apart: the instance that they were started for.
package struct Edition: Hashable, Sendable {
    package var generation: UInt64
    /// Of what the instance was made of: two hubs, or a hub and a person at the node, may give one
    /// generation to two documents. Nil from agents of old.
    package var digest: String?

    package init(_ generation: UInt64, digest: String? = nil) {
        self.generation = generation
        self.digest = digest
    }

    /// Whether both were started as the same, as far as both say it.
    package func matches(_ other: Edition) -> Bool {
        guard generation == other.generation else { return false }
        guard let digest, let others = other.digest else { return true }
        return digest == others
    }
}

/// Everything an engine needs to start one container, and to recognise it later.
package struct StartRequest: Hashable, Sendable {
    package var id: ContainerID
    /// Becomes labels of the container: the edition of its `InstanceRecord`.
    package var edition: Edition
    package var spec: ContainerSpec
    /// Port name to number, resolved.
    package var ports: [String: Int]
    /// The complete environment: the spec's, the ports', and `SKERRY_*` facts about the place.
    package var env: [String: String]
    /// The Secrets that the spec names, sealed for this node. Whoever carries the request out opens
    /// them; an engine gets what came of it.
    package var secrets: [SecretID: SealedValues]

    package init(
        id: ContainerID, edition: Edition, spec: ContainerSpec, ports: [String: Int],
        env: [String: String], secrets: [SecretID: SealedValues] = [:]
    ) {
        self.secrets = secrets
        self.id = id
        self.edition = edition
        self.spec = spec
        self.ports = ports
        self.env = env
    }
}

/// A container that an engine holds and that carries Skerry's labels.
package struct ObservedContainer: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case running
        case exited(Exit)
    }

    package var id: ContainerID
    package var edition: Edition
    /// The engine's own handle: a container id, or a process id with its start time.
    package var handle: String
    package var state: State
    package var startedAt: WallTime?

    package init(
        id: ContainerID, edition: Edition, handle: String, state: State, startedAt: WallTime?
    ) {
        self.id = id
        self.edition = edition
        self.handle = handle
        self.state = state
        self.startedAt = startedAt
    }
}

/// How a container ended.
package struct Exit: Hashable, Codable, Sendable {
    /// Nil where nobody was there to collect it.
    package var code: Int?
    package var outOfMemory: Bool

    package init(code: Int?, outOfMemory: Bool = false) {
        self.code = code
        self.outOfMemory = outOfMemory
    }
}

/// Why an engine could not do what it was asked.
package struct EngineFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: String, Hashable, Sendable {
        case imageMissing = "ImageMissing"
        case imagePull = "ImagePull"
        case commandMissing = "CommandMissing"
        case containerMissing = "ContainerMissing"
        case engineUnavailable = "EngineUnavailable"
        case refused = "Refused"
    }

    package var reason: Reason
    package var message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    /// Whether what was asked for is simply not there.
    package var isAbsence: Bool { reason == .commandMissing || reason == .containerMissing }

    /// The sentence alone: whoever forwards it to a person shows no names of types.
    package var description: String { message }
}

/// A probe with its port looked up.
package enum ProbeTarget: Hashable, Sendable {
    case http(port: Int, path: String)
    case tcp(port: Int)
    case exec([String])
}

/// What one run of a probe showed.
package enum ProbeOutcome: Hashable, Sendable {
    case passed
    case failed(String)
}
