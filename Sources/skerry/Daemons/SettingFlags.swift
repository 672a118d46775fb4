import ArgumentParser
import Foundation
import Host

/// The options that every daemon has: its configuration file, and any setting by name.
///
/// The flags come from the same table as the file and the environment, so they cannot differ.
enum SettingFlags {
    /// Splits `--name value` and `--name=value` into settings; throws what is no setting.
    static func read(
        _ arguments: [String], _ settings: [Setting]
    ) throws -> (flags: [String: String], file: String?) {
        var flags: [String: String] = [:]
        var file: String?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            let setting = settings.first { $0.flag == parts[0] }
            guard setting != nil || parts[0] == "--config" else {
                throw ValidationError("there is no option '\(parts[0])'; see --help")
            }
            guard let value = parts.count > 1 ? parts[1] : rest.popFirst() else {
                throw ValidationError("\(parts[0]) takes a value")
            }
            if let setting { flags[setting.name] = value } else { file = value }
        }
        return (flags, file)
    }

    static func values(
        _ arguments: [String], _ settings: [Setting]
    ) throws -> SettingValues {
        let (flags, file) = try read(arguments, settings)
        return try SettingValues(
            settings, flags: flags, environment: ProcessInfo.processInfo.environment, file: file)
    }

    static func discussion(_ settings: [Setting], example: String) -> String {
        let rows = settings.map { setting in
            let fallback = setting.fallback.map { $0.isEmpty ? "" : " (default: \($0))" } ?? ""
            return "  \(setting.flag)\n      \(setting.meaning)\(fallback)"
        }
        return """
            Settings, each also as an environment variable (SKERRY_...) or in the file named by \
            --config, where a flag beats the environment and that the file:

            \(rows.joined(separator: "\n"))

            Example: \(example)
            """
    }
}

/// A line for the journal or the terminal, with nothing buffered behind it.
func logLine(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
