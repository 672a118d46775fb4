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
    let id: pid_t
    private let name: String
    private let output: String
    private let errorOutput: String
    /// As `waitpid` told it; nil while it runs.
    private var end: Int32?

    /// `log` is the path to which it writes, without the endings `.out` and `.err`.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String], log: String,
        input: String = ""
    ) throws {
        name = arguments.joined(separator: " ")
        output = log + ".out"
        errorOutput = log + ".err"
        try Data(input.utf8).write(to: URL(fileURLWithPath: log + ".in"))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let write = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 0, log + ".in", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, write, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorOutput, write, 0o600)
        let words = ([executable] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var id: pid_t = 0
        let failure = posix_spawn(&id, executable, &actions, nil, words, variables)
        guard failure == 0 else {
            throw Vain(description: "cannot start \(name): " + String(cString: strerror(failure)))
        }
        self.id = id
    }

    var isRunning: Bool {
        var status: Int32 = 0
        if end == nil, waitpid(id, &status, WNOHANG) == id { end = status }
        return end == nil
    }

    var written: String { get throws { try text(output) } }
    var remarks: String { get throws { try text(errorOutput) } }

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    func signal(_ number: Int32) {
        if isRunning { kill(id, number) }
    }

    /// Ends it as a power cut would, and waits until it is gone.
    func crash() async throws {
        signal(SIGKILL)
        try await eventually("process \(id) to be gone") { !isRunning }
    }

    /// Its exit code, or the number of the signal that ended it, once it has ended.
    func ended(within limit: Duration = patience) async throws -> Int32 {
        try await eventually("'\(name)' to end", within: limit) { !isRunning }
        let status = end ?? 0
        return status & 0x7F == 0 ? status >> 8 & 0xFF : status & 0x7F
    }

    /// Whether the kernel wrote its memory to disk when a signal ended it.
    var leftCore: Bool { (end ?? 0) & 0x80 != 0 }
}

/// What a verb of the command line answered.
struct Answer {
    var code: Int32
    var text: String
    var remarks: String
}
