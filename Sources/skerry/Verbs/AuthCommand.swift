import ArgumentParser
import Client
import Foundation
import Model

struct AuthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "auth", abstract: "Ask who may do what.", subcommands: [Ask.self])

    struct Ask: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "can-i",
            abstract: "Say whether somebody may do something, and which policies say so.",
            discussion: """
                skerry auth can-i exec instance/route-optimizer-0
                skerry auth can-i apply workload/route-optimizer --as ann
                skerry auth can-i get

                Ends with 4 where the answer is no. Asking for others takes the role security or admin.
                """)

        @Argument(
            help: """
                \(Verb.allCases.map(\.rawValue).joined(separator: ", ")).
                """)
        var verb: String
        @Argument(help: "KIND/NAME; the fleet as a whole if left out.")
        var target: String?
        @Option(name: .customLong("as"), help: "The user; whoever asks if left out.")
        var user: String?
        @OptionGroup var format: FormatOptions
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await CanI(verb, target, as: user, format: format.output)
                .run(in: context.session())
        }
    }
}
