import ArgumentParser
import Client
import Foundation
import Model

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "List objects, or follow how they change.",
        discussion: """
            skerry get nodes
            skerry get workloads,instances -l site=rural
            skerry get node/rural-1 -o yaml
            skerry get instances -w
            skerry get decisions -w
            skerry get authority --site rural
            skerry get changes
            skerry get compliance --site rural
            skerry get conflicts -o yaml
            skerry get tokens
            skerry get certificates
            skerry get pending
            skerry get revocations
            skerry get approvals
            skerry get services

            The last eleven are no objects. Decisions and authority tell who was allowed to do what, and
            who is; changes, what people changed at nodes; compliance, which decisions of nodes were
            against the policy they name; conflicts, what a node holds that the hub does not say; tokens, who
            may ask without a certificate; certificates, for how long hub and nodes can prove who they
            are; pending, which machines ask to become nodes; revocations, whose identity is no longer
            good; approvals, what waits for another person's yes; services, the healthy instances of each workload, nearest and least loaded first.
            """)

    @Argument(
        help: """
            KIND, KIND NAME…, KIND/NAME…, all, decisions, authority, changes, compliance, conflicts, \
            tokens, certificates, pending, revocations, approvals or services.
            """)
    var what: [String]
    @Flag(name: .shortAndLong, help: "Go on with each change.")
    var watch = false
    @Option(help: "The site whose authority or compliance to show.")
    var site: String?
    @Option(name: .customLong("for"), help: "Only decisions about this: KIND/NAME.")
    var object: String?
    @Option(help: "How many of the last decisions.")
    var limit = 200
    @OptionGroup var selector: SelectorOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var context: ContextOptions

    func run() async throws {
        switch what {
        case let words where ["services", "service", "svc"].contains(words.first ?? ""):
            guard words.count < 3 else {
                throw Failure(.usage, "one service at a time: skerry get services NAME")
            }
            return try await ShowServices(
                name: words.dropFirst().first, format: format.output,
                headings: !format.omitsHeadings
            ).run(in: context.session())
        case ["decisions"], ["decision"]:
            return try await Decisions(
                about: object, limit: limit, follows: watch, format: format.output,
                headings: !format.omitsHeadings
            ).run(in: context.session())
        case ["authority"]:
            return try await ShowAuthority(
                site: site, format: format.output, headings: !format.omitsHeadings
            ).run(in: context.session())
        case ["compliance"]:
            return try await ShowCompliance(
                site: site, format: format.output, headings: !format.omitsHeadings
            ).run(in: context.session())
        case ["conflicts"], ["conflict"]:
            return try await Conflicts(format: format.output, headings: !format.omitsHeadings)
                .run(in: context.session())
        case ["certificates"], ["certificate"]:
            return try await Certificates(format: format.output, headings: !format.omitsHeadings)
                .run(in: context.session())
        case ["pending"]:
            return try await Pending(format: format.output, headings: !format.omitsHeadings)
                .run(in: context.session())
        case ["revocations"], ["revocation"]:
            return try await Revocations(format: format.output, headings: !format.omitsHeadings)
                .run(in: context.session())
        case ["approvals"], ["approval"]:
            return try await Approvals(format: format.output, headings: !format.omitsHeadings)
                .run(in: context.session())
        case ["changes"], ["change"]:
            return try await ShowLocalChanges(
                format: format.output, headings: !format.omitsHeadings
            ).run(in: context.session())
        case ["tokens"], ["token"]:
            return try await ShowUserTokens(
                format: format.output, headings: !format.omitsHeadings
            ).run(in: context.session())
        default: try await list()
        }
    }

    private func list() async throws {
        guard site == nil, object == nil else {
            throw Failure(
                .usage,
                "--site is for 'get authority' and 'get compliance', and --for for 'get decisions'")
        }
        let targets = try Target.parse(what)
        let selection = try selector.selection()
        let session = try context.session()
        guard watch else {
            return try await Get(
                targets, selector: selection, format: format.output,
                headings: !format.omitsHeadings
            ).run(in: session)
        }
        try await Watch(
            targets, selector: selection, format: format.output, headings: !format.omitsHeadings
        ).run(in: session)
    }
}

