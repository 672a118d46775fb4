import ArgumentParser
import Client
import Model

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tell who answers, and what a thief of its disk would learn.",
        discussion: """
            skerry status
            skerry status --context local
            """)

    @Option(name: .shortAndLong, help: "How to show it: json.")
    var output: Format = .table
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await Status(format: try output.limited(to: .json)).run(in: context.session())
    }
}
