import Glibc

/// A system call that failed, with what it was for.
package struct SystemFailure: Error, CustomStringConvertible {
    package let doing: String
    package let code: Int32

    init(_ doing: String, code: Int32 = errno) {
        self.doing = doing
        self.code = code
    }

    package var description: String { "\(doing): \(String(cString: strerror(code)))" }
}

/// An open file descriptor, closed when nobody holds it any more.
final class Descriptor: Sendable {
    let number: Int32

    init(_ number: Int32, for purpose: String) throws(SystemFailure) {
        guard number >= 0 else { throw SystemFailure(purpose) }
        self.number = number
    }

    deinit { close(number) }

    enum Transfer: Equatable {
        case bytes(Int)
        case later
        case closed
    }

    /// Reads what is there without waiting.
    func read(into buffer: inout [UInt8]) -> Transfer {
        let count = buffer.withUnsafeMutableBytes {
            recv(number, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
        }
        return outcome(count, whenZero: .closed)
    }

    /// Writes what fits without waiting.
    func write(_ bytes: ArraySlice<UInt8>) -> Transfer {
        let count = bytes.withUnsafeBytes {
            send(number, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        }
        return outcome(count, whenZero: .later)
    }

    private func outcome(_ count: Int, whenZero: Transfer) -> Transfer {
        if count > 0 { return .bytes(count) }
        if count == 0 { return whenZero }
        return errno == EAGAIN || errno == EINTR ? .later : .closed
    }
}

/// One thread tells another that something happened: bytes in a pipe, so that it can be polled.
package final class Bell: Sendable {
    private let ends: (read: Descriptor, write: Descriptor)

    package init() throws(SystemFailure) {
        var numbers: [Int32] = [-1, -1]
        guard pipe(&numbers) == 0 else { throw SystemFailure("making a pipe") }
        ends = (
            try Descriptor(numbers[0], for: "making a pipe"),
            try Descriptor(numbers[1], for: "making a pipe")
        )
        for number in numbers { try neverWait(number) }
    }

    var number: Int32 { ends.read.number }

    /// A full pipe rings already, so a byte that does not fit is not missed.
    package func ring() {
        var byte: UInt8 = 1
        _ = Glibc.write(ends.write.number, &byte, 1)
    }

    /// Takes one ring; false when there is none.
    package func take() -> Bool {
        var byte: UInt8 = 0
        return Glibc.read(ends.read.number, &byte, 1) == 1
    }

    /// Waits until it rings or `milliseconds` have passed (-1: without end).
    package func wait(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }
}

/// Makes calls on `number` return at once where they would wait.
func neverWait(_ number: Int32) throws(SystemFailure) {
    guard fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0 else {
        throw SystemFailure("setting up a descriptor")
    }
}

/// Milliseconds of a clock that never goes back.
package func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

/// A system thread.
package struct Thread {
    private final class Start: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let id: pthread_t

    package init(_ run: @escaping @Sendable () -> Void) throws(SystemFailure) {
        var id = pthread_t()
        let start = Unmanaged.passRetained(Start(run))
        let code = pthread_create(
            &id, nil,
            { argument in
                // `argument` is the retained Start below; the thread consumes it once.
                Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemFailure("starting a thread", code: code)
        }
        self.id = id
    }

    package func join() { pthread_join(id, nil) }
}

/// Starts a thread that lives as long as the program.
package func detach(_ run: @escaping @Sendable () -> Void) throws(SystemFailure) {
    _ = try Thread(run)
}