struct DescribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Tell all that is known about objects.")

    @Argument(help: "KIND, KIND NAME… or KIND/NAME….")
    var what: [String]
    @OptionGroup var context: ContextOptions

    func run() async throws { try await Describe(what).run(in: context.session()) }
}

struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Tell which decisions put something where it is.",
        discussion: """
            skerry why workload/route-optimizer
            skerry why instance/route-optimizer-0
            skerry why node/rural-1
            """)

    @Argument(help: "workload/NAME, instance/NAME or node/NAME.")
    var what: String
    @OptionGroup var format: FormatOptions
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await Why(what, format: format.output).run(in: context.session())
    }
}

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show what containers wrote.",
        discussion: """
            skerry logs route-optimizer-0
            skerry logs workload/route-optimizer -f --tail 20
            """)

    @Argument(help: "INSTANCE, or workload/NAME for all of its instances.")
    var what: String
    @Option(name: .shortAndLong, help: "Which container; the first one otherwise.")
    var container: String?
    @Flag(name: .shortAndLong, help: "Go on with what is written from here on.")
    var follow = false
    @Option(help: "How many lines from the end; all that is kept otherwise.")
    var tail: Int?
    @OptionGroup var context: ContextOptions

    func validate() throws {
        if let tail, tail < 0 { throw ValidationError("--tail is 0 or more") }
    }

    func run() async throws {
        try await Logs(
            what, container: container, options: LogOptions(follow: follow, tail: tail)
        ).run(in: context.session())
    }
}

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Tell what happened, oldest first.")

    @Option(name: .customLong("for"), help: "Only about this object: KIND/NAME.")
    var object: String?
    @Flag(name: .shortAndLong, help: "Go on with what happens from here on.")
    var watch = false
    @Option(help: "How many of the last events.")
    var limit = 200
    @OptionGroup var format: FormatOptions
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await Events(
            about: object, limit: limit, follows: watch, format: format.output,
            headings: !format.omitsHeadings
        ).run(in: context.session())
    }
}

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Show what nodes use of what they have.")

    @Argument(help: "What to measure: nodes.")
    var kind = "nodes"
    @Flag(name: .customLong("no-headers"), help: "Leave out the headings.")
    var omitsHeadings = false
    @OptionGroup var selector: SelectorOptions
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await Top(kind, selector: selector.selection(), headings: !omitsHeadings)
            .run(in: context.session())
    }
}

struct DiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show what apply would change.",
        discussion: "Exit codes: 0 nothing differs, 1 something does, more than 1 it failed.")

    @Option(name: .shortAndLong, help: "A file, a directory, or - for standard input.")
    var filename: [String]
    @OptionGroup var context: ContextOptions

    func run() async throws {
        let differs: Bool
        do {
            differs = try await Diff(files: filename).run(in: context.session())
        } catch let failure as Failure where failure.code == .failed {
            // 1 is taken: it says that something differs.
            throw Failure(.usage, failure.message)
        }
        if differs { throw ExitCode(1) }
    }
}

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tell what a field of a manifest means.",
        discussion: "skerry explain workload.spec.containers.probes")

    @Argument(help: "KIND, KIND.FIELD.FIELD… or the code of a mistake.")
    var field: String

    func run() async throws {
        try Explain(field).run(on: .standard(ProcessInfo.processInfo.environment))
    }
}

struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until objects are as they should be.",
        discussion: "skerry wait --for=ready workload/route-optimizer --timeout 60s")

    @Argument(help: "KIND NAME… or KIND/NAME….")
    var what: [String]
    @Option(
        name: .customLong("for"), help: "ready, delete, condition=NAME or condition=NAME=false.")
    var aim: String
    @Option(help: "How long at most.")
    var timeout = "30s"
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await Await(
            what, for: Await.Aim(aim), timeout: interval(timeout, for: "--timeout")
        ).run(in: context.session())
    }
}
