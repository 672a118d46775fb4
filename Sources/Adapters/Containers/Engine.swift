package import Model

/// What runs containers on a node. Two kinds conform: a container engine behind a socket, and
/// supervised processes of the node itself.
///
/// An engine holds no intent. It does what it is asked, knows its own containers again after the
/// agent died, and never has two for one `ContainerID`.
package protocol Engine: Sendable {
    /// Name, version and what the engine cannot do here, in sentences.
    func status() async -> EngineStatus

    /// Every container of this node that carries Skerry's labels, running or exited.
    func list() async throws(EngineFailure) -> [ObservedContainer]

    /// Makes an image present on the node. Does nothing where it already is.
    func pull(_ image: String) async throws(EngineFailure)

    /// Starts a container, once: one that runs with the same id and edition is returned as it
    /// is, an exited one is removed first, and one of another edition is stopped first.
    func start(_ request: StartRequest) async throws(EngineFailure) -> ObservedContainer

    /// Asks the container to end, kills it after `grace`, and removes every trace of it. An absent
    /// container is no error.
    func stop(_ id: ContainerID, grace: Duration) async throws(EngineFailure)

    /// Carries one conversation: a log, or a command inside the container. Ends with `.exit`.
    ///
    /// When `output` throws, nobody listens: the command is killed and the call returns.
    func run(
        _ request: StreamRequest, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(EngineFailure)

    /// What each running container uses. Processor time is the mean since the last call, and since
    /// the start of the container the first time.
    func usage() async throws(EngineFailure) -> [ContainerID: Usage]

    /// Asks a container once whether it is well.
    func probe(_ id: ContainerID, _ target: ProbeTarget, timeout: Duration) async -> ProbeOutcome

    /// Tells what happens until the task is cancelled.
    ///
    /// `.available` comes first, and again after each outage, once the watch is in place: whoever
    /// lists then misses nothing. An exit is told at least once, so possibly again after an outage:
    /// its handle says which container it was.
    func watch(_ tell: @escaping @Sendable (EngineEvent) async -> Void) async
}

/// Something an engine noticed by itself.
package enum EngineEvent: Hashable, Sendable {
    case exited(ContainerID, handle: String, Exit)
    case unavailable(EngineFailure)
    case available
}

/// The labels and variables by which an engine knows its own containers again.
enum Label {
    static let node = "skerry.node"
    static let workload = "skerry.workload"
    static let ordinal = "skerry.ordinal"
    static let container = "skerry.container"
    static let generation = "skerry.generation"
    static let digest = "skerry.digest"
}

extension ContainerID {
    /// What the labels of a container name; nil where they are not all there.
    static func identity(_ labels: [String: String]) -> (id: ContainerID, edition: Edition)? {
        guard let workload = labels[Label.workload],
            let ordinal = labels[Label.ordinal].flatMap({ Int($0) }),
            let name = labels[Label.container],
            let generation = labels[Label.generation].flatMap({ UInt64($0) })
        else { return nil }
        let instance = InstanceID(workload: WorkloadID(workload), ordinal: ordinal)
        return (
            ContainerID(instance: instance, name: name),
            Edition(generation, digest: labels[Label.digest])
        )
    }

    /// Refuses names that could leave their directory or be read as two: they become parts of paths.
    func checkNames() throws(EngineFailure) {
        guard isDNSLabel(instance.workload.text), isDNSLabel(name), instance.ordinal >= 0 else {
            throw EngineFailure(
                .refused,
                "cannot use the container name '\(self)': workload and container names are "
                    + "1 to 63 lower-case letters, digits and hyphens")
        }
    }
}
