import ArgumentParser
import Client
import Model

struct MeshCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mesh", abstract: "Look into the mesh that the nodes of a site form.",
        discussion: """
            skerry mesh status
            skerry mesh status --site rural -o wide
            skerry --context local mesh status
            skerry mesh claims
            skerry mesh diff
            skerry --context local mesh trace freeze

            The nodes of a site see each other without the hub. At the hub this shows what they last \
            said of it, on a node what it sees itself, with or without a hub.
            """,
        subcommands: [Status.self, Claims.self, Diff.self, Trace.self])

    struct Claims: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell which node holds which instance, and by which claim.",
            discussion: """
                Under the mesh pattern the nodes of a site agree where each instance of a workload with \
                a number of replicas runs. A claim counts once all nodes in reach have acknowledged it; \
                `skerry why instance/NAME` tells who did.
                """)

        @Option(help: "The site whose mesh to show; all of them otherwise.")
        var site: String?
        @OptionGroup var format: FormatOptions
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await ShowClaims(
                site: site, format: format.output, headings: !format.omitsHeadings
            ).run(in: context.session())
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell which node has which revision of policies and of its site.")

        @Option(help: "The site whose nodes to compare; all of them otherwise.")
        var site: String?
        @OptionGroup var format: FormatOptions
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await CompareMesh(
                site: site, format: format.output, headings: !format.omitsHeadings
            ).run(in: context.session())
        }
    }

    struct Trace: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell how records came to this node, and who has them. For a node's context.")

        @Argument(
            help: "The record's key, what it is about, or the node that wrote it; all if left out.")
        var record = ""
        @OptionGroup var format: FormatOptions
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await TraceRecords(
                record, format: format.output, headings: !format.omitsHeadings
            ).run(in: context.session())
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell who sees whom, and since when not.",
            discussion: """
                alive: heard of, by whatever path. quiet: silent for longer than the loss of its link \
                explains. failed: most of those that are heard hold it quiet. absent: not heard of \
                since this node started.
                """)

        @Option(help: "The site whose mesh to show; all of them otherwise.")
        var site: String?
        @OptionGroup var format: FormatOptions
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await ShowMesh(
                site: site, format: format.output, headings: !format.omitsHeadings
            ).run(in: context.session())
        }
    }
}
