import Foundation
import Glibc
import Model

/// A directory of its own with a hub and nodes in it: real processes on loopback, all of which end
/// with the test, however it ends.
final class Stage {
    let directory: String
    let binaries: String
    /// Management, control and enrolment; `ports[3]...` are for workloads.
    let ports: ClosedRange<Int>
    private(set) var hub: Program?
    private(set) var agents: [String: Program] = [:]
    private var started: [Program] = []
    private var serial = 0
    /// Given to every process on top of its environment.
    var variables: [String: String] = [:]

    /// Runs `body` on a stage, and clears it.
    static func with(_ body: (Stage) async throws -> Void) async throws {
        let stage = try Stage()
        do {
            try await body(stage)
        } catch {
            let story = stage.story
            try await stage.clear()
            throw Vain(description: "\(error)\n\(story)")
        }
        try await stage.clear()
    }

    private init() throws {
        // Short, because the path of a Unix socket has at most 107 bytes.
        directory = "/tmp/se-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        binaries = (own as NSString).deletingLastPathComponent
        ports = try freePorts(count: 24)
    }

    private func clear() async throws {
        for program in started { try await program.crash() }
        for id in try daemons() { kill(id, SIGKILL) }
        for process in try workloadProcesses() { kill(process.id, SIGKILL) }
        try await eventually("the workloads to be gone") { try workloadProcesses().isEmpty }
        try FileManager.default.removeItem(atPath: directory)
    }

    // MARK: - Daemons

    /// More settings for the next hub.
    var hubSettings: [String] = []

    /// `state` is another directory than that of the first hub: another hub at its address.
    func startHub(
        _ state: String = "hub", failpoint: String? = nil, adding words: [String] = []
    ) async throws {
        let program = try start(hubArguments(state) + words, failpoint: failpoint)
        hub = program
        if failpoint == nil {
            try await eventually("the hub to answer") {
                guard program.isRunning else {
                    throw Vain(description: "the hub ended: \(try program.remarks)")
                }
                return try await skerry("version").code == 0
            }
        }
    }

    private func hubArguments(_ state: String) -> [String] {
        [
            "hub", "--state", directory + "/" + state, "--management-port", "\(ports.lowerBound)",
            "--control-port", "\(ports.lowerBound + 1)", "--enrolment-port",
            "\(ports.lowerBound + 2)",
        ] + hubSettings
    }

    /// A hub with a context for the client, and the site `urban`.
    func openHub(_ state: String = "hub") async throws {
        let answer = try await skerry(
            ["hub", "init"] + hubArguments(state).dropFirst().prefix(4) + hubSettings)
        guard answer.code == 0 else { throw Vain(description: answer.remarks) }
        try await startHub(state)
        try await apply(
            "apiVersion: skerry.dev/v1\nkind: Site\nmetadata: {name: urban}\nspec: {}\n")
    }

    @discardableResult
    func startAgent(
        _ node: String = "node-1", state: String? = nil, token: String? = nil,
        failpoint: String? = nil, answers: Bool = true, engine: String = "process"
    ) async throws -> Program {
        let program = try start(
            [
                "agent", "--state", directory + "/" + (state ?? node), "--node", node,
                "--socket", socket(of: node), "--engine", engine,
                "--ports", "\(ports.lowerBound + 3)-\(ports.upperBound)",
                "--search-path", binaries,
            ], failpoint: failpoint, adding: token.map { ["SKERRY_TOKEN": $0] } ?? [:])
        guard answers, failpoint == nil else { return program }
        agents[node] = program
        try await eventually("\(node) to answer") {
            guard program.isRunning else {
                throw Vain(description: "\(node) ended: \(try program.remarks)")
            }
            return try await skerry("version", on: node).code == 0
        }
        return program
    }

    /// An agent that joined by a fresh token and is in contact.
    func openAgent(_ node: String = "node-1") async throws {
        try await startAgent(node, token: try await token())
        try await ready("node/" + node)
    }

    /// Many at once: none waits for another.
    func openAgents(_ nodes: [String]) async throws {
        for node in nodes {
            agents[node] = try await startAgent(node, token: try await token(), answers: false)
        }
        try await allReady(nodes, within: patience)
    }

    /// Until the hub has contact with all of these nodes.
    func allReady(_ nodes: [String], within limit: Duration) async throws {
        try await eventually("\(nodes.count) nodes to be in contact", within: limit) {
            let states = try await self.states()
            return nodes.allSatisfy { states[$0] == .ready }
        }
    }

    /// How each node is, as the hub, or a node itself, says.
    func states(on node: String? = nil) async throws -> [String: NodeState] {
        var states: [String: NodeState] = [:]
        for object in try await list("nodes", on: node) {
            guard case .node(let node) = object else { continue }
            states[node.metadata.name] = node.status?.state
        }
        return states
    }

    func start(
        _ arguments: [String], failpoint: String? = nil, adding variables: [String: String] = [:]
    ) throws -> Program {
        serial += 1
        var environment = environment.merging(variables) { _, new in new }
        environment["SKERRY_FAILPOINT"] = failpoint
        let program = try Program(
            binaries + "/skerry", arguments, environment: environment,
            log: directory + "/\(serial).\(arguments[0])")
        started.append(program)
        return program
    }

