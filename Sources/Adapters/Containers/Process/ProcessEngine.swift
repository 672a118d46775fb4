import Glibc
package import Model

/// Runs workloads as supervised processes of the node: for nodes without a container engine.
///
/// Processes outlive the agent. Each carries its container in its environment and, once started,
/// has a record on disk; an agent that was killed at any point finds it by the one or the other and
/// never starts a second one. There is one engine per directory.
package actor ProcessEngine: Engine {
    /// A container's record, with the hold on its process while it runs.
    struct Entry {
        var record: ProcessRecord
        var process: ProcessHandle?
        var notice: ExitNotice?
    }

    let node: NodeID
    let searchPath: [String]
    let records: RecordDirectory
    let groups: ControlGroups
    let logCap: Int
    let bootID = ProcessTable.bootID()
    private let watchers = Watchers()
    private let turns = Turns()
    var entries: [ContainerID: Entry] = [:]
    private var samples: [String: ProcessorSample] = [:]
    var isLoaded = false
    /// Why the last record could not be written, while that is so.
    private var recordFailure: String?

    /// `logCap` is in bytes, for each container. Makes `directory`, whose parent must exist.
    package init(
        directory: String, node: NodeID, searchPath: [String] = [], logCap: Int = 4 * 1024 * 1024
    ) throws(EngineFailure) {
        precondition(logCap >= 4096, "a log that holds no line is none")
        self.node = node
        self.searchPath = searchPath + Spawn.standardPath
        self.logCap = logCap
        records = try RecordDirectory(directory)
        // Two engines may serve nodes of one name, such as two demonstrations on one machine.
        groups = ControlGroups(name: "\(node)-\(shortHash(records.path))")
        groups.removeIfEmpty()
    }

    package func status() -> EngineStatus {
        var system = utsname()
        uname(&system)
        let release = withUnsafePointer(to: &system.release) {
            $0.withMemoryRebound(to: CChar.self, capacity: 65) { String(cString: $0) }
        }
        return EngineStatus(
            name: "process", version: "Linux \(release)",
            limitations: [
                "workloads are not isolated: they see the files and processes of the node",
                "images are not run: a workload needs a command that is installed on the node",
                "mounts work only where source and target are the same path",
            ] + groups.limitations + [recordFailure].compactMap(\.self))
    }

    package func list() -> [ObservedContainer] {
        load()
        scan()
        settle()
        return entries.values.map(\.record.observed).sorted { $0.id < $1.id }
    }

    package nonisolated func pull(_ image: String) throws(EngineFailure) {
        throw imageRefused(image)
    }

    package func start(_ request: StartRequest) async throws(EngineFailure) -> ObservedContainer {
        try request.id.checkNames()
        await turns.take(request.id)
        defer { turns.give(request.id) }
        load()
        settle()
        if let entry = entries[request.id], entry.process != nil,
            entry.record.edition.matches(request.edition)
        {
            return entry.record.observed
        }
        let spawn = try plan(request)
        try await end(request.id, grace: ProcessEngine.replacementGrace)
        // Before the next one starts: a record and an unrecorded process are then never of two
        // different starts.
        forget(request.id)
        return try supervise(spawn, request)
    }

    package func stop(_ id: ContainerID, grace: Duration) async throws(EngineFailure) {
        await turns.take(id)
        defer { turns.give(id) }
        load()
        guard entries[id] != nil else { return }
        try await end(id, grace: grace)
        await drain(id)
        forget(id)
        records.log(of: id).remove()
        if entries.isEmpty { groups.removeIfEmpty() }
    }

    package func usage() -> [ContainerID: Usage] {
        load()
        settle()
        let now = monotonicNanoseconds()
        var usage: [ContainerID: Usage] = [:]
        var next: [String: ProcessorSample] = [:]
        let running = entries.values.filter { $0.process != nil }
        let sessions = running.isEmpty ? [:] : ProcessTable.sessions()
        for entry in running {
            let members = sessions[entry.record.pid] ?? []
            let sample = ProcessorSample(
                at: now,
                nanoseconds: members.reduce(0) { $0 + Int64($1.cpuTicks) } * 1_000_000_000
                    / ProcessTable.ticksPerSecond)
            let earlier =
                samples[entry.record.handle]
                ?? ProcessorSample.start(entry.record.startedAt, now: now, wall: wallTime())
            next[entry.record.handle] = sample
            let resident = members.reduce(0) { $0 + $1.residentBytes }
            let charged = groups.group(entry.record.id)?.memoryBytes ?? 0
            usage[entry.record.id] = Usage(
                cpu: sample.share(since: earlier),
                // The kernel charges a group in batches: to a small one, nothing yet.
                memory: ByteCount(charged > 0 ? charged : resident),
                observedAt: wallTime())
        }
        samples = next
        return usage
    }

    package func watch(_ tell: @escaping @Sendable (EngineEvent) async -> Void) async {
        let watcher = watchers.add()
        defer { watchers.remove(watcher) }
        load()
        await tell(.available)
        for entry in entries.values {
            if let exit = entry.record.exit {
                await tell(.exited(entry.record.id, handle: entry.record.handle, exit))
            }
        }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.tick(watcher) }
            for await signal in watcher.signals {
                switch signal {
                case .settle: settle()
                case .rotate: rotateLogs()
                case .event(let event): await tell(event)
                }
            }
            group.cancelAll()
        }
    }

    // MARK: - One process

    /// How long a container of another edition may take to make room.
    private static let replacementGrace = Duration.seconds(10)
    /// How long the kernel may take to end a killed process: it may wait for a disk.
    private static let killGrace = Duration.seconds(10)

    private func supervise(
        _ spawn: Spawn, _ request: StartRequest
    ) throws(EngineFailure) -> ObservedContainer {
        groups.ensure()
        let group = groups.group(request.id)
        try group?.create(request.spec.resources)
        records.log(of: request.id).rotate(cap: logCap)
        let pid = try spawn()
        guard let entry = ProcessTable.entry(pid), let process = ProcessHandle(pid: pid) else {
            // Our own child cannot vanish before it is collected; without descriptors we cannot
            // hold it, and what is not held is not run.
            kill(-pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            throw EngineFailure(
                .engineUnavailable,
                "cannot supervise '\(request.id)': \(systemError()); "
                    + "raise the agent's limit of open files")
        }
        let record = ProcessRecord(
            id: request.id, generation: request.edition.generation, digest: request.edition.digest,
            pid: pid, startTicks: entry.startTicks, bootID: bootID, startedAt: wallTime(),
            command: request.spec.command,
            workingDirectory: request.spec.workingDirectory)
        adopt(record, process)
        keep(record)
        return record.observed
    }

    /// Everything about a start that can be refused before anything happens.
    private func plan(_ request: StartRequest) throws(EngineFailure) -> Spawn {
        let spec = request.spec
        guard !spec.command.isEmpty else {
            throw spec.image.map(imageRefused)
                ?? EngineFailure(.commandMissing, "'\(request.id)' names no command to run")
        }
        for mount in spec.mounts where mount.source != mount.target {
            throw EngineFailure(
                .refused,
                "'\(request.id)' mounts \(mount.source) at \(mount.target), and processes see the "
                    + "node's own files: use the same path for both, or a container engine")
        }
        let directory = spec.workingDirectory ?? "/"
        guard isDirectory(directory) else {
            throw EngineFailure(
                .refused,
                "the working directory \(directory) of '\(request.id)' is not on this node")
        }
        let program = try program(of: spec.command, in: searchPath, directory: directory)
        var environment = request.env
        if environment["PATH"] == nil { environment["PATH"] = searchPath.joined(separator: ":") }
        environment.merge(mark(request.id, request.edition)) { _, ours in ours }
        return Spawn(
            program: program, arguments: Array(spec.command.dropFirst()), environment: environment,
            directory: directory, streams: .log(path: records.log(of: request.id).path),
            groups: groups.group(request.id)?.memberFiles ?? [])
    }

    func adopt(_ record: ProcessRecord, _ process: ProcessHandle) {
        let watchers = watchers
        entries[record.id] = Entry(
            record: record, process: process,
            notice: ExitNotice(process) { watchers.send(.settle) })
    }

    /// Ends the process if it runs, first politely.
    private func end(_ id: ContainerID, grace: Duration) async throws(EngineFailure) {
        guard let process = entries[id]?.process else { return }
        if !process.hasExited { process.signalGroup(SIGTERM) }
        if await !process.exited(within: grace) {
            process.signalGroup(SIGKILL)
            groups.group(id)?.killMembers()
            guard await process.exited(within: ProcessEngine.killGrace) else {
                throw EngineFailure(
                    .engineUnavailable,
                    "process \(process.pid) of '\(id)' did not end within "
                        + "\(brief(ProcessEngine.killGrace)) of being killed; "
                        + "it probably waits for a device: see /proc/\(process.pid)/stack")
            }
        }
        settle()
    }

    /// Waits for killed stragglers to be gone: only an empty group can be removed, and no signal
    /// tells when it is. They take a moment, so this gives up after one second and tries again with
    /// the next start.
    private func drain(_ id: ContainerID) async {
        guard let group = groups.group(id) else { return }
        for _ in 0..<100 {
            group.killMembers()
            if group.remove() { return }
            do { try await Task.sleep(for: .milliseconds(10)) } catch { return }
        }
    }

    /// Writes a record. A full disk stops no workload: the mark in the environment of a process
    /// finds it as well, and an exit without a record is one whose code nobody knows.
    func keep(_ record: ProcessRecord) {
        do {
            try records.write(record)
            recordFailure = nil
        } catch {
            recordFailure = error.message
        }
    }

    private func forget(_ id: ContainerID) {
        records.remove(id)
        groups.group(id)?.remove()
        entries[id] = nil
    }

    /// Takes note of every process that has ended. Whoever asks first does it, so it does not
    /// matter whether anybody watches.
    func settle() {
        for (id, entry) in entries {
            guard let process = entry.process, process.hasExited else { continue }
            let group = groups.group(id)
            let memoryKills = group?.memoryKills ?? 0
            if process.isUncollectedChild { process.signalGroup(SIGKILL) }
            killStragglers(of: entry.record, in: group)
            let code = process.collect()
            let outOfMemory = memoryKills > 0 && (code == nil || code == 137)
            var record = entry.record
            let exit = Exit(code: outOfMemory ? 137 : code, outOfMemory: outOfMemory)
            record.exit = exit
            entries[id] = Entry(record: record)
            keep(record)
            group?.remove()
            watchers.send(.event(.exited(id, handle: record.handle, exit)))
        }
    }

    /// What a container's main process leaves behind ends with it, as in a container.
    private func killStragglers(of record: ProcessRecord, in group: ControlGroup?) {
        if let group { return group.killMembers() }
        let marks = [
            "\(Mark.container)=\(name(record.id))", "\(Mark.command)=\(name(record.id))",
        ]
        for pid in ProcessTable.pids() where pid != record.pid {
            let environment = ProcessTable.environment(pid)
            if environment.contains(where: marks.contains), isOurs(environment) {
                kill(pid, SIGKILL)
            }
        }
    }

    // MARK: - Watching

    /// Far below what the eye notices in a log that overflows, far above what a core notices.
    private static let rotationPeriod = Duration.seconds(1)

    private nonisolated func tick(_ watcher: Watchers.Watcher) async {
        do {
            while true {
                try await Task.sleep(for: ProcessEngine.rotationPeriod)
                watcher.send(.rotate)
            }
        } catch {
            // Cancelled: the watch is over.
            watcher.finish()
        }
    }

    private func rotateLogs() {
        for (id, entry) in entries where entry.process != nil {
            records.log(of: id).rotate(cap: logCap)
        }
    }
}

private func imageRefused(_ image: String) -> EngineFailure {
    EngineFailure(
        .refused,
        "cannot run the image '\(image)': this node runs processes only; give the container a "
            + "command that is installed on the node, or start Podman or Docker on it")
}

/// Tells two directories apart in eight digits (FNV-1a).
private func shortHash(_ text: String) -> String {
    let hash = text.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}
