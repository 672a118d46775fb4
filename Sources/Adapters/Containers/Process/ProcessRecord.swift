import FoundationEssentials
import Glibc
import Model

/// What is on disk about one supervised process, so that the next agent knows it again.
struct ProcessRecord: Codable, Equatable {
    var id: ContainerID
    var generation: UInt64
    var digest: String?
    var pid: pid_t
    /// With `pid` it names a process for the length of one boot.
    var startTicks: UInt64
    var bootID: String
    var startedAt: WallTime
    var command: [String]
    var workingDirectory: String?
    /// Set once the process has ended.
    var exit: Exit?

    var edition: Edition { Edition(generation, digest: digest) }
    var handle: String { "\(pid)@\(startTicks)" }

    var observed: ObservedContainer {
        ObservedContainer(
            id: id, edition: edition, handle: handle,
            state: exit.map { .exited($0) } ?? .running, startedAt: startedAt)
    }
}

/// The directory of records and logs of one engine: `<workload>-<ordinal>.<name>.json` and `.log`.
struct RecordDirectory {
    let path: String

    init(_ path: String) throws(EngineFailure) {
        guard mkdir(path, 0o750) == 0 || errno == EEXIST, let real = realpath(path, nil)
        else {
            throw EngineFailure(
                .engineUnavailable,
                "cannot make the directory \(path) for the records of processes: \(systemError()); "
                    + "its parent must exist and be writable for the agent")
        }
        defer { free(real) }
        self.path = String(cString: real)
    }

    func log(of id: ContainerID) -> LogFile { LogFile(path: "\(stem(id)).log") }

    /// All records that can be read. One torn by a crash of the machine says nothing that the
    /// kernel does not know better, and is removed.
    func records() -> [ProcessRecord] {
        names().filter { $0.hasSuffix(".json") }.compactMap { name in
            let file = "\(path)/\(name)"
            guard let bytes = read(file) else { return nil }
            do {
                return try JSONDecoder().decode(ProcessRecord.self, from: Data(bytes))
            } catch {
                unlink(file)
                return nil
            }
        }
    }

    func write(_ record: ProcessRecord) throws(EngineFailure) {
        let file = "\(stem(record.id)).json"
        do {
            try replace(file, with: [UInt8](JSONEncoder().encode(record)))
        } catch {
            throw EngineFailure(
                .engineUnavailable,
                "cannot write the record of '\(record.id)' to \(file): \(error); "
                    + "check space and permissions of the agent's state directory")
        }
    }

    func remove(_ id: ContainerID) { unlink("\(stem(id)).json") }

    private func stem(_ id: ContainerID) -> String { "\(path)/\(id.instance).\(id.name)" }

    private func names() -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    names.append(String(cString: $0))
                }
            }
        }
        return names.sorted()
    }
}

/// A system call that failed, with what it was to do.
private struct SystemFailure: Error, CustomStringConvertible {
    let description: String
    init(_ call: String) { description = "\(call): \(systemError())" }
}

/// Replaces a file whole: after a crash it holds either the old bytes or all of the new ones.
private func replace(_ file: String, with bytes: [UInt8]) throws {
    let temporary = "\(file).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw SystemFailure("open") }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
        throw SystemFailure("write")
    }
    guard fsync(descriptor) == 0 else { throw SystemFailure("fsync") }
    guard rename(temporary, file) == 0 else { throw SystemFailure("rename") }
}
