import ArgumentParser
import Client
import Foundation
import Host

struct AuthorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca", abstract: "Make, carry and replace the authorities of a fleet.",
        discussion: """
            A root whose key never is on the hub:

              skerry ca init --to vault                       # on a machine of its own
              skerry ca request --state hub > hub.csr         # on the hub, and carry hub.csr over
              skerry ca sign --root vault/root.pem hub.csr > hub.pem
              skerry ca install --from hub.pem --state hub    # on the hub again

            To replace what a hub signs with; one that runs takes it up within seconds:

              skerry ca rotate issuing --state hub
              skerry ca rotate root --state hub
              skerry ca retire                                # when every node has been in contact

            Nodes that are away meanwhile accept the new root when they come back, also where it was \
            replaced twice.
            """,
        subcommands: [
            Initialise.self, Request.self, Sign.self, Install.self, Rotate.self, Retire.self,
        ])

    static func chores(
        _ arguments: [String], isBeginning: Bool = false
    ) throws -> AuthorityChores {
        try AuthorityChores(
            HubSettings(SettingFlags.values(arguments, Setting.hub)), isBeginning: isBeginning,
            log: { logLine("hub: " + $0) })
    }

    struct Initialise: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init", abstract: "Make a root, on a machine that need not be the hub.")

        @Option(help: "The directory to make it in.") var to: String
        @Option(help: "What it is called.") var name = "fleet"

        func run() async throws {
            try AuthorityChores.makeRoot(named: name, in: to)
            logLine("ca: root.pem in \(to) is the key; keep it there. root.crt is no secret")
        }
    }

    struct Request: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "request",
            abstract: "Make a key on the hub, and a request to have it signed.",
            discussion: "skerry ca request --state hub > hub.csr")

        @Argument(parsing: .allUnrecognized, help: .hidden) var arguments: [String] = []

        func run() async throws {
            let text = try AuthorityCommand.chores(arguments, isBeginning: true).request()
            FileHandle.standardOutput.write(Data(text.utf8))
        }
    }

    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sign", abstract: "Sign a hub's request with the root.",
            discussion: "skerry ca sign --root vault/root.pem hub.csr > hub.pem")

        @Option(help: "The root with its key.", completion: .file()) var root: String
        @Option(help: "For how many days.") var days = 90
        @Argument(help: "The hub's request.", completion: .file()) var request: String

        func validate() throws {
            guard (1...3650).contains(days) else { throw ValidationError("--days is 1 to 3650") }
        }

        func run() async throws {
            let text = try AuthorityChores.sign(request, with: root, for: days)
            FileHandle.standardOutput.write(Data(text.utf8))
        }
    }

    struct Install: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install", abstract: "Take in on the hub what the root signed.",
            usage: "skerry ca install --from FILE [--SETTING VALUE ...]",
            discussion: "skerry ca install --from hub.pem --state hub")

        @Argument(parsing: .allUnrecognized, help: .hidden) var arguments: [String] = []

        func run() async throws {
            var rest = arguments
            guard let place = rest.firstIndex(of: "--from"), place + 1 < rest.count else {
                throw Failure(.usage, "say what to take in: --from FILE")
            }
            let file = rest[place + 1]
            rest.removeSubrange(place...(place + 1))
            try AuthorityCommand.chores(rest).install(file)
            logLine("ca: installed; a hub that runs takes it up within seconds")
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate", abstract: "Replace the issuing authority or the root.",
            usage: """
                skerry ca rotate issuing|root [--SETTING VALUE ...]
                skerry ca rotate root --root FILE --to DIRECTORY
                """,
            discussion: """
                The second form is for where the root's key is, if that is not the hub; then 'skerry ca \
                request', 'sign' with the new root, and 'install'.
                """)

        @Argument(parsing: .allUnrecognized, help: .hidden) var arguments: [String] = []

        func run() async throws {
            var rest = arguments
            switch rest.first {
            case "issuing":
                try AuthorityCommand.chores(Array(rest.dropFirst())).rotateIssuing()
            case "root":
                rest.removeFirst()
                if rest.count == 4, rest[0] == "--root", rest[2] == "--to" {
                    try AuthorityChores.makeRoot(
                        named: "fleet", in: rest[3], following: rest[1])
                    return logLine(
                        "ca: the next root is in \(rest[3]); sign with that from here on")
                }
                try AuthorityCommand.chores(rest).rotateRoot()
            default: throw Failure(.usage, "say what to rotate: issuing or root")
            }
            logLine("ca: done; a hub that runs takes it up within seconds")
        }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retire", abstract: "Accept nothing below earlier roots any more.",
            usage: """
                skerry ca retire [--context NAME]
                skerry ca retire --state DIRECTORY [--SETTING VALUE ...]
                """,
            discussion: """
                The first form asks a hub that runs, and waits for a second person where there is one. The \
                second works on the files of a hub, on its machine.
                """)

        @OptionGroup var context: ContextOptions
        @Argument(parsing: .allUnrecognized, help: .hidden) var arguments: [String] = []

        func run() async throws {
            guard !arguments.isEmpty else {
                let session = try context.session()
                try await session.connection.retireRoots()
                return try session.console.say("earlier roots are retired")
            }
            try AuthorityCommand.chores(arguments).retire()
            logLine("ca: done; a hub that runs takes it up within seconds")
        }
    }
}
