import ArgumentParser
import Client
import Foundation

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "The hubs and nodes this program knows.",
        subcommands: [
            GetContexts.self, UseContext.self, CurrentContext.self, View.self,
        ])

    struct File: ParsableArguments {
        @Option(help: "The file of contexts instead of the usual one.", completion: .file())
        var config: String?

        var contexts: Contexts {
            let environment = ProcessInfo.processInfo.environment
            return Contexts(
                file: config, environment: environment, console: .standard(environment))
        }
    }

    struct GetContexts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "get-contexts", abstract: "List the contexts.")
        @Flag(name: .customLong("no-headers"), help: "Leave out the headings.")
        var omitsHeadings = false
        @OptionGroup var file: File
        func run() async throws { try file.contexts.list(headings: !omitsHeadings) }
    }

    struct UseContext: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "use-context", abstract: "Choose the current context.")
        @Argument(help: "NAME.")
        var name: String
        @OptionGroup var file: File
        func run() async throws { try file.contexts.use(name) }
    }

    struct CurrentContext: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "current-context", abstract: "Name the current context.")
        @OptionGroup var file: File
        func run() async throws { try file.contexts.current() }
    }

    struct View: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the file of contexts. It holds paths, never keys.")
        @OptionGroup var file: File
        func run() async throws { try file.contexts.view() }
    }
}

struct VersionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Tell the versions of both sides.")

    @Flag(help: "Only of this program; nothing is asked.")
    var client = false
    @Option(name: .shortAndLong, help: "How to show it: json.")
    var output: Format = .table
    @OptionGroup var context: ContextOptions

    func run() async throws {
        let version = Version(client: Skerry.version, format: try output.limited(to: .json))
        if client {
            try version.runAlone(on: .standard(ProcessInfo.processInfo.environment))
        } else {
            try await version.run(in: context.session())
        }
    }
}

struct CompletionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print the completion script of a shell.",
        discussion: "source <(skerry completion bash)")

    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() async throws {
        let script =
            switch shell {
            case .bash: Skerry.completionScript(for: .bash)
            case .zsh: Skerry.completionScript(for: .zsh)
            case .fish: Skerry.completionScript(for: .fish)
            }
        try Console.standard(ProcessInfo.processInfo.environment).say(script)
    }
}
