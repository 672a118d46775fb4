import ArgumentParser
import Host

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Run the agent of this node: it keeps workloads running, with or without a hub.",
        usage: """
            skerry agent [--config FILE] [--SETTING VALUE ...]
            skerry agent enrol [--config FILE] [--SETTING VALUE ...]
            """,
        discussion: SettingFlags.discussion(
            Setting.agent, example: "skerry agent --state ./node --node till-1 --token skj1.…"),
        subcommands: [Serve.self, Enrol.self], defaultSubcommand: Serve.self)

    /// What `skerry agent` does when no subcommand is named; see `HubCommand.Serve`.
    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Run the agent.",
            discussion: SettingFlags.discussion(
                Setting.agent, example: "skerry agent --state ./node"),
            shouldDisplay: false)

        @Argument(parsing: .allUnrecognized, help: .hidden) var arguments: [String] = []

        func run() async throws {
            let settings = try AgentSettings(SettingFlags.values(arguments, Setting.agent))
            try await AgentHost.run(
                settings, log: { logLine("agent: " + $0) }, ready: { logLine("agent: ready") })
        }
    }

    struct Enrol: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "enrol",
            abstract: "Enrol this node and end, so that the agent can start without a hub.",
            discussion: SettingFlags.discussion(
                Setting.agent, example: "skerry agent enrol --node till-1 --token skj1.…"))

        @Argument(parsing: .allUnrecognized, help: .hidden) var arguments: [String] = []

        func run() async throws {
            let settings = try AgentSettings(SettingFlags.values(arguments, Setting.agent))
            let place = try await AgentHost.enrol(settings, log: { logLine("agent: " + $0) })
            logLine("agent: enrolled as node \(place.node) at site \(place.site)")
        }
    }
}