    private var environment: [String: String] {
        [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "HOME": directory, "SKERRY_CONFIG": directory + "/config.yaml",
            "XDG_CACHE_HOME": directory + "/cache", "XDG_STATE_HOME": directory + "/state",
        ].merging(variables) { _, new in new }
    }

    private func socket(of node: String) -> String { directory + "/" + node + ".sock" }

    // MARK: - The client

    @discardableResult
    func skerry(
        _ words: [String], on node: String? = nil, input: String = ""
    ) async throws -> Answer {
        serial += 1
        var environment = environment
        if let node { environment["SKERRY_SOCKET"] = socket(of: node) }
        let program = try Program(
            binaries + "/skerry", words + (node == nil ? [] : ["--context", "local"]),
            environment: environment, log: directory + "/\(serial).client", input: input)
        started.append(program)
        let code = try await program.ended()
        started.removeLast()
        return Answer(code: code, text: try program.written, remarks: try program.remarks)
    }

    @discardableResult
    func skerry(_ words: String, on node: String? = nil) async throws -> Answer {
        try await skerry(words.split(separator: " ").map(String.init), on: node)
    }

    func apply(_ manifest: String) async throws {
        let answer = try await skerry(["apply", "-f", "-"], input: manifest)
        guard answer.code == 0 else { throw Vain(description: answer.remarks) }
    }

    func ready(_ object: String) async throws {
        let answer = try await skerry("wait --for=condition=Ready --timeout 40s \(object)")
        guard answer.code == 0 else { throw Vain(description: answer.remarks) }
    }

    func token(validFor: String = "15m") async throws -> String {
        let answer = try await skerry("token create --site urban --valid-for \(validFor)")
        guard answer.code == 0 else { throw Vain(description: answer.remarks) }
        return answer.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func list(_ kind: String, on node: String? = nil) async throws -> [Object] {
        let answer = try await skerry("get \(kind) -o json", on: node)
        guard answer.code == 0 else { throw Vain(description: answer.remarks) }
        return try JSONDecoder().decode(ObjectList.self, from: Data(answer.text.utf8)).items
    }

    func instances(on node: String? = nil) async throws -> [InstanceStatus] {
        try await list("instances", on: node).compactMap {
            if case .instance(let instance) = $0 { instance.status } else { nil }
        }
    }

    // MARK: - What really runs

    /// One process of a workload of this stage, as the kernel knows it.
    struct WorkloadProcess: Hashable {
        var id: Int32
        /// NODE/INSTANCE/CONTAINER
        var container: String
        var words: [String]
    }

    func workloadProcesses() throws -> [WorkloadProcess] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
            // A process that ends meanwhile has no files any more, and is none of those wanted.
            guard let id = Int32(name), let (variables, command) = program(of: id),
                variables.contains(where: { $0.hasPrefix("SKERRY_ENGINE=\(directory)/") }),
                let container = variables.first(where: { $0.hasPrefix("SKERRY_CONTAINER=") })
            else { return nil }
            return WorkloadProcess(
                id: id, container: String(container.dropFirst("SKERRY_CONTAINER=".count)),
                words: command)
        }
    }

    /// The variables and the command line of a process. While it turns into another program
    /// (`execve`), as the shell does that starts a workload, the kernel shows neither for a moment.
    private func program(of id: Int32) -> (variables: [String], command: [String])? {
        for _ in 0..<50 {
            guard let variables = FileManager.default.contents(atPath: "/proc/\(id)/environ"),
                let command = FileManager.default.contents(atPath: "/proc/\(id)/cmdline")
            else { return nil }
            if !variables.isEmpty { return (words(variables), words(command)) }
            // Threads of the kernel and what has ended have no program to point to.
            var first: CChar = 0
            guard readlink("/proc/\(id)/exe", &first, 1) == 1 else { return nil }
            usleep(1000)
        }
        return nil
    }

    /// Hubs and agents that work in this stage's directory, whoever started them.
    func daemons() throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
            guard let id = Int32(name),
                let command = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
            else { return nil }
            let words = words(command)
            let isDaemon = words.contains("hub") || words.contains("agent")
            return isDaemon && words.contains { $0.hasPrefix(directory + "/") } ? id : nil
        }
    }

    private func words(_ data: Data) -> [String] {
        data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// What hubs and agents said, for the reader of a failed test.
    private var story: String {
        started.map { program in
            do {
                return "\(program.id): " + (try program.remarks.suffix(1500))
            } catch {
                return "\(program.id): nothing known (\(error))"
            }
        }.joined(separator: "\n")
    }
}

/// Neighbouring ports that nobody listens on. Below the range from which the kernel picks its own.
private func freePorts(count: Int) throws -> ClosedRange<Int> {
    for _ in 0..<200 {
        let first = Int.random(in: 10_000...(32_000 - count))
        let range = first...(first + count - 1)
        if range.allSatisfy(isFree) { return range }
    }
    throw Vain(description: "no \(count) neighbouring ports are free")
}

private func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
