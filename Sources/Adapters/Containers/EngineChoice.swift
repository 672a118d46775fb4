package import Model

/// Which engine a node shall use, as its configuration says.
package enum EngineChoice: Hashable, Sendable {
    /// The first container engine that answers on a known socket, otherwise processes.
    case auto
    /// The container engine behind this Unix socket, also while it does not answer.
    case engine(socketPath: String)
    case process

    /// Reads `auto`, `process`, a socket's path or `unix:///path`; nil for anything else.
    package init?(_ text: String) {
        switch text {
        case "auto": self = .auto
        case "process": self = .process
        default:
            guard let path = EngineChoice.socketPath(text) else { return nil }
            self = .engine(socketPath: path)
        }
    }

    /// Opens the chosen engine. `dockerHost` is what the environment says in `DOCKER_HOST`.
    ///
    /// `directory` holds the records and logs of processes. Commands are looked up in `searchPath`
    /// before the system's directories.
    package func open(
        directory: String, node: NodeID, searchPath: [String] = [], dockerHost: String? = nil
    ) async throws(EngineFailure) -> any Engine {
        switch self {
        case .engine(let path):
            return SocketEngine(socketPath: path, node: node)
        case .process:
            return try ProcessEngine(directory: directory, node: node, searchPath: searchPath)
        case .auto:
            for path in EngineChoice.knownSockets(dockerHost: dockerHost) {
                let engine = SocketEngine(socketPath: path, node: node)
                if await engine.answers() { return engine }
            }
            return try ProcessEngine(directory: directory, node: node, searchPath: searchPath)
        }
    }

    private static func knownSockets(dockerHost: String?) -> [String] {
        let fromEnvironment = dockerHost.flatMap(socketPath).map { [$0] } ?? []
        return fromEnvironment + ["/run/podman/podman.sock", "/var/run/docker.sock"]
    }

    private static func socketPath(_ text: String) -> String? {
        let path = text.hasPrefix("unix://") ? String(text.dropFirst("unix://".count)) : text
        return path.hasPrefix("/") ? path : nil
    }
}
