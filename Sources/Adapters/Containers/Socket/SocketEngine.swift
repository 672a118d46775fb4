import FoundationEssentials
package import Model
import NIOCore
import NIOHTTP1

/// Runs workloads in a container engine that serves the Docker Engine API: Podman or Docker.
///
/// Containers are known by their labels and named after what they are, so the engine itself refuses
/// a second one of the same name.
package actor SocketEngine: Engine {
    let api: EngineAPI
    let node: NodeID
    private let turns = Turns()
    private var samples: [String: ProcessorSample] = [:]
    /// Which exited containers the kernel killed for want of memory, by handle: its log forgets.
    private var memoryKills: [String: Bool] = [:]

    package init(socketPath: String, node: NodeID) {
        api = EngineAPI(socketPath: socketPath)
        self.node = node
    }

    /// Whether an engine is there and talks.
    func answers() async -> Bool {
        do {
            return try await api.call(.GET, "/_ping", within: .seconds(2)).status == 200
        } catch {
            return false
        }
    }

    package func status() async -> EngineStatus {
        do {
            let version = try await api.get("/version", as: EngineVersion.self)
            let facts = try await api.get("/info", as: EngineFacts.self)
            var limitations: [String] = []
            if facts?.memoryLimit == false {
                limitations.append(
                    "memory limits are not enforced: the engine cannot set them here")
            }
            if facts?.processorQuota == false {
                limitations.append(
                    "processor limits are not enforced: the engine cannot set them here")
            }
            return EngineStatus(
                name: "engine", version: version?.text ?? "unknown", limitations: limitations)
        } catch {
            return EngineStatus(name: "engine", version: "unknown", limitations: [error.message])
        }
    }

    package func list() async throws(EngineFailure) -> [ObservedContainer] {
        let inspections = try await inspections([])
        let handles = Set(inspections.map(\.id))
        memoryKills = memoryKills.filter { handles.contains($0.key) }
        return inspections.compactMap(observe).sorted { $0.id < $1.id }
    }

    package func pull(_ image: String) async throws(EngineFailure) {
        if try await api.call(.GET, "/images/\(encoded(image))/json").status == 200 { return }
        let answer = try await api.call(
            .POST, "/images/create", ["fromImage": image], within: .seconds(1800))
        let progress = answer.body.split(separator: UInt8(ascii: "\n")).compactMap { line in
            lenient(PullProgress.self, Array(line))
        }
        let problem =
            progress.compactMap(\.error).last ?? (answer.status < 300 ? nil : answer.message)
        if let problem {
            throw EngineFailure(.imagePull, "cannot pull the image '\(image)': \(problem)")
        }
    }

    package func start(
        _ request: StartRequest
    ) async throws(EngineFailure) -> ObservedContainer {
        try request.id.checkNames()
        await turns.take(request.id)
        defer { turns.give(request.id) }
        if let running = try await makeRoom(request, try await inspections(labels(request.id))) {
            return running
        }
        let handle = try await create(request)
        try await launch(handle, request)
        guard let inspection = try await inspect(handle), let observed = observe(inspection) else {
            throw EngineFailure(
                .refused, "the container of '\(request.id)' was removed while it started")
        }
        return observed
    }

    package func stop(_ id: ContainerID, grace: Duration) async throws(EngineFailure) {
        await turns.take(id)
        defer { turns.give(id) }
        for inspection in try await inspections(labels(id)) {
            try await remove(inspection, grace: grace)
        }
    }

    package func usage() async throws(EngineFailure) -> [ContainerID: Usage] {
        var usage: [ContainerID: Usage] = [:]
        var next: [String: ProcessorSample] = [:]
        for inspection in try await inspections([]) where inspection.isRunning {
            guard let identity = inspection.identity,
                let statistics = try await api.get(
                    "/containers/\(inspection.id)/stats",
                    ["stream": "false", "one-shot": "true"], as: Statistics.self)
            else { continue }
            let now = monotonicNanoseconds()
            let wall = wallTime()
            let sample = ProcessorSample(
                at: now, nanoseconds: statistics.processor.use.nanoseconds)
            let earlier =
                samples[inspection.id]
                ?? ProcessorSample.start(inspection.startedAt, now: now, wall: wall)
            next[inspection.id] = sample
            usage[identity.id] = Usage(
                cpu: sample.share(since: earlier), memory: ByteCount(statistics.memoryBytes),
                observedAt: wall)
        }
        samples = next
        return usage
    }

    // MARK: - One container

    /// How long a container of another edition may take to make room.
    private static let replacementGrace = Duration.seconds(10)

    /// Removes what stands in the way of a start; returns what already is what was asked for.
    private func makeRoom(
        _ request: StartRequest, _ inspections: [Inspection]
    ) async throws(EngineFailure) -> ObservedContainer? {
        for inspection in inspections {
            if inspection.isRunning, inspection.identity?.edition.matches(request.edition) == true {
                return observe(inspection)
            }
            try await remove(inspection, grace: SocketEngine.replacementGrace)
        }
        return nil
    }

    private func create(_ request: StartRequest) async throws(EngineFailure) -> String {
        guard let image = request.spec.image else {
            throw EngineFailure(
                .refused,
                "'\(request.id)' names no image: give the container one, or let this node run "
                    + "processes (engine: process)")
        }
        var answer = try await api.call(
            .POST, "/containers/create", ["name": name(request.id)],
            body: creation(request, image: image))
        if answer.status == 404 {
            throw EngineFailure(
                .imageMissing, "the image '\(image)' is not on this node: \(answer.message)")
        }
        // Podman 4 answers 500 where Docker answers 409.
        if answer.status == 409 || answer.status == 500 && answer.message.contains("in use") {
            try await makeRoomForName(request)
            answer = try await api.call(
                .POST, "/containers/create", ["name": name(request.id)],
                body: creation(request, image: image))
        }
        return (try api.decode(answer, "/containers/create") as Created).id
    }

    /// Removes our own container that has the name and not all labels, such as one that an older
    /// agent made. One that is not ours stays.
    private func makeRoomForName(_ request: StartRequest) async throws(EngineFailure) {
        guard let holder = try await inspect(name(request.id)) else { return }
        guard holder.config.labels?[Label.node] == node.text else {
            throw EngineFailure(
                .refused,
                "the engine has a container named \(name(request.id)) that is not Skerry's; "
                    + "rename or remove it")
        }
        try await remove(holder, grace: SocketEngine.replacementGrace)
    }

    private func creation(_ request: StartRequest, image: String) -> Creation {
        let spec = request.spec
        var names = [
            Label.node: node.text, Label.workload: request.id.instance.workload.text,
            Label.ordinal: "\(request.id.instance.ordinal)", Label.container: request.id.name,
            Label.generation: "\(request.edition.generation)",
        ]
        names[Label.digest] = request.edition.digest
        return Creation(
            image: image,
            // The command takes the place of the image's entry point and its arguments.
            entrypoint: spec.command.isEmpty ? nil : spec.command,
            env: request.env.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" },
            labels: names, workingDirectory: spec.workingDirectory,
            host: Creation.Host(
                binds: spec.mounts.map {
                    "\($0.source):\($0.target)\($0.readOnly ? ":ro" : "")"
                },
                memory: spec.resources.memory?.bytes,
                nanoCpus: spec.resources.cpu.map { Int64($0.millicores) * 1_000_000 }))
    }

    private func launch(_ handle: String, _ request: StartRequest) async throws(EngineFailure) {
        let answer = try await api.call(.POST, "/containers/\(handle)/start")
        guard answer.status >= 400 else { return }
        // It would only be mistaken for one that ran.
        _ = try await api.call(.DELETE, "/containers/\(handle)", ["force": "true", "v": "true"])
        let isCommand = ["executable file not found", "no such file or directory"]
            .contains { answer.message.contains($0) && answer.message.contains("exec") }
        throw EngineFailure(
            isCommand ? .commandMissing : .refused,
            "cannot start '\(request.id)': \(answer.message)")
    }

    private func remove(_ inspection: Inspection, grace: Duration) async throws(EngineFailure) {
        let path = "/containers/\(inspection.id)"
        if inspection.isRunning {
            let seconds = (max(.zero, grace).nanoseconds + 999_999_999) / 1_000_000_000
            let answer = try await api.call(
                .POST, "\(path)/stop", ["t": "\(seconds)"],
                within: .seconds(seconds) + EngineAPI.patience)
            guard answer.status < 400 || answer.isAbsent else {
                throw EngineFailure(
                    .refused, "cannot stop the container \(inspection.id): \(answer.message)")
            }
        }
        let answer = try await api.call(.DELETE, path, ["force": "true", "v": "true"])
        guard answer.status < 400 || answer.isAbsent else {
            throw EngineFailure(
                .refused, "cannot remove the container \(inspection.id): \(answer.message)")
        }
    }

    // MARK: - Finding them again

    func inspect(_ handle: String) async throws(EngineFailure) -> Inspection? {
        try await api.get("/containers/\(handle)/json", as: Inspection.self)
    }

    /// The containers of this node that carry all these labels too, running or not.
    func inspections(_ labels: [String]) async throws(EngineFailure) -> [Inspection] {
        let found: [Created]? = try await api.get(
            "/containers/json",
            ["all": "true", "filters": filters(["label": [nodeLabel] + labels])],
            as: [Created].self)
        var inspections: [Inspection] = []
        for item in found ?? [] {
            if let inspection = try await inspect(item.id) { inspections.append(inspection) }
        }
        return inspections
    }

    func labels(_ id: ContainerID) -> [String] {
        [
            "\(Label.workload)=\(id.instance.workload)", "\(Label.ordinal)=\(id.instance.ordinal)",
            "\(Label.container)=\(id.name)",
        ]
    }

    var nodeLabel: String { "\(Label.node)=\(node)" }

    private func name(_ id: ContainerID) -> String { "skerry-\(node)-\(id.instance)-\(id.name)" }

    /// Nil for a container whose labels are not all there.
    func observe(_ inspection: Inspection) -> ObservedContainer? {
        guard let identity = inspection.identity else { return nil }
        return ObservedContainer(
            id: identity.id, edition: identity.edition, handle: inspection.id,
            state: inspection.isRunning ? .running : .exited(exit(inspection)),
            startedAt: inspection.startedAt)
    }

    private func exit(_ inspection: Inspection) -> Exit {
        // Made, but never started: nobody knows how that would have ended.
        guard inspection.state.status != "created" else { return Exit(code: nil) }
        let code = inspection.state.exitCode
        return Exit(code: code, outOfMemory: ranOutOfMemory(inspection, code: code))
    }

    func ranOutOfMemory(_ inspection: Inspection, code: Int?) -> Bool {
        if inspection.state.outOfMemory == true { return true }
        guard code == 137, (inspection.host?.memory ?? 0) > 0 else {
            return false
        }
        if let known = memoryKills[inspection.id] { return known }
        let killed = KernelLog.tellsOfMemoryKill(in: inspection.id)
        memoryKills[inspection.id] = killed
        return killed
    }
}

/// The `filters` of a query: JSON with keys in a fixed order.
func filters(_ filters: [String: [String]]) -> String {
    let parts = filters.sorted { $0.key < $1.key }.map { key, values in
        let list = values.map { "\"\($0)\"" }.joined(separator: ",")
        return "\"\(key)\":[\(list)]"
    }
    return "{\(parts.joined(separator: ","))}"
}

/// Reads one line of a stream; nil for a line of a kind that is not known here.
func lenient<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
    do {
        return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
        return nil
    }
}
