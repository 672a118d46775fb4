import ArgumentParser
import Client
import Foundation
import Model

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Sign who may decide what, on a machine that need not be the hub.",
        discussion: """
            skerry policy keygen -o policy.key
            skerry policy sign -f freeze.yaml --key policy.key -o freeze.json
            skerry policy verify freeze.json --key policy.key.pub
            skerry apply -f freeze.json
            skerry policy rollback freeze --to 20261123051244 --key policy.key

            A hub that was given no key with --policy-keys makes one for its operator, in 'operator/' of \
            its state directory; move policy.key from there to where you sign.
            """,
        subcommands: [
            Keygen.self, Sign.self, Verify.self, Rollback.self, Submit.self,
        ])

    struct IssueOptions: ParsableArguments {
        @Option(help: "The file of the secret key.", completion: .file())
        var key: String
        @Option(help: "The number of the version (default: the time, as in 20261123051244).")
        var version: UInt64?
        @Option(help: "How long hub and nodes take it; what took it keeps it.")
        var validFor = "365d"
        @Option(name: .shortAndLong, help: "Where to write the bundle.", completion: .file())
        var output: String?

        func issue() throws -> PolicyIssue {
            PolicyIssue(
                key: key, version: version, validFor: try interval(validFor, for: "--valid-for"),
                output: output)
        }
    }

    struct Keygen: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key that signs policy, and its public half beside it.")
        @Option(
            name: .shortAndLong, help: "Where to write it; the public half ends in .pub.",
            completion: .file())
        var output = "policy.key"

        func run() throws {
            try PolicyKeyCreation(output).run(on: .standard(ProcessInfo.processInfo.environment))
        }
    }

    struct Sign: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign a Policy. Needs no hub.",
            discussion: "skerry policy sign -f freeze.yaml --key policy.key -o freeze.json")
        @Option(name: .shortAndLong, help: "The file with the Policy, or - for standard input.")
        var filename: String
        @OptionGroup var options: IssueOptions

        func run() throws {
            try PolicySigning(files: [filename], issue: try options.issue())
                .run(on: .standard(ProcessInfo.processInfo.environment))
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a bundle, and show what was signed. Needs no hub.")
        @Argument(help: "The bundle.", completion: .file())
        var file: String
        @Option(help: "The file of the public key.", completion: .file())
        var key: String

        func run() throws {
            try PolicyVerification(file, key: key)
                .run(on: .standard(ProcessInfo.processInfo.environment))
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the content of an older version the newest, signed anew.",
            discussion: """
                Holds wherever the policy holds at the moment, and ends a canary. With -o it is written and \
                not applied.
                """)
        @Argument(help: "The policy.")
        var name: String
        @Option(help: "The version whose content to take; see: skerry describe policy/NAME")
        var to: UInt64
        @OptionGroup var options: IssueOptions
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await PolicyRollback(name, to: to, issue: try options.issue())
                .run(in: context.session())
        }
    }

    /// What people try by habit.
    struct Submit: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "apply", abstract: "See: skerry apply -f BUNDLE", shouldDisplay: false)
        @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []

        func run() throws {
            let file = words.first { !$0.hasPrefix("-") } ?? "BUNDLE"
            throw Failure(.usage, "a bundle is applied like everything: skerry apply -f \(file)")
        }
    }
}
