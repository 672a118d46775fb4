/// A conversation with one container on one node: read its log, or run a command in it.
package struct StreamRequest: Hashable, Codable, Sendable {
    package enum Purpose: Hashable, Codable, Sendable {
        case logs(LogOptions)
        case exec(ExecOptions)
    }

    package var container: ContainerID
    package var purpose: Purpose

    package init(container: ContainerID, purpose: Purpose) {
        self.container = container
        self.purpose = purpose
    }
}

package struct LogOptions: Hashable, Codable, Sendable {
    package var follow: Bool
    /// Lines from the end; nil means all that is kept.
    package var tail: Int?

    package init(follow: Bool = false, tail: Int? = nil) {
        self.follow = follow
        self.tail = tail
    }
}

package struct ExecOptions: Hashable, Codable, Sendable {
    package var command: [String]
    package var terminal: TerminalSize?
    package var hasInput: Bool

    package init(command: [String], terminal: TerminalSize? = nil, hasInput: Bool = false) {
        self.command = command
        self.terminal = terminal
        self.hasInput = hasInput
    }
}

package struct TerminalSize: Hashable, Codable, Sendable {
    package var columns: Int
    package var rows: Int

    package init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }
}

/// One piece of a stream, in either direction. At most `StreamFrame.payloadMax` bytes of payload.
package enum StreamFrame: Hashable, Codable, Sendable {
    case input([UInt8])
    case endOfInput
    case resize(TerminalSize)
    case output([UInt8])
    case errorOutput([UInt8])
    /// Last: the command ended with this code, or the log is complete (0).
    case exit(Int)
    /// Last: the stream could not be opened or broke, in words for a person.
    case failed(String)
    /// Last: there is no such container or command, in words for a person.
    case missing(String)

    package static let payloadMax = 32 * 1024
}
