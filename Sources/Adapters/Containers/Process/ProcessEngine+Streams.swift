import Glibc
package import Model

extension ProcessEngine {
    package nonisolated func run(
        _ request: StreamRequest, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(EngineFailure) {
        let entry = try await hold(request.container)
        switch request.purpose {
        case .logs(let options):
            await readLog(entry, options, output)
        case .exec(let options):
            try await execute(options, in: entry, input: input, output: output)
        }
    }

    // MARK: - Logs

    private nonisolated func readLog(
        _ entry: Entry, _ options: LogOptions,
        _ output: @Sendable (StreamFrame) async throws -> Void
    ) async {
        let log = records.log(of: entry.record.id)
        let (wakes, wake) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        // In place before the first byte is read, so that nothing is printed unseen in between.
        let changes = options.follow ? LogFile.Changes(path: log.path) { wake.yield() } : nil
        let notice = entry.process.map { ExitNotice($0) { wake.yield() } }
        defer { withExtendedLifetime((changes, notice)) {} }
        do {
            var cursor = try await log.tail(options.tail) { try await output(.output($0)) }
            if options.follow, let process = entry.process {
                wake.yield()
                for await _ in wakes {
                    // Asked first: what it printed before its end is then read for certain.
                    let isOver = process.hasExited
                    try await cursor.advance { try await output(.output($0)) }
                    if isOver { break }
                }
            }
            try await output(.exit(0))
        } catch {
            // Nobody listens any more, which ends a conversation as well as anything.
            return
        }
    }

    // MARK: - Commands

    private nonisolated func execute(
        _ options: ExecOptions, in entry: Entry, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(EngineFailure) {
        guard let main = entry.process, !main.hasExited else {
            throw EngineFailure(
                .refused, "'\(entry.record.id)' does not run, so no command can run in it")
        }
        let pipes = try CommandPipes(terminal: options.terminal)
        let command: ProcessHandle
        do {
            command = try await start(options, in: entry, of: main, with: pipes)
        } catch {
            pipes.closeAll()
            throw error
        }
        let code = await withTaskCancellationHandler {
            await converse(command, pipes, input: input, output: output)
        } onCancel: {
            command.signalGroup(SIGKILL)
        }
        guard let code else { return }
        do {
            try await output(.exit(code))
        } catch {
            return
        }
    }

    private nonisolated func start(
        _ options: ExecOptions, in entry: Entry, of main: ProcessHandle, with pipes: CommandPipes
    ) async throws(EngineFailure) -> ProcessHandle {
        let directory = entry.record.workingDirectory ?? "/"
        var environment: [String: String] = [:]
        for variable in await variables(of: main) {
            guard let equals = variable.firstIndex(of: "=") else { continue }
            environment[String(variable[..<equals])] = String(
                variable[variable.index(after: equals)...])
        }
        // It belongs to the container, but must never be taken for it.
        environment[Mark.container] = nil
        environment[Mark.command] = name(entry.record.id)
        if options.terminal != nil { environment["TERM"] = environment["TERM"] ?? "xterm" }
        let path = environment["PATH"]?.split(separator: ":").map(String.init) ?? searchPath
        let spawn = Spawn(
            program: try program(of: options.command, in: path, directory: directory),
            arguments: Array(options.command.dropFirst()), environment: environment,
            directory: directory, streams: pipes.streams,
            groups: groups.group(entry.record.id)?.memberFiles ?? [])
        let pid = try spawn()
        pipes.closeFarEnds()
        guard let command = ProcessHandle(pid: pid) else {
            kill(-pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            throw EngineFailure(
                .engineUnavailable, "cannot supervise the command: \(systemError())")
        }
        return command
    }

    /// The variables of a container's process. One that is just becoming its program has none for a
    /// moment: `posix_spawn` returns before the kernel has set up the new stack.
    private nonisolated func variables(of main: ProcessHandle) async -> [String] {
        for _ in 0..<100 {
            let variables = ProcessTable.environment(main.pid)
            if !variables.isEmpty { return variables }
            if await main.exited(within: .milliseconds(10)) { break }
        }
        return []
    }

    /// Carries both directions until the command and all that it left behind have ended. Nil where
    /// nobody listened to the end.
    private nonisolated func converse(
        _ command: ProcessHandle, _ pipes: CommandPipes, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async -> Int? {
        let isHeard = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await pipes.carry(input: input, output: output) }
            group.addTask {
                while await !command.exited(within: .seconds(3600)) {}
                // Whoever still holds the pipe would keep the conversation open for ever.
                command.signalGroup(SIGKILL)
                return true
            }
            var isHeard = true
            for await result in group where !result {
                isHeard = false
                command.signalGroup(SIGKILL)
            }
            return isHeard
        }
        let code = command.collect()
        return isHeard ? code : nil
    }
}
