import Dispatch
import Foundation
package import Model

/// The settings of a terminal, borrowed and given back.
///
/// In raw mode every key goes to the command at the other end; not giving the old settings back
/// would leave a person with a terminal that shows nothing.
package struct Terminal: ~Copyable {
    private let descriptor: Int32
    private let settings: termios

    /// Takes the terminal into raw mode; nil where `descriptor` is not a terminal.
    package init?(takingRaw descriptor: Int32) {
        var settings = termios()
        guard isatty(descriptor) == 1, tcgetattr(descriptor, &settings) == 0 else { return nil }
        var raw = settings
        cfmakeraw(&raw)
        guard tcsetattr(descriptor, TCSANOW, &raw) == 0 else { return nil }
        self.descriptor = descriptor
        self.settings = settings
    }

    deinit {
        var settings = settings
        tcsetattr(descriptor, TCSANOW, &settings)
    }

    /// Nil where `descriptor` is not a terminal or does not know its size.
    package static func size(of descriptor: Int32) -> TerminalSize? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
        else { return nil }
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }
}

/// Signals of this process as a sequence, for as long as it is kept; then each has its usual
/// effect again.
package struct Signals: ~Copyable {
    package let numbers: AsyncStream<Int32>
    private let sources: [Int32: any DispatchSourceSignal]

    package init(_ numbers: [Int32]) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Int32.self, bufferingPolicy: .bufferingNewest(4))
        self.numbers = stream
        var sources: [Int32: any DispatchSourceSignal] = [:]
        for number in numbers {
            // The default action would end the process before the source is asked.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            sources[number] = source
        }
        self.sources = sources
    }

    deinit {
        for (number, source) in sources {
            source.cancel()
            signal(number, SIG_DFL)
        }
    }
}

/// Standard input as pieces, read only when somebody waits for one.
package struct InputPieces: ~Copyable {
    private let descriptor: Int32
    private let wake: (read: Int32, write: Int32)
    private let queue = DispatchQueue(label: "skerry.input")

    package init(_ descriptor: Int32) throws(Failure) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(.failed, "no more files can be opened") }
        self.descriptor = descriptor
        wake = (ends[0], ends[1])
    }

    deinit {
        close(wake.read)
        close(wake.write)
    }

    /// The next piece; nil at the end of the input, or when the task was cancelled meanwhile.
    package borrowing func next(bytesMax: Int) async -> [UInt8]? {
        let (descriptor, wake) = (descriptor, wake)
        let queue = queue
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async {
                    continuation.resume(
                        returning: read(descriptor, orUntil: wake.read, bytesMax: bytesMax))
                }
            }
        } onCancel: {
            // A blocked read cannot be cancelled: it waits for this pipe as well.
            _ = Foundation.write(wake.write, [0], 1)
        }
    }
}

private func read(_ descriptor: Int32, orUntil wake: Int32, bytesMax: Int) -> [UInt8]? {
    var piece = [UInt8](repeating: 0, count: bytesMax)
    while true {
        var entries = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&entries, 2, -1) >= 0 || errno == EINTR else { return nil }
        if entries[1].revents != 0 { return nil }
        guard entries[0].revents != 0 else { continue }
        let count = Foundation.read(descriptor, &piece, bytesMax)
        if count > 0 { return Array(piece[..<count]) }
        guard count < 0, errno == EINTR || errno == EAGAIN else { return nil }
    }
}
