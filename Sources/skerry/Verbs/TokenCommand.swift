import ArgumentParser
import Client
import Foundation
import Model

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens: for new nodes to join, for people to ask.",
        subcommands: [Create.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token, and show it once.",
            discussion: """
                skerry token create --site rural
                skerry token create --user ann --ttl 8h

                With --site: one node may join the site. With --user: whoever has it is that user until it
                expires or is revoked; 'skerry login' takes it.
                """)

        @Option(help: "The site the node will belong to.")
        var site: String?
        @Option(help: "The person the token speaks for.")
        var user: String?
        @Option(
            name: [.customLong("ttl"), .customLong("valid-for")],
            help: "How long it can be used; 15m for a node and 8h for a person if left out.")
        var life: String?
        @Option(name: .shortAndLong, help: "How to show it: json.")
        var output: Format = .table
        @OptionGroup var context: ContextOptions

        func validate() throws {
            guard (site == nil) != (user == nil) else {
                throw ValidationError("say for whom: either --site SITE or --user NAME")
            }
        }

        func run() async throws {
            let format = try output.limited(to: .json)
            if let site {
                return try await TokenCreation(
                    site: site, validFor: interval(life ?? "15m", for: "--ttl"), format: format
                ).run(in: context.session())
            }
            try await UserTokenCreation(
                user: user ?? "", validFor: interval(life ?? "8h", for: "--ttl"), format: format
            ).run(in: context.session())
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End tokens of people at once.",
            discussion: "skerry token revoke 3f2a91c07d5e6b48")

        @Argument(help: "ID…, as skerry get tokens shows them.")
        var ids: [String]
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await UserTokenRevocation(ids).run(in: context.session())
        }
    }
}

struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Use a token with a hub from here on.",
        discussion: """
            skerry login --token TOKEN
            skerry login --server https://hub.example:7440 --certificate-authority hub.crt --token -

            Writes a context and makes it the current one, if the hub takes the token. With '-' the token
            is read from standard input, where no list of commands keeps it.
            """)

    @Option(help: "The token, or - for standard input.")
    var token: String
    @Option(help: "https://HOST:PORT; that of the context if left out.")
    var server: String?
    @Option(
        name: .customLong("certificate-authority"),
        help: "The PEM file of the hub's authority.", completion: .file())
    var authority: String?
    @Option(help: "What to call the context; USER@CONTEXT if left out.")
    var name: String?
    @OptionGroup var context: ContextOptions

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let text = token == "-" ? readLine(strippingNewline: true) ?? "" : token
        try await Login(token: text, server: server, authority: authority, name: name).run(
            context: context.context, file: context.config, environment: environment,
            console: .standard(environment))
    }
}
