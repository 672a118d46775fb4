import Model

// The part of the Docker Engine API's records that is used here. Names as on the wire, in their own
// enumerations; whatever else an engine sends is ignored.

/// The body of `POST /containers/create`.
struct Creation: Encodable {
    struct Host: Encodable {
        var networkMode = "host"
        var binds: [String]
        var memory: Int64?
        var nanoCpus: Int64?

        enum CodingKeys: String, CodingKey {
            case networkMode = "NetworkMode"
            case binds = "Binds"
            case memory = "Memory"
            case nanoCpus = "NanoCpus"
        }
    }

    var image: String
    var entrypoint: [String]?
    var env: [String]
    var labels: [String: String]
    var workingDirectory: String?
    var host: Host

    enum CodingKeys: String, CodingKey {
        case image = "Image"
        case entrypoint = "Entrypoint"
        case env = "Env"
        case labels = "Labels"
        case workingDirectory = "WorkingDir"
        case host = "HostConfig"
    }
}

/// The answer of `POST /containers/create` and of `POST /containers/ID/exec`, and each item of
/// `GET /containers/json`.
struct Created: Decodable {
    var id: String
    enum CodingKeys: String, CodingKey { case id = "Id" }
}

/// The answer of `GET /containers/ID/json`.
struct Inspection: Decodable {
    struct State: Decodable {
        var running: Bool
        var outOfMemory: Bool?
        var exitCode: Int?
        var startedAt: String?
        /// `created` before the first start.
        var status: String?

        enum CodingKeys: String, CodingKey {
            case running = "Running"
            case outOfMemory = "OOMKilled"
            case exitCode = "ExitCode"
            case startedAt = "StartedAt"
            case status = "Status"
        }
    }
    struct Config: Decodable {
        var labels: [String: String]?
        enum CodingKeys: String, CodingKey { case labels = "Labels" }
    }
    struct Host: Decodable {
        var memory: Int64?
        enum CodingKeys: String, CodingKey { case memory = "Memory" }
    }

    var id: String
    var state: State
    var config: Config
    var host: Host?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case state = "State"
        case config = "Config"
        case host = "HostConfig"
    }

    var identity: (id: ContainerID, edition: Edition)? {
        ContainerID.identity(config.labels ?? [:])
    }

    /// Whether it has not ended: Podman calls one that was asked to end neither running nor exited.
    var isRunning: Bool {
        state.running || ["stopping", "paused", "restarting"].contains(state.status)
    }

    /// Year 1 is how both engines write "never".
    var startedAt: WallTime? {
        state.startedAt.flatMap { $0.hasPrefix("0001-") ? nil : WallTime($0) }
    }
}

/// One line of `GET /events`.
struct EngineNotice: Decodable {
    struct Actor: Decodable {
        var id: String
        var attributes: [String: String]?
        enum CodingKeys: String, CodingKey {
            case id = "ID"
            case attributes = "Attributes"
        }
    }
    var action: String
    var actor: Actor

    enum CodingKeys: String, CodingKey {
        case action = "Action"
        case actor = "Actor"
    }
}

/// The answer of `GET /containers/ID/stats`.
struct Statistics: Decodable {
    struct Processor: Decodable {
        struct Use: Decodable {
            var nanoseconds: Int64
            enum CodingKeys: String, CodingKey { case nanoseconds = "total_usage" }
        }
        var use: Use
        enum CodingKeys: String, CodingKey { case use = "cpu_usage" }
    }
    struct Memory: Decodable {
        struct Details: Decodable {
            var inactiveFile: Int64?
            var totalInactiveFile: Int64?
            enum CodingKeys: String, CodingKey {
                case inactiveFile = "inactive_file"
                case totalInactiveFile = "total_inactive_file"
            }
        }
        var usage: Int64?
        var details: Details?
        enum CodingKeys: String, CodingKey {
            case usage
            case details = "stats"
        }
    }
    var processor: Processor
    var memory: Memory

    enum CodingKeys: String, CodingKey {
        case processor = "cpu_stats"
        case memory = "memory_stats"
    }

    /// Without the cache that the kernel would give back at once.
    var memoryBytes: Int64 {
        let cache = memory.details?.totalInactiveFile ?? memory.details?.inactiveFile ?? 0
        return max(0, (memory.usage ?? 0) - cache)
    }
}

/// The answer of `GET /version`.
struct EngineVersion: Decodable {
    struct Component: Decodable {
        var name: String
        enum CodingKeys: String, CodingKey { case name = "Name" }
    }
    var version: String
    var components: [Component]?
    enum CodingKeys: String, CodingKey {
        case version = "Version"
        case components = "Components"
    }

    var text: String {
        let isPodman = components?.contains { $0.name.hasPrefix("Podman") } ?? false
        return "\(isPodman ? "Podman" : "Docker") \(version)"
    }
}

/// The answer of `GET /info`.
struct EngineFacts: Decodable {
    var memoryLimit: Bool?
    var processorQuota: Bool?
    enum CodingKeys: String, CodingKey {
        case memoryLimit = "MemoryLimit"
        case processorQuota = "CpuCfsQuota"
    }
}

/// The body of `POST /containers/ID/exec`.
struct CommandCreation: Encodable {
    var command: [String]
    var terminal: Bool
    var input: Bool
    var output = true
    var error = true

    enum CodingKeys: String, CodingKey {
        case command = "Cmd"
        case terminal = "Tty"
        case input = "AttachStdin"
        case output = "AttachStdout"
        case error = "AttachStderr"
    }
}

/// The body of `POST /exec/ID/start`.
struct CommandStart: Encodable {
    var detach = false
    var terminal: Bool

    enum CodingKeys: String, CodingKey {
        case detach = "Detach"
        case terminal = "Tty"
    }
}

/// The answer of `GET /exec/ID/json`.
struct CommandState: Decodable {
    var running: Bool
    var exitCode: Int?
    var pid: Int?

    enum CodingKeys: String, CodingKey {
        case running = "Running"
        case exitCode = "ExitCode"
        case pid = "Pid"
    }
}

/// A line of the answer of `POST /images/create`.
struct PullProgress: Decodable {
    var error: String?
}
