import AsyncHTTPClient
import Model
import NIOCore
import NIOHTTP1

extension SocketEngine {
    private static let retryFirst = Duration.seconds(1)
    private static let retryMax = Duration.seconds(10)

    package func watch(_ tell: @escaping @Sendable (EngineEvent) async -> Void) async {
        var told = ToldEvents(tell)
        var retry = SocketEngine.retryFirst
        while !Task.isCancelled {
            let before = monotonicNanoseconds()
            do {
                try await follow(&told)
            } catch {
                if Task.isCancelled { return }
                await told.unavailable(error)
            }
            let lasted = Duration.nanoseconds(monotonicNanoseconds() - before)
            retry = lasted > SocketEngine.retryMax ? SocketEngine.retryFirst : retry
            do { try await Task.sleep(for: retry) } catch { return }
            retry = min(retry * 2, SocketEngine.retryMax)
        }
    }

    /// Listens from one connection to its end, after telling what happened before it.
    private func follow(_ told: inout ToldEvents) async throws(EngineFailure) {
        let events = try await api.open(
            .GET, "/events",
            ["filters": filters(["label": [nodeLabel], "type": ["container"]])])
        guard events.status == .ok else {
            throw EngineFailure(
                .engineUnavailable,
                "the engine at \(api.socketPath) tells no events: status \(events.status.code)")
        }
        let containers = try await list()
        await told.available()
        for container in containers { await told.look(container) }
        var lines = Lines()
        do {
            for try await buffer in events.body {
                for line in try lines.take(Array(buffer: buffer)) {
                    guard let notice = lenient(EngineNotice.self, line), notice.action == "die"
                    else { continue }
                    if let container = try await exited(notice) { await told.look(container) }
                }
            }
        } catch let failure as EngineFailure {
            throw failure
        } catch {
            throw api.unreachable(error)
        }
    }

    /// What is known about a container that has just ended. The notice has the code before the
    /// engine's own record has it, and the container may be removed already.
    private func exited(_ notice: EngineNotice) async throws(EngineFailure) -> ObservedContainer? {
        let inspection = try await inspect(notice.actor.id)
        let attributes = notice.actor.attributes ?? [:]
        guard let identity = ContainerID.identity(inspection?.config.labels ?? attributes) else {
            return nil
        }
        let code =
            (attributes["exitCode"] ?? attributes["containerExitCode"]).flatMap { Int($0) }
            ?? inspection?.state.exitCode
        let outOfMemory = inspection.map { ranOutOfMemory($0, code: code) } ?? false
        return ObservedContainer(
            id: identity.id, edition: identity.edition, handle: notice.actor.id,
            state: .exited(Exit(code: code, outOfMemory: outOfMemory)),
            startedAt: inspection?.startedAt)
    }
}

/// What one watcher has been told, so that it hears each thing once while the engine stays.
private struct ToldEvents: Sendable {
    private static let exitsMax = 4096
    private let tell: @Sendable (EngineEvent) async -> Void
    private var isAvailable: Bool?
    private var exits: Set<String> = []

    init(_ tell: @escaping @Sendable (EngineEvent) async -> Void) { self.tell = tell }

    mutating func available() async {
        guard isAvailable != true else { return }
        isAvailable = true
        await tell(.available)
    }

    mutating func unavailable(_ failure: EngineFailure) async {
        guard isAvailable != false else { return }
        isAvailable = false
        await tell(.unavailable(failure))
    }

    mutating func look(_ container: ObservedContainer) async {
        guard case .exited(let exit) = container.state, !exits.contains(container.handle) else {
            return
        }
        if exits.count >= ToldEvents.exitsMax { exits = [] }
        exits.insert(container.handle)
        await tell(.exited(container.id, handle: container.handle, exit))
    }
}

/// Cuts a stream of bytes into lines.
private struct Lines {
    private static let lineMax = 1024 * 1024
    private var rest: [UInt8] = []

    mutating func take(_ bytes: [UInt8]) throws(EngineFailure) -> [[UInt8]] {
        rest += bytes
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        rest = Array(lines.removeLast())
        guard rest.count < Lines.lineMax else {
            throw EngineFailure(.engineUnavailable, "the engine sends events without an end")
        }
        return lines.map(Array.init)
    }
}
