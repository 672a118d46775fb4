import Model

/// How an engine finds again what an earlier agent started.
extension ProcessEngine {
    /// Reads the records once, then looks for processes that have none.
    func load() {
        guard !isLoaded else { return }
        for record in records.records() where entries[record.id] == nil {
            var record = record
            if record.exit == nil, let process = running(record) {
                adopt(record, process)
            } else {
                if record.exit == nil {
                    record.exit = Exit(code: nil)
                    keep(record)
                }
                entries[record.id] = Entry(record: record)
            }
        }
        isLoaded = true
        scan()
    }

    private func running(_ record: ProcessRecord) -> ProcessHandle? {
        guard record.bootID == bootID, let process = ProcessHandle(pid: record.pid),
            // Asked once it is held: the number cannot change its meaning any more.
            ProcessTable.entry(record.pid)?.startTicks == record.startTicks
        else { return nil }
        return process
    }

    /// Finds processes of this node that were started but not recorded before an agent died.
    func scan() {
        let known = Set(entries.values.filter { $0.process != nil }.map(\.record.pid))
        var found: [ProcessRecord] = []
        for pid in ProcessTable.pids() where !known.contains(pid) {
            let environment = ProcessTable.environment(pid)
            guard let (id, edition) = identity(environment), isOurs(environment),
                let entry = ProcessTable.entry(pid), !entry.isZombie, entry.session == pid
            else { continue }
            found.append(
                ProcessRecord(
                    id: id, generation: edition.generation, digest: edition.digest, pid: pid,
                    startTicks: entry.startTicks, bootID: bootID,
                    startedAt: ProcessTable.startedAt(ticks: entry.startTicks),
                    command: []))
        }
        // The first of several is the container, later ones are sessions it opened itself.
        for record in found.sorted(by: { $0.startTicks < $1.startTicks }) {
            guard entries[record.id] == nil, let process = running(record) else { continue }
            adopt(record, process)
            keep(record)
        }
    }

    private func identity(_ environment: [String]) -> (ContainerID, Edition)? {
        let parts = value(of: Mark.container, in: environment)?.split(separator: "/") ?? []
        guard parts.count == 3, parts[0] == node.text, let instance = InstanceID(String(parts[1])),
            let generation = value(of: Mark.generation, in: environment).flatMap({ UInt64($0) })
        else { return nil }
        return (
            ContainerID(instance: instance, name: String(parts[2])),
            Edition(generation, digest: value(of: Mark.digest, in: environment))
        )
    }

    func isOurs(_ environment: [String]) -> Bool {
        value(of: Mark.engine, in: environment) == records.path
    }

    nonisolated func mark(_ id: ContainerID, _ edition: Edition) -> [String: String] {
        var mark = [
            Mark.container: name(id), Mark.generation: "\(edition.generation)",
            Mark.engine: records.path,
        ]
        mark[Mark.digest] = edition.digest
        return mark
    }

    nonisolated func name(_ id: ContainerID) -> String { "\(node)/\(id)" }

    /// The process of a running container, for a conversation with it.
    func hold(_ id: ContainerID) throws(EngineFailure) -> Entry {
        load()
        settle()
        guard let entry = entries[id] else {
            throw EngineFailure(.containerMissing, "there is no container '\(id)' on this node")
        }
        return entry
    }
}

/// The variables by which a process is known again.
enum Mark {
    static let container = "SKERRY_CONTAINER"
    static let generation = "SKERRY_GENERATION"
    static let digest = "SKERRY_DIGEST"
    /// The directory of the engine that started it.
    static let engine = "SKERRY_ENGINE"
    /// In place of the first one for commands that people run inside a container.
    static let command = "SKERRY_COMMAND_IN"
}

private func value(of name: String, in environment: [String]) -> String? {
    let prefix = "\(name)="
    return environment.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
}
