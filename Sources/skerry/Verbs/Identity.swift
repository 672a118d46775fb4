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
        commandName: "approve",
        abstract: "Let a machine that asks become a node, or say yes to what somebody asked for.",
        discussion: """
            skerry get pending
            skerry approve rural-2 --fingerprint 9f86-d081

            Compare the fingerprint with the one that the machine's own agent says.

            skerry get approvals
            skerry approve approval/1f0a9c44

            What was asked for is done at once, and once. Nobody approves their own requests.
            """)

    @Argument(help: "NAME, as 'get pending' shows it, or approval/ID, as 'get approvals' does.")
    var name: String
    @Option(help: "Which machine, by the beginning of its fingerprint, where several ask.")
    var fingerprint: String?
    @Option(help: "Another site than it asked for.")
    var site: String?
    @Option(help: "With an approval: a word about it, for the record.")
    var note: String?
    @OptionGroup var context: ContextOptions

    func run() async throws {
        if let id = AnswerApproval.id(in: name) {
            guard fingerprint == nil, site == nil else {
                throw Failure(.usage, "--fingerprint and --site are for machines that ask to join")
            }
            return try await AnswerApproval(id, isApproved: true, note: note)
                .run(in: context.session())
        }
        guard note == nil else { throw Failure(.usage, "--note is for approval/ID") }
        try await AnswerPending(name, isApproved: true, fingerprint: fingerprint, site: site)
            .run(in: context.session())
    }
}

struct DenyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny",
        abstract: "Say no to a machine that asks to become a node, or to what somebody asked for.",
        discussion: """
            skerry deny rural-2 --fingerprint 9f86-d081
            skerry deny approval/1f0a9c44 --note 'the backup is not done yet'

            Whoever asked may take their own request back in this way.
            """)

    @Argument(help: "NAME, as 'get pending' shows it, or approval/ID, as 'get approvals' does.")
    var name: String
    @Option(help: "Which machine, by the beginning of its fingerprint, where several ask.")
    var fingerprint: String?
    @Option(help: "With an approval: why, for who asked.")
    var note: String?
    @OptionGroup var context: ContextOptions

    func run() async throws {
        if let id = AnswerApproval.id(in: name) {
            guard fingerprint == nil else {
                throw Failure(.usage, "--fingerprint is for machines that ask to join")
            }
            return try await AnswerApproval(id, isApproved: false, note: note)
                .run(in: context.session())
        }
        guard note == nil else { throw Failure(.usage, "--note is for approval/ID") }
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
