import Foundation
import Model
import Testing

extension EndToEndTests {
    private static let agentPoints = [
        "boot.loaded", "commit.before", "commit.after", "start.before", "start.after",
        "stop.before", "stop.after", "list.after", "send.hello", "send.applied", "send.entries",
        "send.heartbeat", "receive.welcome", "receive.documents", "receive.acknowledged",
    ]
    private static let hubPoints = [
        "boot.loaded", "commit.before", "commit.after", "reply.before", "send.welcome",
        "send.documents", "send.acknowledged", "receive.hello", "receive.applied",
        "receive.entries", "receive.heartbeat",
    ]

    @Test func `an agent killed at any point of its work loses and repeats nothing`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            var ledger = Ledger()
            try await ledger.promise(in: stage)
            for point in Self.agentPoints {
                try await stage.agents["node-1"]?.crash()
                let agent = try await stage.startAgent(failpoint: "agent.\(point):1")
                try await ledger.work(in: stage, until: agent, reaches: point)
                try await stage.startAgent()
                try await ledger.promise(in: stage)
                try await ledger.settle(in: stage, after: point)
            }
        }
    }

    /// Three, so that the gate stays short; `bin/fault-cases F02` takes fifty.
    private static let nodeCount =
        ProcessInfo.processInfo.environment["SKERRY_TEST_NODES"].flatMap { Int($0) } ?? 3

    /// F02: nodes go on by themselves within two heartbeats, and all are back within 60 s.
    @Test func `a hub killed at any point of its work loses and repeats nothing`()
        async throws
    {
        try await Stage.with { stage in
            // It is about the hub, and a mesh of fifty debug builds leaves two cores no time for it.
            stage.variables["SKERRY_MESH_LISTEN"] = "off"
            try await stage.openHub()
            let nodes = (1...Self.nodeCount).map { "node-\($0)" }
            try await stage.openAgents(nodes)
            var ledger = Ledger(nodes: nodes.count)
            try await ledger.promise(in: stage)
            for (turn, point) in Self.hubPoints.enumerated() {
                try await stage.hub?.crash()
                try await stage.startHub(failpoint: "hub.\(point):1")
                let hub = try #require(stage.hub)
                try await ledger.work(in: stage, until: hub, reaches: point)
                // A few of them each time: all have been asked in the end.
                for node in nodes.dropFirst(turn * 5 % nodes.count).prefix(5) {
                    try await eventually("\(node) to decide by itself", within: .seconds(20)) {
                        try await stage.states(on: node)[node] == .autonomous
                    }
                }
                try await stage.startHub()
                try await stage.allReady(nodes, within: .seconds(60))
                try await ledger.promise(in: stage)
                try await ledger.settle(in: stage, after: point)
            }
        }
    }
}

/// What the hub acknowledged, beside what really runs.
private struct Ledger {
    /// By workload name, the argument its one process must have. A workload whose last apply was
    /// not acknowledged is absent: it may be of either generation.
    private var acknowledged: [String: Int] = [:]
    private var serial = 0
    /// Every workload runs on each of them.
    private let nodes: Int

    init(nodes: Int = 1) { self.nodes = nodes }

    /// Applies the next workload. Answers whether the hub acknowledged it.
    mutating func apply(in stage: Stage) async throws -> Bool {
        serial += 1
        let (name, seconds) = ("w\(serial % 4)", 1_000_000 + serial)
        let answer = try await stage.skerry(
            ["apply", "-f", "-"], input: sleeper(name, seconds: seconds))
        acknowledged[name] = answer.code == 0 ? seconds : nil
        return answer.code == 0
    }

    mutating func promise(in stage: Stage) async throws {
        try await eventually("an apply to be accepted") { try await apply(in: stage) }
    }

    /// Gives a process that will be killed at `point` something to do until it is.
    mutating func work(in stage: Stage, until program: Program, reaches point: String) async throws
    {
        try await eventually("\(point) to be reached") {
            if program.isRunning { _ = try await apply(in: stage) }
            return !program.isRunning
        }
    }

    /// Each acknowledged workload runs once on each node as it was acknowledged, and no container runs twice.
    func settle(in stage: Stage, after point: String) async throws {
        try await eventually("all that was acknowledged to run once, after \(point)") {
            let processes = try stage.workloadProcesses()
            let containers = processes.map(\.container)
            // Stopped before its successor is started, so there is no moment with two.
            guard Set(containers).count == containers.count else {
                throw Vain(description: "after \(point) twice: \(containers.sorted())")
            }
            let running = processes.compactMap { $0.words.last }
            return acknowledged.values.allSatisfy { seconds in
                running.count { $0 == "\(seconds)" } == nodes
            }
        }
    }
}
