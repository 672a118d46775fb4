import ArgumentParser
import Host

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Run the agent of this node: it keeps workloads running, with or without a hub.",
        discussion: SettingFlags.discussion(
            Setting.agent, example: "skerry agent --state ./node --node till-1 --token skj1.…"))

    @Argument(parsing: .allUnrecognized, help: .hidden) var arguments: [String] = []

    func run() async throws {
        let settings = try AgentSettings(SettingFlags.values(arguments, Setting.agent))
        try await AgentHost.run(
            settings, log: { logLine("agent: " + $0) }, ready: { logLine("agent: ready") })
    }
}
