import Containers
import Foundation
import Glibc
import Model
import Testing

/// The engines that one suite of promises is checked against.
enum EngineKind: String, CaseIterable, CustomTestStringConvertible {
    case process
    case socket

    var testDescription: String { rawValue }

    /// Both where a container engine is given, and on the build machine in any case: there a
    /// missing one is a failure, not a reason to test less.
    static var available: [EngineKind] {
        socketPath != nil || isBuildMachine ? allCases : [.process]
    }

    static var socketPath: String? { environmentValue("SKERRY_TEST_ENGINE") }
    static var isBuildMachine: Bool { environmentValue("CI") != nil }
    static let image = environmentValue("SKERRY_TEST_IMAGE") ?? "localhost/skerry-test:1"

    static func environmentValue(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// One node with one engine, for one test.
final class Bench: Sendable {
    let kind: EngineKind
    let node: NodeID
    let directory: String

    init(_ kind: EngineKind) throws {
        self.kind = kind
        node = NodeID("t\(UInt64.random(in: 0...UInt64.max))")
        directory = "/tmp/skerry-\(node)"
    }

    /// Runs a test with a bench of its own and checks that it leaves nothing behind.
    static func with(
        _ kind: EngineKind, _ body: (Bench, any Engine) async throws -> Void
    ) async throws {
        let bench = try Bench(kind)
        let engine = try bench.engine()
        do {
            try await body(bench, engine)
        } catch {
            try await bench.clear()
            throw error
        }
        try await bench.clear()
        #expect(try bench.processes() == [], "processes were left behind")
        #expect(bench.controlGroups() == [], "control groups were left behind")
    }

    /// A new engine object for the same node, as a new agent would make it.
    func engine() throws -> any Engine {
        switch kind {
        case .process:
            return try ProcessEngine(
                directory: directory, node: node, searchPath: [], logCap: 64 * 1024)
        case .socket:
            let path = try #require(
                EngineKind.socketPath,
                "SKERRY_TEST_ENGINE is not set: eval \"$(bin/podman-test-host start)\"")
            return SocketEngine(socketPath: path, node: node)
        }
    }

    func id(_ workload: String = "w") -> ContainerID {
        ContainerID(instance: InstanceID(workload: WorkloadID(workload), ordinal: 0), name: "main")
    }

    func request(
        _ script: String, generation: UInt64 = 1, workload: String = "w",
        env: [String: String] = [:], memory: ByteCount? = nil, directory: String? = nil
    ) -> StartRequest {
        request(
            command: ["sh", "-c", script], generation: generation, workload: workload, env: env,
            memory: memory, directory: directory)
    }

    func request(
        command: [String], generation: UInt64 = 1, workload: String = "w",
        env: [String: String] = [:], memory: ByteCount? = nil, directory: String? = nil
    ) -> StartRequest {
        let spec = ContainerSpec(
            name: "main", image: kind == .socket ? EngineKind.image : nil, command: command,
            resources: Resources(memory: memory), workingDirectory: directory)
        return StartRequest(
            id: id(workload), edition: Edition(generation), spec: spec, ports: [:], env: env)
    }

    /// The pids of all processes that carry the mark of this bench's node.
    func processes() throws -> [String] {
        guard kind == .process else { return [] }
        let entries = try FileManager.default.contentsOfDirectory(atPath: "/proc")
        return entries.filter { name in
            guard Int(name) != nil,
                let bytes = FileManager.default.contents(atPath: "/proc/\(name)/environ")
            else { return false }
            return String(decoding: bytes, as: UTF8.self).contains("=\(node)/")
        }
    }

    /// The control groups of this bench's node, in whichever hierarchies there are.
    private func controlGroups() -> [String] {
        ["", "memory/", "cpu/"].flatMap { hierarchy in
            let root = "/sys/fs/cgroup/\(hierarchy)skerry"
            let names = FileManager.default.subpaths(atPath: root) ?? []
            return names.filter { $0.hasPrefix("\(node)-") && !$0.contains("/") }
        }
    }

    private func clear() async throws {
        let engine = try engine()
        for container in try await engine.list() {
            try await engine.stop(container.id, grace: .zero)
        }
        #expect(try await engine.list().isEmpty)
        if kind == .process { try FileManager.default.removeItem(atPath: directory) }
    }
}

/// What an engine told while somebody watched.
actor Told {
    private(set) var events: [EngineEvent] = []
    func add(_ event: EngineEvent) { events.append(event) }

    var isAvailable: Bool { events.contains(.available) }
    func exit(of handle: String) -> Exit? {
        for case .exited(_, handle, let exit) in events { return exit }
        return nil
    }
}

/// Watches an engine while `body` runs.
func watching(_ engine: any Engine, _ body: (Told) async throws -> Void) async throws {
    let told = Told()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await engine.watch { await told.add($0) } }
        defer { group.cancelAll() }
        try await eventually("the watch is in place") { await told.isAvailable }
        try await body(told)
    }
}

/// Waits until something is so; the bound only keeps a failing test from waiting for ever.
func eventually(
    _ what: String, _ condition: () async throws -> Bool,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    for _ in 0..<1500 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    try #require(Bool(false), "never: \(what)", sourceLocation: sourceLocation)
}

/// What came back in a conversation.
actor Transcript {
    private(set) var output = ""
    private(set) var errorOutput = ""
    private(set) var exit: Int?

    func add(_ frame: StreamFrame) {
        switch frame {
        case .output(let bytes): output += String(decoding: bytes, as: UTF8.self)
        case .errorOutput(let bytes): errorOutput += String(decoding: bytes, as: UTF8.self)
        case .exit(let code): exit = code
        case .failed, .missing, .input, .endOfInput, .resize: break
        }
    }

    var lines: [String] {
        output.split(whereSeparator: \.isNewline).map(String.init)
    }
}

extension Engine {
    /// Runs a command in a container with all its input given beforehand.
    func exec(
        _ command: [String], in id: ContainerID, terminal: TerminalSize? = nil,
        input frames: [StreamFrame] = []
    ) async throws -> Transcript {
        let transcript = Transcript()
        let (input, continuation) = AsyncStream.makeStream(of: StreamFrame.self)
        for frame in frames { continuation.yield(frame) }
        try await run(
            StreamRequest(
                container: id,
                purpose: .exec(
                    ExecOptions(command: command, terminal: terminal, hasInput: !frames.isEmpty))),
            input: input
        ) { await transcript.add($0) }
        return transcript
    }

    func logs(of id: ContainerID, tail: Int? = nil) async throws -> Transcript {
        let transcript = Transcript()
        try await run(
            StreamRequest(container: id, purpose: .logs(LogOptions(tail: tail))),
            input: AsyncStream { $0.finish() }
        ) { await transcript.add($0) }
        return transcript
    }

    func state(of id: ContainerID) async throws -> ObservedContainer.State? {
        try await list().first { $0.id == id }?.state
    }

    /// Waits until a container has printed a line.
    func printed(_ line: String, by id: ContainerID) async throws {
        try await eventually("'\(line)' is printed") {
            try await logs(of: id).lines.contains(line)
        }
    }
}
