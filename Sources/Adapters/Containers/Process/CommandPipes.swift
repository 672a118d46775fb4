import Glibc
import Model
import NIOCore
import NIOPosix

/// The standard streams of a command that somebody talks with: three pipes, or one terminal.
struct CommandPipes: Sendable {
    /// What the command gets. Closed here once it has started.
    let streams: Spawn.Streams
    private let near: Near

    private enum Near: Sendable {
        case pipes(input: Int32, output: Int32, error: Int32)
        case terminal(Int32)
    }

    init(terminal size: TerminalSize?) throws(EngineFailure) {
        if let size {
            let (master, path) = try openTerminal()
            streams = .terminal(path: path)
            near = .terminal(master)
            resize(size)
            return
        }
        var made: [Int32] = []
        for _ in 0..<3 {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else {
                for descriptor in made { close(descriptor) }
                throw EngineFailure(.engineUnavailable, "cannot open a pipe: \(systemError())")
            }
            ends.forEach(closeOnExec)
            made += ends
        }
        streams = .descriptors(input: made[0], output: made[3], error: made[5])
        near = .pipes(input: made[1], output: made[2], error: made[4])
    }

    func closeFarEnds() {
        guard case .descriptors(let input, let output, let error) = streams else { return }
        for descriptor in [input, output, error] { close(descriptor) }
    }

    func closeAll() {
        closeFarEnds()
        switch near {
        case .terminal(let master): close(master)
        case .pipes(let input, let output, let error):
            for descriptor in [input, output, error] { close(descriptor) }
        }
    }

    /// Carries frames both ways until the command has closed its outputs, and closes the near ends.
    /// False where nobody listened to the end.
    func carry(
        input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async -> Bool {
        do {
            switch near {
            case .terminal(let master):
                let other = fcntl(master, F_DUPFD_CLOEXEC, 3)
                let channel = try await open(input: master, output: other)
                try await exchange(channel, input: input) { try await output(.output($0)) }
            case .pipes(let write, let read, let readError):
                let main = try await open(input: read, output: write)
                let second = try await open(input: readError, output: nil)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await exchange(second, input: nil) {
                            try await output(.errorOutput($0))
                        }
                    }
                    try await exchange(main, input: input) { try await output(.output($0)) }
                    try await group.waitForAll()
                }
            }
            return true
        } catch {
            return false
        }
    }

    private typealias Channel = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private func open(input: Int32, output: Int32?) async throws -> Channel {
        let bootstrap = NIOPipeBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
        let wrap: @Sendable (any NIOCore.Channel) -> EventLoopFuture<Channel> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try Channel(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(isOutboundHalfClosureEnabled: true))
            }
        }
        guard let output else {
            return try await bootstrap.takingOwnershipOfDescriptor(
                input: input, channelInitializer: wrap)
        }
        return try await bootstrap.takingOwnershipOfDescriptors(
            input: input, output: output, channelInitializer: wrap)
    }

    private func exchange(
        _ channel: Channel, input: AsyncStream<StreamFrame>?,
        _ emit: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        try await channel.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                if let input {
                    group.addTask { await feed(input, to: outbound) }
                }
                try await drain(inbound, emit)
                group.cancelAll()
            }
        }
    }

    private func drain(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ emit: ([UInt8]) async throws -> Void
    ) async throws {
        var iterator = inbound.makeAsyncIterator()
        while let buffer = try await next(&iterator) {
            for piece in pieces(of: Array(buffer: buffer)) { try await emit(piece) }
        }
    }

    /// A terminal ends with EIO once the last program has closed it.
    private func next(
        _ iterator: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    ) async throws -> ByteBuffer? {
        do {
            return try await iterator.next()
        } catch let error as IOError where error.errnoCode == EIO {
            return nil
        }
    }

    private func feed(
        _ input: AsyncStream<StreamFrame>, to outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async {
        do {
            for await frame in input {
                switch frame {
                case .input(let bytes): try await outbound.write(ByteBuffer(bytes: bytes))
                case .resize(let size): resize(size)
                case .endOfInput:
                    if case .terminal = near {
                        try await outbound.write(ByteBuffer(bytes: [endOfTransmission]))
                    } else {
                        outbound.finish()
                    }
                case .output, .errorOutput, .exit, .failed, .missing: break
                }
            }
        } catch {
            // The command reads no more; what it still prints is carried on.
            return
        }
    }

    private func resize(_ size: TerminalSize) {
        guard case .terminal(let master) = near else { return }
        var window = winsize(
            ws_row: UInt16(clamping: size.rows), ws_col: UInt16(clamping: size.columns),
            ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &window)
    }
}

private let endOfTransmission: UInt8 = 4

/// Bytes in pieces fit for a frame.
func pieces(of bytes: [UInt8]) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: StreamFrame.payloadMax).map {
        Array(bytes[$0..<min($0 + StreamFrame.payloadMax, bytes.count)])
    }
}

private func openTerminal() throws(EngineFailure) -> (master: Int32, path: String) {
    var master: Int32 = -1
    var far: Int32 = -1
    var name = [CChar](repeating: 0, count: 128)
    guard openpty(&master, &far, &name, nil, nil) == 0 else {
        throw EngineFailure(.engineUnavailable, "cannot open a terminal: \(systemError())")
    }
    closeOnExec(master)
    // The command opens it by its path, which makes it the controlling one.
    close(far)
    let path = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return (master, String(decoding: path, as: UTF8.self))
}

private func closeOnExec(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
}
