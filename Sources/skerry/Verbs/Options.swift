import ArgumentParser
import Client
import Foundation
import Model

/// Where to ask: understood by every verb that asks a hub or a node.
struct ContextOptions: ParsableArguments {
    @Option(help: "Which context to use; 'local' is the node on this machine.")
    var context: String?

    @Option(
        help: "The file of contexts instead of $SKERRY_CONFIG or ~/.config/skerry/config.yaml.",
        completion: .file())
    var config: String?

    func session() throws -> Session {
        try Session.open(
            context: context, file: config, environment: ProcessInfo.processInfo.environment)
    }
}

/// How to show an answer.
struct FormatOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "How to show it: wide, json, yaml or name.")
    var output: Format = .table

    @Flag(name: .customLong("no-headers"), help: "Leave out the headings.")
    var omitsHeadings = false
}

extension Format: ExpressibleByArgument {
    /// The format, where the verb can answer in it.
    func limited(to formats: Format...) throws -> Format {
        guard self == .table || formats.contains(self) else {
            let words = formats.map(\.rawValue).joined(separator: " or ")
            throw Failure(
                .usage, "-o \(rawValue) is nothing that this verb can show; it has \(words)")
        }
        return self
    }
}

struct SelectorOptions: ParsableArguments {
    @Option(
        name: [.customShort("l"), .customLong("selector")],
        help: """
            Only what has these labels: -l zone=north,tier!=3,gpu,!old. Where something belongs \
            counts as labels: site, node, workload, tier.
            """)
    var selector: String?

    func selection() throws -> Selector {
        guard let selector else { return Selector() }
        return try Selector(selector)
    }
}

/// A failure of the arguments themselves, found behind the parser.
func interval(_ text: String, for option: String) throws -> Interval {
    guard let interval = Interval(text) else {
        throw Failure(.usage, "\(option) '\(text)' is no duration; write for example 90s or 15m")
    }
    return interval
}
