import Foundation
import Manifest

/// One thing that can be set by flag, environment or configuration file, in that order of force.
package struct Setting: Hashable, Sendable {
    /// The name in the file; the flag is its kebab case, the variable its upper snake case.
    package var name: String
    package var fallback: String?
    package var meaning: String

    package var flag: String { "--" + words(separator: "-").lowercased() }
    package var variable: String { "SKERRY_" + words(separator: "_").uppercased() }

    private func words(separator: String) -> String {
        name.reduce(into: "") { text, character in
            if character.isUppercase { text += separator }
            text.append(character)
        }
    }

    package static let hub: [Setting] = [
        Setting(
            name: "state", fallback: "/var/lib/skerry/hub",
            meaning: "Directory of the store, the authority and the operator's certificate."),
        Setting(name: "name", fallback: "hub", meaning: "What this hub calls itself."),
        Setting(
            name: "bind", fallback: "127.0.0.1", meaning: "Address that all listeners bind to."),
        Setting(
            name: "advertise", fallback: "127.0.0.1",
            meaning: "Names or addresses that nodes and people use, separated by commas; "
                + "the first goes into join tokens."),
        Setting(
            name: "managementPort", fallback: "7440",
            meaning: "HTTPS port for people and tools; 0 takes a free one."),
        Setting(
            name: "controlPort", fallback: "7441",
            meaning: "Port of the control link; 0 takes a free one."),
        Setting(
            name: "enrolmentPort", fallback: "7442",
            meaning: "Port where nodes enrol; 0 takes a free one."),
        Setting(
            name: "policyKeys", fallback: nil,
            meaning:
                "Files with the public keys of those who may sign policy, separated by commas. "
                + "Without it the hub makes a key for its operator, once."),
        revocationShare, seal, sealBefore, auditRecords, endsWithInput,
    ]

    package static let agent: [Setting] = [
        Setting(
            name: "state", fallback: "/var/lib/skerry/agent",
            meaning: "Directory of the store, the identity and the process engine's files."),
        Setting(
            name: "node", fallback: nil,
            meaning: "Name of this node, for its enrolment; the host name if not set."),
        Setting(name: "token", fallback: nil, meaning: "Join token; needed once."),
        Setting(
            name: "hub", fallback: nil,
            meaning: "host:port of the control link, if it moved since the enrolment."),
        Setting(
            name: "engine", fallback: "auto",
            meaning: "`auto`, `process`, or the path of a Docker Engine API socket."),
        Setting(
            name: "socket", fallback: "/run/skerry/agent.sock",
            meaning: "Unix socket for people on the node."),
        Setting(
            name: "ports", fallback: "20000-29999",
            meaning: "Range for workload ports without a number."),
        Setting(
            name: "searchPath", fallback: "",
            meaning: "Directories searched for commands before the system's, separated by colons."),
        Setting(
            name: "stopWorkloads", fallback: "false",
            meaning: "Whether stopping the agent stops what it runs."),
        Setting(
            name: "cpu", fallback: nil, meaning: "Capacity to report, such as `2` or `500m`."),
        Setting(
            name: "memory", fallback: nil, meaning: "Capacity to report, such as `1Gi`."),
        Setting(
            name: "policyKeys", fallback: nil,
            meaning:
                "Files with the public keys of those who may sign policy, separated by commas, in "
                + "place of those from the enrolment."),
        Setting(
            name: "join", fallback: nil,
            meaning: "host:port where the hub enrols, to ask there without a token until a person "
                + "approves; with `site` and `authority`."),
        Setting(name: "site", fallback: nil, meaning: "The site to ask for, with `join`."),
        Setting(
            name: "authority", fallback: nil,
            meaning: "With `join`, the file of the hub's root, or `sha256:` and its fingerprint as "
                + "`skerry certificate describe root` shows it."),
        Setting(
            name: "meshListen", fallback: "127.0.0.1:0",
            meaning:
                "`address:port` for what nodes of the site say to each other, or `off`; port 0 takes a free "
                + "one and keeps it."),
        Setting(
            name: "namesListen", fallback: "off",
            meaning:
                "`address:port` on loopback where names such as `NAME.SITE.skerry` are answered "
                + "(DNS over UDP), or `off`."),
        Setting(
            name: "meshAdvertise", fallback: nil,
            meaning: "`address` or `address:port` where other nodes of the site reach that; needed "
                + "where it listens on all addresses."),
        Setting(
            name: "meshSecurity", fallback: "sessions",
            meaning: "How what nodes of the site say to each other is secured: `sessions` "
                + "(datagrams, keys of pairs) or `mtls` (TCP, the certificates of the nodes). The "
                + "same for all nodes of a site: those of one kind do not hear the others."),
        Setting(
            name: "frontBind", fallback: "127.0.0.1",
            meaning: "Address of the ports that workloads want in front of theirs (`front`)."),
        revocationShare, seal, sealBefore, auditRecords, endsWithInput,
    ]

    private static let revocationShare = Setting(
        name: "revocationShare", fallback: "20",
        meaning:
            "At most so many hundredths of the fleet may be revoked inside a day, one at least, "
            + "unless a policy key signs it, too.")

    private static let seal = Setting(
        name: "seal", fallback: "auto",
        meaning:
            "What seals keys and secrets on disk: `systemd` or `systemd:NAME` (a credential of "
            + "the unit), `passphrase:FILE`, or `none`. `auto` is `systemd` where the unit has the "
            + "credential `skerry-sealing`, or else `none`.")

    private static let sealBefore = Setting(
        name: "sealBefore", fallback: nil,
        meaning: "What sealed them until now, for the one start that changes it.")

    private static let auditRecords = Setting(
        name: "auditRecords", fallback: "50000",
        meaning:
            "Records of the audit log that are kept; the oldest beyond go, which the log tells.")

    private static let endsWithInput = Setting(
        name: "endsWithInput", fallback: "false",
        meaning: "Whether to stop, as on SIGTERM, when standard input ends: for whoever starts it "
            + "with a pipe and must not leave it behind.")

    /// Splits `--name value` and `--name=value` into settings by name, and the file of `--config`.
    package static func given(
        in arguments: [String], of settings: [Setting]
    ) throws(HostError) -> (flags: [String: String], file: String?) {
        var flags: [String: String] = [:]
        var file: String?
        var mistakes: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let flag = String(parts[0])
            let setting = settings.first { $0.flag == flag }
            guard setting != nil || flag == "--config" else {
                let near = SettingsFile.nearest(
                    to: flag, among: settings.map(\.flag) + ["--config"])
                mistakes.append(
                    "there is no option '\(flag)'"
                        + (near.map { "; did you mean '\($0)'?" } ?? "; see --help"))
                // Its value is not a second mistake.
                if flag.hasPrefix("-"), parts.count == 1, rest.first?.hasPrefix("-") == false {
                    rest.removeFirst()
                }
                continue
            }
            if parts.count == 1, rest.first?.hasPrefix("--") != false {
                mistakes.append("\(flag) takes a value: \(flag) VALUE")
                continue
            }
            let value = parts.count == 2 ? String(parts[1]) : rest.removeFirst()
            if let setting { flags[setting.name] = value } else { file = value }
        }
        guard mistakes.isEmpty else { throw .settings(mistakes) }
        return (flags, file)
    }

    /// The table of the documentation, in Markdown.
    package static func table(_ settings: [Setting]) -> String {
        let rows = settings.map {
            "| `\($0.name)` | `\($0.flag)` | `\($0.variable)` | "
                + "\($0.fallback.map { $0.isEmpty ? "" : "`\($0)`" } ?? "") | \($0.meaning) |"
        }
        return
            (["| file | flag | environment | default | meaning |", "|---|---|---|---|---|"] + rows)
            .joined(separator: "\n")
    }
}

