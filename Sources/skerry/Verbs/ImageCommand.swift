import ArgumentParser
import Client
import Foundation

struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Sign images. Needs no hub.",
        discussion: """
            skerry image keygen -o image.key
            skerry image sign registry.example/shop@sha256:9f86… --key image.key

            The line that is shown goes into the container's 'signatures'. A rule says whose word counts:

              forbid(principal is Node, action == Action::"run", resource is Workload)
              unless { resource.runsCommands || resource.signers.contains("KEY") };
            """,
        subcommands: [Keygen.self, Sign.self])

    struct Keygen: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key that signs images, and its public half beside it.")
        @Option(
            name: .shortAndLong, help: "Where to write it; the public half ends in .pub.",
            completion: .file())
        var output = "image.key"

        func run() throws {
            try ImageKeyCreation(output).run(on: .standard(ProcessInfo.processInfo.environment))
        }
    }

    struct Sign: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign the digest of an image, and show the signature.")
        @Argument(help: "REPOSITORY@sha256:DIGEST")
        var image: String
        @Option(help: "The file of the secret key.", completion: .file())
        var key: String

        func run() throws {
            try ImageSigning(image, key: key)
                .run(on: .standard(ProcessInfo.processInfo.environment))
        }
    }
}
