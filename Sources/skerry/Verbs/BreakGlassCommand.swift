import ArgumentParser
import Client
import Model

struct BreakGlassCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "break-glass",
        abstract: "At a node: act as if no policy forbade it, for a while and on record.",
        discussion: """
            skerry --context local break-glass --reason "till 3 burns, hub gone since May"
            skerry --context local break-glass --end --reason "all well"

            For when policy itself is in the way: it forbids what has to be done, cannot be read, or is
            older than its autonomy window. That it was done and all that is done then becomes events of the
            node, which the hub gets too.
            """)

    @Option(help: "Why; others will ask later.")
    var reason: String
    @Option(name: .customLong("for"), help: "How long; 4h at most.")
    var life = "15m"
    @Flag(help: "Let policies count again.")
    var end = false
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await BreakGlass(
            reason: reason, for: end ? .seconds(0) : interval(life, for: "--for")
        ).run(in: context.session())
    }
}
