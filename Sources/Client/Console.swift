import Foundation
import Model

/// The terminal or the pipes a verb was started with.
package struct Console: Sendable {
    package let output: Int32
    package let errorOutput: Int32
    /// Cells in a line of the output; nil where it is not a terminal.
    package let width: Int?
    package let colours: Bool

    package init(output: Int32, errorOutput: Int32, width: Int?, colours: Bool) {
        self.output = output
        self.errorOutput = errorOutput
        self.width = width
        self.colours = colours
    }

    /// The one this process has. Colours follow NO_COLOR (no-color.org) and TERM.
    package static func standard(_ environment: [String: String]) -> Console {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let asksForNone =
            !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
        return Console(
            output: STDOUT_FILENO, errorOutput: STDERR_FILENO,
            width: isTerminal ? columns(environment) : nil,
            colours: isTerminal && !asksForNone)
    }

    private static func columns(_ environment: [String: String]) -> Int {
        if let text = environment["COLUMNS"], let columns = Int(text), columns > 0 {
            return columns
        }
        return Terminal.size(of: STDOUT_FILENO)?.columns ?? 80
    }

    package var isTerminal: Bool { width != nil }
    package var isErrorTerminal: Bool { isatty(errorOutput) == 1 }

    /// Writes lines that are already safe to show.
    package func say(_ lines: [String]) throws {
        guard !lines.isEmpty else { return }
        try write(Array((lines.joined(separator: "\n") + "\n").utf8), to: output)
    }

    package func say(_ line: String) throws { try say([line]) }

    /// Writes a table as wide as the terminal; asked for wide, without end.
    func say(_ table: TextTable, as format: Format = .table, headings: Bool) throws {
        try say(
            table.lines(
                width: format == .wide ? nil : width, colours: colours, headings: headings))
    }

    /// A remark beside the answer, on standard error.
    package func remark(_ text: String) throws {
        try write(Array((visible(text, keeping: ["\n"]) + "\n").utf8), to: errorOutput)
    }

    package func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                // Somebody else made the pipe non-blocking: wait until it takes bytes again.
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, -1)
            } else if errno == EPIPE {
                // The reader has seen enough, such as `head`: nothing to say about it.
                throw Failure(.failed, "")
            } else if errno != EINTR {
                throw Failure(
                    .failed, "writing the answer failed: \(String(cString: strerror(errno)))")
            }
        }
    }
}
