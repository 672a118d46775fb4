import FoundationEssentials
import Glibc
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// One command inside a container, and the connection on which its streams travel.
///
/// The engine turns the connection of `POST /exec/ID/start` into a plain stream in both directions,
/// which an HTTP client cannot follow; so this speaks to the socket itself.
struct Conversation: Sendable {
    private typealias Channel = NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private typealias Inbound = NIOAsyncChannelInboundStream<ByteBuffer>
    private typealias Outbound = NIOAsyncChannelOutboundWriter<ByteBuffer>

    private static let headMax = 64 * 1024

    let api: EngineAPI
    /// The engine's handles.
    let command: String
    let container: String
    private let process = RunningCommand()

    init(api: EngineAPI, command: String, container: String) {
        self.api = api
        self.command = command
        self.container = container
    }

    /// Carries both directions until the command ends. False where nobody listened to the end.
    func carry(
        terminal: TerminalSize?, hasInput: Bool, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(EngineFailure) -> Bool {
        do {
            let channel = try await connect()
            return try await withTaskCancellationHandler {
                try await channel.executeThenClose { inbound, outbound in
                    try await converse(
                        inbound, outbound, terminal: terminal, hasInput: hasInput, input: input,
                        output: output)
                }
            } onCancel: {
                process.kill()
            }
        } catch let failure as EngineFailure {
            throw failure
        } catch {
            if Task.isCancelled { return false }
            throw api.unreachable(error)
        }
    }

    /// How the command ended. The engine closes the stream a moment before it notes the code.
    func exitCode() async throws(EngineFailure) -> Int {
        for _ in 0..<250 {
            let state = try await state()
            if let code = state?.exitCode, state?.running == false { return code }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
        }
        throw EngineFailure(
            .engineUnavailable, "the engine at \(api.socketPath) does not say how the command ended"
        )
    }

    private func state() async throws(EngineFailure) -> CommandState? {
        try await api.get("/exec/\(command)/json", as: CommandState.self)
    }

    // MARK: - The connection

    private func connect() async throws -> Channel {
        try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(5))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(unixDomainSocketPath: api.socketPath) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Channel(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
    }

    private func converse(
        _ inbound: Inbound, _ outbound: Outbound, terminal: TerminalSize?, hasInput: Bool,
        input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws -> Bool {
        try await outbound.write(try startRequest(terminal: terminal != nil))
        var chunks = inbound.makeAsyncIterator()
        let first = try await head(&chunks)
        await hold()
        if let terminal { await resize(terminal) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await feed(input, to: outbound, terminal: terminal != nil, hasInput: hasInput)
            }
            if terminal != nil { group.addTask { try await repeatSize() } }
            defer { group.cancelAll() }
            var frames = MultiplexedFrames()
            var chunk: [UInt8]? = first
            while let bytes = chunk {
                let pieces =
                    terminal == nil
                    ? frames.take(bytes) : pieces(of: bytes).map(StreamFrame.output)
                for piece in pieces {
                    do {
                        try await output(piece)
                    } catch {
                        process.kill()
                        return false
                    }
                }
                chunk = try await chunks.next().map { Array(buffer: $0) }
            }
            return !Task.isCancelled
        }
    }

    private func startRequest(terminal: Bool) throws -> ByteBuffer {
        let body = try JSONEncoder().encode(CommandStart(terminal: terminal))
        var buffer = ByteBuffer(
            string: "POST /exec/\(command)/start HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                + "Content-Length: \(body.count)\r\n\r\n")
        buffer.writeBytes(body)
        return buffer
    }

    /// Reads the head of the answer and returns what came behind it: the beginning of the stream.
    private func head(_ chunks: inout Inbound.AsyncIterator) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while bytes.count < Conversation.headMax, let chunk = try await chunks.next() {
            bytes += Array(buffer: chunk)
            guard let range = bytes.firstRange(of: end) else { continue }
            let status = String(decoding: bytes.prefix { $0 != 13 }, as: UTF8.self)
            let words = status.split(separator: " ")
            guard words.count > 1, words[1] == "101" || words[1] == "200" else {
                let text = String(decoding: bytes[range.upperBound...], as: UTF8.self)
                throw EngineFailure(.refused, "cannot run the command: \(status) \(text)")
            }
            return Array(bytes[range.upperBound...])
        }
        throw EngineFailure(
            .engineUnavailable, "the engine at \(api.socketPath) closed the stream of the command")
    }

    private func feed(
        _ input: AsyncStream<StreamFrame>, to outbound: Outbound, terminal: Bool, hasInput: Bool
    ) async {
        do {
            if !hasInput && !terminal { outbound.finish() }
            for await frame in input {
                switch frame {
                case .input(let bytes): try await outbound.write(ByteBuffer(bytes: bytes))
                case .resize(let size): await resize(size)
                case .endOfInput:
                    if terminal {
                        try await outbound.write(ByteBuffer(bytes: [4]))
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

    /// A terminal of the wrong size is no reason to end a conversation, so a refusal is not passed
    /// on. Podman refuses in the first moments of a command, which are seconds on a busy machine.
    private func resize(_ size: TerminalSize) async {
        process.size.withLock { $0 = size }
        await send(size)
    }

    /// Podman also says yes in these moments and then loses the size, so it is said again.
    private func repeatSize() async throws {
        for pause in [Duration.milliseconds(500), .seconds(3)] {
            try await Task.sleep(for: pause)
            if let size = process.size.withLock(\.self) { await send(size) }
        }
    }

    private func send(_ size: TerminalSize) async {
        for attempt in 0..<250 {
            do {
                let answer = try await api.call(
                    .POST, "/exec/\(command)/resize",
                    ["h": "\(size.rows)", "w": "\(size.columns)"])
                if answer.status < 300 { return }
                if attempt >= 20, try await state()?.running == false { return }
                try await Task.sleep(for: .milliseconds(20))
            } catch {
                return
            }
        }
    }

    /// Takes hold of the command's process: the API has no way to end one, and closing the
    /// connection leaves it running.
    private func hold() async {
        do {
            guard let pid = try await state()?.pid, pid > 0 else { return }
            process.hold(pid_t(pid), in: container)
        } catch {
            // Without a hold it cannot be cut short, only waited for.
            return
        }
    }
}

/// The process of a command in a container, as far as it can be named from here.
private final class RunningCommand: Sendable {
    private struct State {
        var process: ProcessHandle?
        var isKilled = false
    }
    private let state = Mutex(State())
    /// The size that the person's terminal has.
    let size = Mutex<TerminalSize?>(nil)

    /// Holds only a process of that container: in another process namespace the engine's number
    /// would name a stranger.
    func hold(_ pid: pid_t, in container: String) {
        guard let process = ProcessHandle(pid: pid),
            let groups = read("/proc/\(pid)/cgroup"),
            String(decoding: groups, as: UTF8.self).contains(container)
        else { return }
        let isKilled = state.withLock { state in
            state.process = process
            return state.isKilled
        }
        if isKilled { kill() }
    }

    func kill() {
        let process = state.withLock { state in
            state.isKilled = true
            return state.process
        }
        if let process, !process.hasExited { Glibc.kill(process.pid, SIGKILL) }
    }
}
