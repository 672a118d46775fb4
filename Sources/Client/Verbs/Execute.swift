import Foundation
import Model
import Synchronization

/// Runs a command in a container: `exec -it INSTANCE -- CMD`.
package struct Execute: Sendable {
    private let instance: String
    private let container: String?
    private let command: [String]
    private let sendsInput: Bool
    private let wantsTerminal: Bool

    package init(
        _ word: String, container: String?, command: [String], sendsInput: Bool, terminal: Bool
    ) throws(Failure) {
        let target = try Target.objects([word.contains("/") ? word : "instance/\(word)"])[0]
        guard target.kind == .instance else {
            throw Failure(.usage, "a command runs in an instance, not in a \(target.kind.word)")
        }
        guard !command.isEmpty else {
            throw Failure(.usage, "say what to run: exec \(word) -- COMMAND")
        }
        instance = target.name
        self.container = container
        self.command = command
        self.sendsInput = sendsInput
        wantsTerminal = terminal
    }

    /// - Returns: the exit code of the command.
    package func run(in session: Session, input: Int32 = STDIN_FILENO) async throws -> Int {
        let place = try await session.instance(instance).status
        let name = try await session.container(container, of: place)
        let isInteractive = wantsTerminal && sendsInput && isatty(input) == 1
        if wantsTerminal, !isInteractive {
            try session.console.remark("no terminal on standard input, so none at the other end")
        }
        let size = isInteractive ? Terminal.size(of: input) : nil
        let request = StreamRequest(
            container: ContainerID(instance: place.id, name: name),
            purpose: .exec(
                ExecOptions(
                    command: command,
                    terminal: isInteractive ? size ?? TerminalSize(columns: 80, rows: 24) : nil,
                    hasInput: sendsInput)))
        guard isInteractive else {
            return try await converse(request, on: place.node, in: session, input: input)
        }
        return try await converseRaw(request, on: place.node, in: session, input: input)
    }

    private func converse(
        _ request: StreamRequest, on node: NodeID, in session: Session, input: Int32
    ) async throws -> Int {
        let page = ExecutionPage(console: session.console, isRaw: false)
        return try await session.connection.stream(request, on: node) { sender in
            if sendsInput { try await Execute.pass(input, to: sender) }
            try await sender.send(.endOfInput)
            try await sender.finish()
        } receiving: { frame in
            try page.show(frame)
        }
    }

    /// Every way out of this function, signals included, gives the terminal back.
    private func converseRaw(
        _ request: StreamRequest, on node: NodeID, in session: Session, input: Int32
    ) async throws -> Int {
        let signals = Signals([SIGWINCH, SIGTERM, SIGHUP, SIGINT])
        let numbers = signals.numbers
        guard let terminal = Terminal(takingRaw: input) else {
            throw Failure(.failed, "the terminal cannot be switched to raw mode")
        }
        let page = ExecutionPage(console: session.console, isRaw: true)
        let code = try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                try await session.connection.stream(request, on: node) { sender in
                    try await Execute.talk(input, numbers, to: sender)
                } receiving: { frame in
                    try page.show(frame)
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? 1
        }
        _ = consume terminal
        _ = consume signals
        return code
    }

    private static func talk(
        _ input: Int32, _ signals: AsyncStream<Int32>, to sender: FrameSender
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await pass(input, to: sender)
                try await sender.send(.endOfInput)
            }
            for await number in signals {
                guard number == SIGWINCH else {
                    throw Failure(.failed, "ended by signal \(number)")
                }
                if let size = Terminal.size(of: input) { try await sender.send(.resize(size)) }
            }
            try await group.waitForAll()
        }
    }

    private static func pass(_ input: Int32, to sender: FrameSender) async throws {
        let pieces = try InputPieces(input)
        while let piece = await pieces.next(bytesMax: StreamFrame.payloadMax) {
            try await sender.send(.input(piece))
        }
    }
}

/// Shows what a command writes: as it is to its own terminal and to programs, made visible to a
/// terminal that it was not given.
private final class ExecutionPage: Sendable {
    private let console: Console
    private let isRaw: Bool
    private let texts = Mutex((output: StreamText(), errorOutput: StreamText()))

    init(console: Console, isRaw: Bool) {
        self.console = console
        self.isRaw = isRaw
    }

    func show(_ frame: StreamFrame) throws {
        switch frame {
        case .output(let bytes):
            let text =
                isRaw || !console.isTerminal
                ? bytes : texts.withLock { Array($0.output.append(bytes).utf8) }
            try console.write(text, to: console.output)
        case .errorOutput(let bytes):
            let text =
                isRaw || !console.isErrorTerminal
                ? bytes : texts.withLock { Array($0.errorOutput.append(bytes).utf8) }
            try console.write(text, to: console.errorOutput)
        default: break  // The other types are never sent in this direction.
        }
    }
}
