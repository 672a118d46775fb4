import Foundation
import Glibc

/// The time in which something has to come true on a busy machine; far beyond what is usual.
let patience = Duration.seconds(40)

/// What a test waited for did not happen.
struct Vain: Error, CustomStringConvertible {
    var description: String
}

/// Asks again and again until it is so.
func eventually(
    _ what: String, within limit: Duration = patience, _ isSo: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !isSo() {
        guard ContinuousClock.now < deadline else { throw Vain(description: "in vain: \(what)") }
        try await Task.sleep(for: .milliseconds(15))
    }
}

/// A real process that a test started, and what it wrote.
final class Program {
    private let process = Process()
    private let output: String
    private let errorOutput: String

    /// `log` is the path to which it writes, without the endings `.out` and `.err`.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String], log: String,
        input: String = ""
    ) throws {
        output = log + ".out"
        errorOutput = log + ".err"
        try Data(input.utf8).write(to: URL(fileURLWithPath: log + ".in"))
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = try FileHandle(
            forReadingFrom: URL(fileURLWithPath: log + ".in"))
        process.standardOutput = try Program.file(output)
        process.standardError = try Program.file(errorOutput)
        try process.run()
    }

    private static func file(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    var id: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var written: String { get throws { try text(output) } }
    var remarks: String { get throws { try text(errorOutput) } }

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    func signal(_ number: Int32) {
        if process.isRunning { kill(id, number) }
    }

    /// Ends it as a power cut would, and waits until it is gone.
    func crash() async throws {
        signal(SIGKILL)
        try await eventually("process \(id) to be gone") { !process.isRunning }
    }

    /// Its exit code, once it has ended.
    func ended(within limit: Duration = patience) async throws -> Int32 {
        try await eventually("\(process.arguments ?? []) to end", within: limit) {
            !process.isRunning
        }
        return process.terminationStatus
    }
}

/// What a verb of the command line answered.
struct Answer {
    var code: Int32
    var text: String
    var remarks: String
}
