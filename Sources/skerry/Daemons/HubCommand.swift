import ArgumentParser
import Client
import Foundation
import Host

struct HubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hub",
        abstract: "Run a hub: the place where intent is kept and the fleet is seen.",
        usage: """
            skerry hub [--restored] [--config FILE] [--SETTING VALUE ...]
            skerry hub init [--config FILE] [--SETTING VALUE ...]
            """,
        discussion: restoredHelp
            + SettingFlags.discussion(
                Setting.hub, example: "skerry hub --state ./hub --advertise hub.example.org"),
        subcommands: [Serve.self, Initialise.self], defaultSubcommand: Serve.self)

    private static let restoredHelp = """
        --restored, once: the store is a backup that was put in place, or this hub takes over from \
        another. It then speaks with a higher epoch than any node has obeyed as far as it knows, so \
        that an older hub is refused, and tells each node nothing before the two were compared.


        """

    /// What `skerry hub` does when no subcommand is named. A command of its own, because a parent
    /// that takes any argument would take the subcommand's name too.
    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Run the hub.",
            discussion: SettingFlags.discussion(Setting.hub, example: "skerry hub --state ./hub"),
            shouldDisplay: false)

        @Argument(parsing: .allUnrecognized, help: .hidden) var arguments: [String] = []

        func run() async throws {
            let isRestored = arguments.contains("--restored")
            var settings = try HubSettings(
                SettingFlags.values(arguments.filter { $0 != "--restored" }, Setting.hub))
            settings.isRestored = isRestored
            let serving = settings
            try await HubHost.run(
                serving, log: { logLine("hub: " + $0) },
                ready: { listening in
                    let host = serving.advertise.first ?? serving.bind
                    logLine(
                        "hub: ready; people: https://\(host):\(listening.managementPort), "
                            + "control link: \(listening.controlPort), "
                            + "enrolment: \(listening.enrolmentPort), "
                            + "operator's certificate: \(listening.operatorFiles.directory)")
                })
        }
    }

    struct Initialise: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Make the hub's authority and a client context for its operator.",
            discussion: SettingFlags.discussion(
                Setting.hub, example: "skerry hub init --state ./hub"))

        @Argument(parsing: .allUnrecognized, help: .hidden) var arguments: [String] = []

        func run() async throws {
            let settings = try HubSettings(SettingFlags.values(arguments, Setting.hub))
            let path = ContextFile.path(ProcessInfo.processInfo.environment)
            let home = (path as NSString).deletingLastPathComponent
            let files = try HubHost.initialise(
                settings, copies: home + "/operator-" + settings.name,
                log: { logLine("hub: " + $0) })
            try ContextFile.write(
                context: Context(
                    name: settings.name,
                    endpoint: .hub(
                        HubAddress(
                            host: settings.advertise.first ?? settings.bind,
                            port: settings.managementPort,
                            certificateAuthority: here(files.authority),
                            clientCertificate: here(files.certificate),
                            clientKey: here(files.key)))),
                to: path)
            logLine("hub: context '\(settings.name)' written to \(path)")
        }

        /// A context is read from everywhere, and a path in it counts from its own file.
        private func here(_ path: String) -> String {
            path.hasPrefix("/")
                ? path
                : (FileManager.default.currentDirectoryPath as NSString)
                    .appendingPathComponent(path)
        }
    }
}
