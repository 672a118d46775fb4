@preconcurrency import Dispatch
import Glibc
import Model

/// What a supervised process printed, both outputs in the order they came.
///
/// The process itself appends to `path`, also while no agent lives. Half of the cap is kept there
/// and half in `path.1`.
struct LogFile {
    let path: String

    private var previous: String { "\(path).1" }

    /// Moves what was written to the older half once the newer one is full.
    ///
    /// Copied and truncated, as the process keeps its descriptor. What it prints between the two
    /// steps is lost. A burst may pass the cap until the next call; only its end is kept.
    func rotate(cap: Int) {
        let half = off_t(cap / 2)
        var information = stat()
        guard stat(path, &information) == 0, information.st_size > half else { return }
        let source = open(path, O_RDWR | O_CLOEXEC)
        guard source >= 0 else { return }
        defer { close(source) }
        let temporary = "\(previous).new"
        let target = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        // With a full disk the older half goes without replacement: the cap holds all the more.
        if target >= 0 {
            copy(from: source, at: information.st_size - half, to: target)
            close(target)
            rename(temporary, previous)
        }
        ftruncate(source, 0)
    }

    func remove() {
        unlink(path)
        unlink(previous)
    }

    /// The last `lines` lines, or everything, in pieces fit for a frame.
    func tail(
        _ lines: Int?, _ emit: ([UInt8]) async throws -> Void
    ) async throws -> Cursor {
        let older = open(previous, O_RDONLY | O_CLOEXEC)
        defer { if older >= 0 { close(older) } }
        var cursor = Cursor(path: path)
        guard let lines else {
            try await pieces(of: older, from: 0, emit)
            try await cursor.advance(emit)
            return cursor
        }
        let newer = open(path, O_RDONLY | O_CLOEXEC)
        defer { if newer >= 0 { close(newer) } }
        let recent = start(ofLast: lines, in: newer)
        if recent.missing > 0 {
            try await pieces(of: older, from: start(ofLast: recent.missing, in: older).offset, emit)
        }
        cursor.offset = recent.offset
        try await cursor.advance(emit)
        return cursor
    }

    /// A place in the newer half, from which a follower reads on.
    struct Cursor {
        let path: String
        fileprivate(set) var offset: off_t = 0

        fileprivate init(path: String) { self.path = path }

        /// Emits what is new. After a rotation the file is shorter than before and read anew.
        mutating func advance(_ emit: ([UInt8]) async throws -> Void) async throws {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return }
            defer { close(descriptor) }
            if size(descriptor) < offset { offset = 0 }
            offset = try await pieces(of: descriptor, from: offset, emit)
        }
    }

    /// Wakes whoever follows, each time the file changes. Stops with the last reference.
    final class Changes: Sendable {
        private let source: any DispatchSourceRead

        /// Nil where the kernel has no watch to give.
        init?(path: String, _ notify: @escaping @Sendable () -> Void) {
            let descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
            guard descriptor >= 0 else { return nil }
            guard inotify_add_watch(descriptor, path, UInt32(IN_MODIFY)) >= 0 else {
                close(descriptor)
                return nil
            }
            source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
            source.setEventHandler {
                var events = [UInt8](repeating: 0, count: 4096)
                while Glibc.read(descriptor, &events, events.count) > 0 {}
                notify()
            }
            source.setCancelHandler { close(descriptor) }
            source.activate()
        }

        deinit { source.cancel() }
    }
}

private let blockBytes = 64 * 1024

private func size(_ descriptor: Int32) -> off_t {
    var information = stat()
    return fstat(descriptor, &information) == 0 ? information.st_size : 0
}

private func copy(from source: Int32, at start: off_t, to target: Int32) {
    var offset = start
    var block = [UInt8](repeating: 0, count: blockBytes)
    while true {
        let count = pread(source, &block, block.count, offset)
        guard count > 0, write(target, block, count) == count else { return }
        offset += off_t(count)
    }
}

/// Emits a file from `start` to its end and returns where that was.
@discardableResult
private func pieces(
    of descriptor: Int32, from start: off_t, _ emit: ([UInt8]) async throws -> Void
) async throws -> off_t {
    guard descriptor >= 0 else { return start }
    var offset = start
    while true {
        var block = [UInt8](repeating: 0, count: StreamFrame.payloadMax)
        let count = pread(descriptor, &block, block.count, offset)
        guard count > 0 else { return offset }
        offset += off_t(count)
        block.removeLast(block.count - count)
        try await emit(block)
    }
}

/// Where the last `lines` lines of a file begin, and how many of them it does not have.
private func start(ofLast lines: Int, in descriptor: Int32) -> (offset: off_t, missing: Int) {
    guard descriptor >= 0 else { return (0, lines) }
    var end = size(descriptor)
    guard lines > 0 else { return (end, 0) }
    var missing = lines
    let last = end - 1
    var block = [UInt8](repeating: 0, count: blockBytes)
    while end > 0 {
        let begin = max(0, end - off_t(blockBytes))
        let count = pread(descriptor, &block, Int(end - begin), begin)
        guard count > 0 else { break }
        for index in stride(from: count - 1, through: 0, by: -1)
        where block[index] == UInt8(ascii: "\n") && begin + off_t(index) != last {
            missing -= 1
            if missing == 0 { return (begin + off_t(index) + 1, 0) }
        }
        end = begin
    }
    // The first line has no newline before it.
    return (0, size(descriptor) > 0 ? missing - 1 : missing)
}
