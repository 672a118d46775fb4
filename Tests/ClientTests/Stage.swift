import Client
import Foundation
import Model
import Testing

/// A directory of its own for one test, with two files in place of a terminal.
final class Stage {
    let directory: String
    private let output: Int32
    private let errorOutput: Int32

    init() throws {
        // Short, because the path of a Unix socket has at most 107 bytes.
        directory = "/tmp/sk-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        output = open(directory + "/out", O_RDWR | O_CREAT, 0o600)
        errorOutput = open(directory + "/err", O_RDWR | O_CREAT, 0o600)
    }

    deinit {
        close(output)
        close(errorOutput)
        do {
            try FileManager.default.removeItem(atPath: directory)
        } catch {
            Issue.record("\(directory) cannot be removed: \(error)")
        }
    }

    var socket: String { directory + "/s" }

    func console(width: Int? = nil, colours: Bool = false) -> Console {
        Console(output: output, errorOutput: errorOutput, width: width, colours: colours)
    }

    func session(
        _ endpoint: Endpoint? = nil, width: Int? = nil, limits: AnswerCache.Limits = .production
    ) -> Session {
        let context = Context(name: "test", endpoint: endpoint ?? .node(socket: socket))
        return Session(
            console: console(width: width), context: context,
            cache: AnswerCache(
                directory: directory + "/cache", context: context, limits: limits))
    }

    var shown: String { text("out") }
    var remarks: String { text("err") }

    private func text(_ name: String) -> String {
        guard let data = FileManager.default.contents(atPath: directory + "/" + name) else {
            Issue.record("\(name) is not there")
            return ""
        }
        return String(decoding: data, as: UTF8.self)
    }

    func write(_ text: String, to name: String) throws -> String {
        let path = directory + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}

/// Runs a verb and hands out the failure it ends with, if any.
func failure(of verb: () async throws -> Void) async -> Failure? {
    do {
        try await verb()
        return nil
    } catch let failure as Failure {
        return failure
    } catch {
        Issue.record("not a failure for people: \(error)")
        return nil
    }
}

/// A fleet as the hub knows it, at a fixed time.
enum Fleet {
    static let now = time("2026-11-22T12:00:00Z")

    static func time(_ text: String) -> WallTime {
        guard let time = WallTime(text) else { preconditionFailure("\(text) is no time") }
        return time
    }

    static func ago(_ seconds: Int64) -> WallTime { now + .seconds(-seconds) }

    static func node(
        _ name: String, site: SiteID, _ state: NodeState = .ready, seen: Int64 = 3,
        cordoned: Bool = false
    ) -> Object {
        let status = NodeStatus(
            state: state, lastSeen: ago(seen), observedAt: ago(seen), agentVersion: "0.1.0",
            engine: EngineStatus(name: "process", version: "1"),
            capacity: Capacity(cpu: CPUShare(millicores: 2000), memory: ByteCount(2 << 30)),
            usage: Usage(
                cpu: CPUShare(millicores: 250), memory: ByteCount(412 << 20), observedAt: ago(seen)),
            desiredRevision: 9, appliedRevision: 7)
        return .node(
            Node(
                metadata: Metadata(
                    name: name, labels: ["site": site.text], createdAt: ago(360_000)),
                spec: NodeSpec(site: site, cordoned: cordoned), status: status))
    }

    static func instance(
        _ ordinal: Int, node: NodeID, site: SiteID, changed: Int64 = 7200,
        message: String = "", reason: String = ""
    ) -> Object {
        .instance(
            Instance(
                InstanceStatus(
                    id: InstanceID(workload: "route-optimizer", ordinal: ordinal), node: node,
                    site: site, tier: .critical, observedGeneration: 2, phase: .running,
                    ready: true, restarts: 1, startedAt: ago(7205), ports: ["http": 30_001],
                    reason: reason, message: message, observedAt: ago(changed))))
    }

    static func workload(_ name: String = "route-optimizer", ready: Int = 2) -> Workload {
        Workload(
            metadata: Metadata(name: name, generation: 2, createdAt: ago(90_000)),
            spec: WorkloadSpec(
                tier: .critical, replicas: .count(3),
                containers: [
                    ContainerSpec(
                        name: "main", command: ["/bin/route-optimizer"],
                        ports: [PortSpec(name: "http")])
                ]),
            status: WorkloadStatus(desired: 3, ready: ready, observedAt: ago(75)))
    }

    static let nodes = [
        node("urban-1", site: "urban"), node("suburban-1", site: "suburban", cordoned: true),
        node("rural-1", site: "rural", .autonomous, seen: 147_600),
    ]
    static let instances = [
        instance(0, node: "urban-1", site: "urban"),
        instance(1, node: "rural-1", site: "rural", changed: 300_000),
    ]

    static func list(_ items: [Object]) -> ObjectList { ObjectList(items: items, asOf: now) }
}
