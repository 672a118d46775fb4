import ArgumentParser
import Client
import Foundation
import Host

@main
struct Skerry: AsyncParsableCommand {
    static let version = Version.text

    static let configuration = CommandConfiguration(
        commandName: "skerry",
        abstract: "Keeps workloads running at the edge when the link to the hub is gone.",
        discussion: """
            Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 hub not reachable \
            ('get' then answers with what it heard last).
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Run",
                subcommands: [UpCommand.self, HubCommand.self, AgentCommand.self]),
            CommandGroup(
                name: "Look",
                subcommands: [
                    GetCommand.self, DescribeCommand.self, WhyCommand.self, LogsCommand.self,
                    EventsCommand.self, TopCommand.self, MeshCommand.self, SimulateCommand.self,
                    DiffCommand.self, ExplainCommand.self, WaitCommand.self, StatusCommand.self,
                    AuthCommand.self, AuditCommand.self, CertificateCommand.self,
                ]),
            CommandGroup(
                name: "Change",
                subcommands: [
                    ApplyCommand.self, DeleteCommand.self, LabelCommand.self, CordonCommand.self,
                    UncordonCommand.self, ResolveCommand.self, ExecCommand.self, TokenCommand.self,
                    PolicyCommand.self, ImageCommand.self, ApproveCommand.self, DenyCommand.self,
                    AuthorityCommand.self, RevokeCommand.self, BreakGlassCommand.self,
                ]),
            CommandGroup(
                name: "Program",
                subcommands: [
                    LoginCommand.self, ConfigCommand.self, VersionCommand.self,
                    CompletionCommand.self,
                ]),
        ])

    static func main() async {
        do {
            let arguments = Arguments.inOrder(Array(CommandLine.arguments.dropFirst()))
            try checkVerb(arguments.first)
            var command = try await asyncParseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    /// The parser would only count the words that it did not expect.
    private static func checkVerb(_ word: String?) throws(Failure) {
        let verbs = configuration.groupedSubcommands.flatMap { $0.subcommands }
            .compactMap { $0.configuration.commandName }
        guard let word, !word.hasPrefix("-"), word != "help", !verbs.contains(word) else { return }
        throw Failure.unknownVerb(word, among: verbs)
    }

    /// Says what went wrong and ends with the code for it. ArgumentParser's own code for wrong
    /// usage is that of sysexits.h; here it is 2, as in every other tool of this kind.
    private static func end(with error: any Error) -> Never {
        if let failure = error as? Failure {
            if !failure.message.isEmpty { say(failure.message) }
            Foundation.exit(failure.code.rawValue)
        }
        if case .settings? = error as? HostError {
            say("\(error)")
            Foundation.exit(Failure.Code.usage.rawValue)
        }
        if exitCode(for: error) == .failure, !(error is ExitCode) {
            say("\(error)")
            Foundation.exit(Failure.Code.failed.rawValue)
        }
        guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
        FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
        Foundation.exit(Failure.Code.usage.rawValue)
    }

    private static func say(_ text: String) {
        let text = visible(text, keeping: ["\n"])
        FileHandle.standardError.write(Data("skerry: \(text)\n".utf8))
    }
}
