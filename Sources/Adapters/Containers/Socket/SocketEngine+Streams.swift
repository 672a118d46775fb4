import AsyncHTTPClient
import Glibc
package import Model
import NIOCore
import NIOHTTP1

extension SocketEngine {
    package nonisolated func run(
        _ request: StreamRequest, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(EngineFailure) {
        let container = try await only(request.container)
        switch request.purpose {
        case .logs(let options):
            try await readLog(container, options, output)
        case .exec(let options):
            try await execute(options, in: container, input: input, output: output)
        }
    }

    private func only(_ id: ContainerID) async throws(EngineFailure) -> Inspection {
        guard let container = try await inspections(labels(id)).first else {
            throw EngineFailure(.containerMissing, "there is no container '\(id)' on this node")
        }
        return container
    }

    // MARK: - Logs

    private nonisolated func readLog(
        _ container: Inspection, _ options: LogOptions,
        _ output: @Sendable (StreamFrame) async throws -> Void
    ) async throws(EngineFailure) {
        let query = [
            "stdout": "true", "stderr": "true", "follow": "\(options.follow)",
            "tail": options.tail.map { "\($0)" } ?? "all",
        ]
        let response = try await api.open(.GET, "/containers/\(container.id)/logs", query)
        guard response.status == .ok else {
            throw EngineFailure(
                .refused, "the engine gives no log: status \(response.status.code)")
        }
        var frames = MultiplexedFrames()
        var chunks = response.body.makeAsyncIterator()
        while true {
            let chunk: ByteBuffer?
            do { chunk = try await chunks.next() } catch { throw api.unreachable(error) }
            guard let chunk else { break }
            for frame in frames.take(chunk.readableBytesView) {
                // Whoever does not listen any more ends the conversation.
                do { try await output(frame) } catch { return }
            }
        }
        do { try await output(.exit(0)) } catch { return }
    }

    // MARK: - Commands

    private nonisolated func execute(
        _ options: ExecOptions, in container: Inspection, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(EngineFailure) {
        guard container.state.running else {
            throw EngineFailure(
                .refused, "the container does not run, so no command can run in it")
        }
        let answer = try await api.call(
            .POST, "/containers/\(container.id)/exec",
            body: CommandCreation(
                command: options.command, terminal: options.terminal != nil,
                input: options.hasInput))
        let id = (try api.decode(answer, "exec") as Created).id
        let conversation = Conversation(api: api, command: id, container: container.id)
        let isHeard = try await conversation.carry(
            terminal: options.terminal, hasInput: options.hasInput, input: input, output: output)
        guard isHeard else { return }
        let code = try await conversation.exitCode()
        do { try await output(.exit(code)) } catch { return }
    }
}
