import ArgumentParser
import Client
import Foundation
import Host
import Model

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show who asked for what, and prove that nobody changed the record of it.",
        discussion: """
            skerry audit tail -f
            skerry audit verify
            skerry audit verify --state /var/lib/skerry/hub
            skerry audit export --format syslog > audit.log
            skerry audit tail --context local

            Hub and node each have a log of their own; a node shows its own with or without a hub. Reading it \
            takes the role security or admin, or the node's own socket. With --state the files of a hub or \
            node that is stopped are read; they are not changed.
            """,
        subcommands: [Tail.self, Check.self, Export.self])

    struct Place: ParsableArguments {
        @Option(
            help: "The state directory of a hub or node that is stopped, in place of asking one.",
            completion: .directory)
        var state: String?
        @OptionGroup var context: ContextOptions

        var console: Console { .standard(ProcessInfo.processInfo.environment) }

        func stopped() throws -> StoppedAudit? {
            guard let state else { return nil }
            guard context.context == nil else {
                throw Failure(.usage, "--state and --context are two places: give one of them")
            }
            return try StoppedAudit(state: state)
        }
    }

    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the newest records, oldest first.")
        @Option(name: .customShort("n"), help: "How many.")
        var limit = 20
        @Flag(name: .shortAndLong, help: "Go on with what is appended from here on.")
        var follow = false
        @OptionGroup var format: FormatOptions
        @OptionGroup var place: Place

        func run() async throws {
            let tail = try ShowAudit(
                limit: limit, follows: follow, format: format.output,
                headings: !format.omitsHeadings)
            guard let stopped = try place.stopped() else {
                return try await tail.run(in: place.context.session())
            }
            guard !follow else {
                throw Failure(.usage, "a log that is stopped grows no more: leave out -f")
            }
            try tail.show(try stopped.page(from: nil, limit: limit), on: place.console)
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Say whether the log is what was once written.",
            discussion: """
                Goes through all of it: every record against the one before it, and the signed checkpoints \
                against both. Ends with 1 and the first bad record where something was edited, removed, \
                reordered or cut off.
                """)
        @Option(name: .shortAndLong, help: "How to show it: json.")
        var output: Format = .table
        @OptionGroup var place: Place

        func run() async throws {
            let check = VerifyAudit(format: try output.limited(to: .json))
            guard let stopped = try place.stopped() else {
                return try await check.run(in: place.context.session())
            }
            try check.show(try stopped.verdict(), on: place.console)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write all records to standard output, one a line.",
            discussion: """
                json-lines: {"hash":...,"record":...}, where the record is its canonical text: the hash is \
                SHA-256 over the hash before, the length of that text as 8 bytes, and the text. The first \
                hash before is SHA-256 of "skerry-audit 1", a newline, the log's name, a newline.
                syslog: RFC 5424, facility 13.
                """)
        @Option(help: "json-lines or syslog.")
        var format = "json-lines"
        @Option(help: "The first record.")
        var from: UInt64 = 1
        @OptionGroup var place: Place

        func run() async throws {
            guard let form = AuditExport.Form(rawValue: format) else {
                let forms = AuditExport.Form.allCases.map(\.rawValue).joined(separator: " or ")
                throw Failure(.usage, "--format '\(format)' is not known: write \(forms)")
            }
            let export = AuditExport(form, from: from)
            guard let stopped = try place.stopped() else {
                return try await export.run(in: place.context.session())
            }
            try await export.run(on: place.console) { try stopped.page(from: $0, limit: 1_000) }
        }
    }
}
