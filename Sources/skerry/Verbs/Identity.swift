import ArgumentParser
import Client
import Foundation

struct CertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate", abstract: "Look at certificates.",
        subcommands: [Describing.self])

    struct Describing: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "describe",
            abstract: "Tell all that is known about a certificate, or about those of a node.",
            discussion: """
                skerry certificate describe rural-1
                skerry certificate describe rural-1/leaf -o json
                skerry --context local certificate describe root

                'skerry get certificates' lists the names. A node's own socket answers also while the \
                node is cut off.
                """)

        @Argument(help: "NODE, NODE/authority, NODE/leaf, hub, issuing or root.")
        var name: String
        @Option(name: .shortAndLong, help: "How to show it: json.")
        var output: Format = .table
        @OptionGroup var context: ContextOptions

        func run() async throws {
            try await DescribeCertificate(name, format: output.limited(to: .json))
                .run(in: context.session())
        }
    }
}

struct ApproveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Let a machine that asks become a node.",
        discussion: """
            skerry get pending
            skerry approve rural-2 --fingerprint 9f86-d081

            Compare the fingerprint with the one that the machine's own agent says.
            """)

    @Argument(help: "NAME, as 'get pending' shows it.")
    var name: String
    @Option(help: "Which machine, by the beginning of its fingerprint, where several ask.")
    var fingerprint: String?
    @Option(help: "Another site than it asked for.")
    var site: String?
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await AnswerPending(name, isApproved: true, fingerprint: fingerprint, site: site)
            .run(in: context.session())
    }
}

struct DenyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny", abstract: "Tell a machine that asks to become a node no.",
        discussion: "skerry deny rural-2 --fingerprint 9f86-d081")

    @Argument(help: "NAME, as 'get pending' shows it.")
    var name: String
    @Option(help: "Which machine, by the beginning of its fingerprint, where several ask.")
    var fingerprint: String?
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await AnswerPending(name, isApproved: false, fingerprint: fingerprint, site: nil)
            .run(in: context.session())
    }
}

struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Say that identities are no longer good.",
        discussion: """
            skerry revoke node/rural-2 --reason stolen
            skerry revoke user/ann
            skerry revoke rural-1 rural-2 rural-3 --key policy.key
            skerry get revocations

            Connections of who is revoked end at once, and it does not get in any more. What a revoked \
            node runs goes on there. To take a machine back, delete the node and enrol it anew. More \
            than a share of the fleet within a day needs a policy key besides, given by --key.
            """)

    @Argument(help: "NODE, node/NAME or user/NAME, one or more.")
    var subjects: [String]
    @Option(help: "Why, for those who read the list.")
    var reason = "revoked on request"
    @Option(help: "The file of a policy key that signs this, too.", completion: .file())
    var key: String?
    @OptionGroup var context: ContextOptions

    func run() async throws {
        try await Revoke(subjects, reason: reason, key: key).run(in: context.session())
    }
}
