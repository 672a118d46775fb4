import ArgumentParser
import Client
import Foundation
import Model

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Make objects be as manifests say.",
        discussion: """
            skerry apply -f shop.yaml
            skerry apply -f manifests/ --dry-run
            """)

    @Option(name: .shortAndLong, help: "A file, a directory, or - for standard input.")
    var filename: [String]
    @Flag(name: .customLong("dry-run"), help: "Check all of it at the server and change nothing.")
    var isTrial = false
    @Option(name: .shortAndLong, help: "How to show it: json or name.")
    var output: Format = .table
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await Apply(
            files: filename, isTrial: isTrial, format: output.limited(to: .json, .name)
        )
        .run(in: context.session())
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Remove objects.",
        discussion: """
            skerry delete workload route-optimizer
            skerry delete -f shop.yaml
            """)

    @Argument(help: "KIND NAME… or KIND/NAME….")
    var what: [String] = []
    @Option(name: .shortAndLong, help: "The objects of a file, a directory, or - instead.")
    var filename: [String] = []
    @Flag(name: .customLong("ignore-not-found"), help: "What is not there counts as removed.")
    var ignoresMissing = false
    @OptionGroup var context: ContextOptions

    func validate() throws {
        guard what.isEmpty != filename.isEmpty else {
            throw ValidationError("say what to delete: either KIND NAME or -f FILE")
        }
    }

    func run() async throws {
        let choice: Delete.Choice = filename.isEmpty ? .words(what) : .files(filename)
        try await Delete(choice, ignoresMissing: ignoresMissing).run(in: context.session())
    }
}

struct ResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Settle what somebody changed at a node, or a node that is ahead of its hub.",
        discussion: """
            skerry get changes
            skerry resolve workload/shop --node rural-1 --keep hub
            skerry resolve workload/shop --node rural-1 --keep node

            With 'hub' the node's change is dropped; with 'node' it becomes the hub's word for all.

            skerry get conflicts -o yaml
            skerry resolve node/rural-1 --keep hub
            skerry resolve node/rural-1 --keep node

            With 'hub' the node is told again what the hub says, and gives up what only it has; with
            'node' what it holds becomes what the hub says. What only the hub has stays wanted.
            """)

    @Argument(help: "workload/NAME or node/NAME.")
    var what: String
    @Option(help: "The node where a workload was changed.")
    var node: String?
    @Option(help: "Whose word shall hold: hub or node.")
    var keep: Side
    @OptionGroup var context: ContextOptions

    func run() async throws {
        if what.contains("/"), let target = try Target.objects([what]).first, target.kind == .node {
            guard node == nil else {
                throw Failure(.usage, "--node is for a workload; '\(what)' is a node itself")
            }
            return try await ResolveNode(target.name, keep: keep).run(in: context.session())
        }
        guard let node else {
            throw Failure(.usage, "say where '\(what)' was changed: --node NAME")
        }
        try await Resolve(what, node: node, keep: keep).run(in: context.session())
    }
}

extension Side: ExpressibleByArgument {}

struct LabelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Set and remove labels.",
        discussion: "skerry label node rural-1 zone=north old-")

    @Argument(help: "KIND NAME, and then KEY=VALUE to set or KEY- to remove.")
    var words: [String]
    @Flag(help: "Accepted for the habit of it: labels are always replaced.")
    var overwrite = false
    @OptionGroup var context: ContextOptions

    func run() async throws { try await Label(words).run(in: context.session()) }
}

struct CordonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cordon", abstract: "Keep new work from nodes.")

    @Argument(help: "NODE….")
    var nodes: [String]
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await Cordon(nodes, isCordoned: true).run(in: context.session())
    }
}

struct UncordonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uncordon", abstract: "Let new work onto nodes again.")

    @Argument(help: "NODE….")
    var nodes: [String]
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await Cordon(nodes, isCordoned: false).run(in: context.session())
    }
}

struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a command in a container.",
        discussion: """
            skerry exec -it route-optimizer-0 -- sh
            Ends with the exit code of the command.
            """)

    @Argument(help: "INSTANCE.")
    var instance: String
    @Option(name: .shortAndLong, help: "Which container; the first one otherwise.")
    var container: String?
    @Flag(name: [.customShort("i"), .customLong("stdin")], help: "Pass standard input on.")
    var sendsInput = false
    @Flag(name: [.customShort("t"), .customLong("tty")], help: "Give the command a terminal.")
    var terminal = false
    @Argument(parsing: .postTerminator, help: "The command, behind --.")
    var command: [String]
    @OptionGroup var context: ContextOptions

    func run() async throws {
        let code = try await Execute(
            instance, container: container, command: command, sendsInput: sendsInput,
            terminal: terminal
        ).run(in: context.session())
        throw ExitCode(Int32(truncatingIfNeeded: code))
    }
}
