import ArgumentParser
import Client
import Foundation
import Model

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run a hub and three sites on this machine, to try Skerry or develop against it.",
        discussion: """
            Starts a hub and the nodes urban-1, suburban-1 and rural-1, each a process with a state \
            directory of its own, enrols them, and applies the manifests. While it runs, every \
            other verb works against it from another terminal (context 'up'). Ctrl-C stops all of \
            it, workloads included; a later `skerry up` goes on from the same state.

            Example: skerry up -f Examples/route-optimizer
            """)

    @Option(
        name: [.customShort("f"), .customLong("filename")],
        help: "A manifest or a directory of them to apply; can be repeated.")
    var files: [String] = []

    @Option(help: "Where hub and nodes keep their state (default: ~/.local/state/skerry/up).")
    var state: String?

    @Option(help: "auto, process, or the path of a Docker Engine API socket.")
    var engine = "auto"

    @Option(help: "First of three ports for the hub; workloads get the ranges from 1000 above it.")
    var port = 7440

    @Option(
        help:
            "Who decides: hybrid, mesh or edge-first. Under mesh the nodes are plant-1 to plant-3."
    )
    var pattern = "hybrid"

    @Flag(
        name: .customLong("no-hub"),
        help: "Stop the hub once everything runs, and show what the nodes do by themselves.")
    var stopsHub = false

    func run() async throws {
        guard let pattern = Pattern(rawValue: pattern) else {
            let known = Pattern.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(.usage, "--pattern is one of \(known), not '\(pattern)'")
        }
        let environment = ProcessInfo.processInfo.environment
        let fleet = try LocalFleet(
            plan: LocalFleet.Plan(
                binary: Bundle.main.executablePath ?? CommandLine.arguments[0],
                state: state ?? LocalFleet.directory(environment), engine: engine, firstPort: port,
                files: files, pattern: pattern, stopsHub: stopsHub),
            console: .standard(environment), environment: environment)
        try await fleet.run()
    }
}
