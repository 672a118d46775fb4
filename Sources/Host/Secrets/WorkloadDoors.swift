import Containers
import Management
import Model
import Synchronization

/// The sockets on which containers ask who they are, one each, opened and closed as they come and go.
///
/// A container is shown its own and no other, so nobody has to prove who asks.
final class WorkloadDoors: Sendable {
    /// Something that happens once, and is waited for by one.
    private struct Turn: Sendable {
        private let stream: AsyncStream<Never>
        private let end: AsyncStream<Never>.Continuation

        init() { (stream, end) = AsyncStream.makeStream(of: Never.self) }

        func take() { end.finish() }
        func wait() async { for await _ in stream {} }
    }

    private struct Door: Sendable {
        let id: ContainerID
        let serial: Int
        let path: String
        let isOpen = Turn()
        let isUnwanted = Turn()
        let isGone = Turn()
        /// What was at the same place before, and perhaps still is.
        let former: Turn?
        var isClosing = false
    }

    private struct State {
        var doors: [ContainerID: Door] = [:]
        var last = 0
    }

    private let state = Mutex(State())
    private let orders: AsyncStream<Door>
    private let sink: AsyncStream<Door>.Continuation
    private let mode: UInt32
    private let log: @Sendable (String) -> Void

    /// - Parameter isShared: whether what is started sees the node's own files. Otherwise a container
    ///   engine shows it the socket, and its user is whoever the image says; outside, only the agent's
    ///   user comes that far.
    init(isShared: Bool, log: @escaping @Sendable (String) -> Void) {
        mode = isShared ? 0o600 : 0o666
        self.log = log
        (orders, sink) = AsyncStream.makeStream()
    }

    /// Opens the socket of a container and waits until it can be asked, or never will be. Does nothing
    /// where it is open.
    func open(_ id: ContainerID, at path: String) async {
        let door = state.withLock { state -> Door? in
            let former = state.doors[id]
            if let former, !former.isClosing { return nil }
            state.last += 1
            let door = Door(id: id, serial: state.last, path: path, former: former?.isGone)
            state.doors[id] = door
            return door
        }
        guard let door else { return }
        sink.yield(door)
        await door.isOpen.wait()
    }

    func close(_ id: ContainerID) {
        state.withLock { state in
            state.doors[id]?.isClosing = true
            state.doors[id]?.isUnwanted.take()
        }
    }

    /// Answers at all of them, until the task is cancelled.
    func answer(
        backend: any ManagementBackend,
        _ source: @escaping @Sendable (ContainerID) throws(Refusal) -> WorkloadCredential
    ) async {
        await withDiscardingTaskGroup { group in
            for await door in orders {
                group.addTask { [self] in
                    await door.former?.wait()
                    await serve(door, backend) { () throws(Refusal) in try source(door.id) }
                    state.withLock { state in
                        if state.doors[door.id]?.serial == door.serial {
                            state.doors.removeValue(forKey: door.id)
                        }
                    }
                    door.isOpen.take()
                    door.isGone.take()
                }
            }
            group.cancelAll()
        }
    }

    private func serve(
        _ door: Door, _ backend: any ManagementBackend, _ source: @escaping IdentitySource
    ) async {
        let server = ManagementServer(
            backend: backend, listener: .unixSocket(path: door.path, mode: mode),
            limits: .workload, surface: .workload(source))
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run { _ in door.isOpen.take() } }
                group.addTask { await door.isUnwanted.wait() }
                try await group.next()
                group.cancelAll()
            }
        } catch {
            log("\(door.id) cannot ask on a socket who it is, and has its files alone: \(error)")
        }
    }
}