/// The value of each setting, from flags, then environment, then file, then default.
package struct SettingValues: Sendable {
    private var values: [String: String] = [:]
    private var mistakes: [String] = []

    /// `flags` holds what was given on the command line, by setting name.
    ///
    /// A variable that is set to nothing counts as not set.
    package init(
        _ settings: [Setting], flags: [String: String], environment: [String: String],
        file: String?
    ) throws(HostError) {
        var fromFile: [String: String] = [:]
        if let file {
            guard let text = try PrivateFile.read(file) else {
                throw .file(file, doing: "read", "there is no such file")
            }
            do {
                fromFile = try SettingsFile.read(text, file: file, names: settings.map(\.name))
            } catch {
                throw .settings(error.lines)
            }
        }
        for setting in settings {
            values[setting.name] =
                flags[setting.name] ?? environment[setting.variable].flatMap {
                    $0.isEmpty ? nil : $0
                }
                ?? fromFile[setting.name] ?? setting.fallback
        }
    }

    package subscript(name: String) -> String? { values[name] }

    func text(_ name: String) -> String { values[name] ?? "" }

    /// As `text`, where nothing at all would be a mistake.
    mutating func text(_ name: String, as expectation: String) -> String {
        read(name, as: expectation) { $0.isEmpty ? nil : $0 } ?? ""
    }

    /// Reads one value, or notes what it should have been.
    mutating func read<Value>(
        _ name: String, as expectation: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard let text = values[name] else { return nil }
        if let value = parse(text) { return value }
        mistakes.append("setting '\(name)': '\(text)' is not \(expectation)")
        return nil
    }

    mutating func refuse(_ mistake: String) { mistakes.append(mistake) }
    /// Reads a value that another setting needs, or notes that it is missing.
    mutating func required<Value>(
        _ name: String, with other: String, as expectation: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard values[name] != nil else {
            mistakes.append("setting '\(name)': '\(other)' needs it; give \(expectation)")
            return nil
        }
        return read(name, as: expectation, parse)
    }

    func check() throws(HostError) {
        guard mistakes.isEmpty else { throw .settings(mistakes) }
    }
}
