import ArgumentParser
import Foundation
import Host

/// The options that every daemon has: its configuration file, and any setting by name.
///
/// The flags come from the same table as the file and the environment, so they cannot differ.
enum SettingFlags {
    static func values(
        _ arguments: [String], _ settings: [Setting]
    ) throws(HostError) -> SettingValues {
        let given = try Setting.given(in: arguments, of: settings)
        return try SettingValues(
            settings, flags: given.flags, environment: ProcessInfo.processInfo.environment,
            file: given.file)
    }

    static func discussion(_ settings: [Setting], example: String) -> String {
        let rows = settings.map { setting in
            let fallback = setting.fallback.map { $0.isEmpty ? "" : " (default: \($0))" } ?? ""
            return "  \(setting.flag), \(setting.variable)\n      \(setting.meaning)\(fallback)"
        }
        return """
            Settings, each as a flag, as an environment variable, or as a line 'name: value' of the \
            file named by --config. A flag beats the environment, and that beats the file:

            \(rows.joined(separator: "\n"))

            Example: \(example)
            """
    }
}

/// A line for the journal or the terminal, with nothing buffered behind it.
func logLine(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
