import ArgumentParser
import Client
import Foundation
import Model

struct AuthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "auth", abstract: "Ask who may do what.",
        subcommands: [Ask.self, Explain.self, Who.self])

    struct Ask: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "can-i",
            abstract: "Say whether somebody may do something, and which policies say so.",
            discussion: """
                skerry auth can-i exec instance/route-optimizer-0
                skerry auth can-i apply workload/route-optimizer --as ann
                skerry auth can-i get
                skerry auth can-i --list --as ann

                Ends with 4 where the answer is no. Asking for others takes the role security or admin.
                """)

        @Argument(
            help: """
                \(Verb.allCases.map(\.rawValue).joined(separator: ", ")).
                """)
        var verb: String?
        @Argument(help: "KIND/NAME; the fleet as a whole if left out.")
        var target: String?
        @Option(name: .customLong("as"), help: "The user; whoever asks if left out.")
        var user: String?
        @Flag(help: "List all that they may do.")
        var list = false
        @OptionGroup var format: FormatOptions
        @OptionGroup var context: ContextOptions

        func validate() throws {
            guard list == (verb == nil) else {
                throw ValidationError("say either an action, such as get, or --list")
            }
        }

        func run() async throws {
            guard let verb else {
                return try await ListRights(of: user, format: format.output)
                    .run(in: context.session())
            }
            try await CanI(verb, target, as: user, format: format.output)
                .run(in: context.session())
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "why",
            abstract:
                "Show the policies that decided a request: by id, where they stand, what they say.",
            discussion: """
                skerry auth why 3f2a91c07d5e6b48
                skerry auth why exec instance/route-optimizer-0 --as ann

                A refusal names its request; every answer has it as X-Request-Id. The last 4,096 decisions
                of a hub or an agent are kept, not across a restart.
                """)

        @Argument(help: "REQUEST, or an action and KIND/NAME.")
        var what: [String]
        @Option(name: .customLong("as"), help: "The user; whoever asks if left out.")
        var user: String?
        @OptionGroup var format: FormatOptions
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await AuthWhy(what, as: user, format: format.output).run(in: context.session())
        }
    }

    struct Who: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "whoami", abstract: "Say for whom the server takes you.")

        @OptionGroup var format: FormatOptions
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await ShowWhoAmI(format: format.output).run(in: context.session())
        }
    }
}
