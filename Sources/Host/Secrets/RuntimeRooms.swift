import Containers
import Foundation
import Glibc
import Model

/// Directories in memory, one for each container: what lies there is gone with the power.
///
/// Only the agent's user may enter the one above them. Where a container engine shows one inside, its
/// files can be read by whatever user the container runs as.
struct RuntimeRooms: Sendable {
    private let base: String

    /// - Parameter state: tells the agents of one machine apart.
    init(of state: String) {
        var hash = StableHash()
        hash.add(URL(fileURLWithPath: state).standardizedFileURL.path)
        base = RuntimeRooms.root + "/" + String(hash.value, radix: 16)
    }

    /// The place for what is in memory, by the user.
    private static var root: String {
        let user = getuid()
        if user == 0, isInMemory("/run") { return "/run/skerry/rooms" }
        if let path = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"], isInMemory(path) {
            return path + "/skerry/rooms"
        }
        return "/dev/shm/skerry-\(user)/rooms"
    }

    func path(_ what: String, of id: ContainerID) -> String { room(of: id) + "/" + what }

    /// An empty directory for this container.
    func renew(
        _ what: String, of id: ContainerID, isShared: Bool
    ) throws(EngineFailure) -> String {
        let path = path(what, of: id)
        try remove(path)
        try make(path, isShared: isShared)
        return path
    }

    /// Makes a directory with these files in it.
    func write(
        _ files: [String: Data], to directory: String, isShared: Bool
    ) throws(EngineFailure) {
        try make(directory, isShared: isShared)
        for (name, content) in files {
            try write(content, to: directory + "/" + name, isShared: isShared)
        }
    }

    /// Replaces one file whole.
    func write(_ content: Data, to path: String, isShared: Bool) throws(EngineFailure) {
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("write", path) }
        defer { close(descriptor) }
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw failure("write", path) }
            rest = rest.dropFirst(count)
        }
        guard fchmod(descriptor, isShared ? 0o400 : 0o444) == 0, rename(draft, path) == 0 else {
            throw failure("write", path)
        }
    }

    /// Forgets what a container had that is gone.
    func clear(_ id: ContainerID) throws(EngineFailure) { try remove(room(of: id)) }

    /// Forgets all but what these have.
    func clear(except kept: [ContainerID]) throws(EngineFailure) {
        guard access(base, F_OK) == 0 else { return }
        let rooms = Set(kept.map { (room(of: $0) as NSString).lastPathComponent })
        let found: [String]
        do { found = try FileManager.default.contentsOfDirectory(atPath: base) } catch {
            throw failure("list", base)
        }
        for name in found where !rooms.contains(name) { try remove(base + "/" + name) }
    }

    private func room(of id: ContainerID) -> String {
        var hash = StableHash()
        hash.add(id.description)
        // Short, since a socket's path in it has at most 107 bytes.
        return base + "/" + id.instance.description.prefix(20) + "-"
            + String(hash.value, radix: 16)
    }

    private func make(_ path: String, isShared: Bool) throws(EngineFailure) {
        do { try PrivateFile.makeDirectory(base) } catch {
            throw EngineFailure(.refused, "\(error)")
        }
        var facts = stat()
        // In /dev/shm anybody may have been first.
        guard lstat(base, &facts) == 0, facts.st_uid == getuid(), facts.st_mode & 0o077 == 0 else {
            throw EngineFailure(.refused, "\(base) is not this agent's own; remove it")
        }
        guard RuntimeRooms.isInMemory(base) else {
            throw EngineFailure(
                .refused,
                "\(base) is not in memory, so values of Secrets may not be written there; mount a "
                    + "tmpfs at /run or /dev/shm")
        }
        var made = base
        for part in path.dropFirst(base.utf8.count).split(separator: "/") {
            made += "/" + part
            guard mkdir(made, isShared ? 0o700 : 0o755) == 0 || errno == EEXIST else {
                throw failure("create", made)
            }
            // Whatever the mask of this process says.
            guard chmod(made, isShared ? 0o700 : 0o755) == 0 else { throw failure("create", made) }
        }
    }

    private func remove(_ path: String) throws(EngineFailure) {
        guard access(path, F_OK) == 0 else { return }
        do { try FileManager.default.removeItem(atPath: path) } catch {
            throw EngineFailure(
                .refused, "\(path) cannot be removed: \(error.localizedDescription)")
        }
    }

    /// Whether what is written below `path` never reaches a disk, but for swap.
    private static func isInMemory(_ path: String) -> Bool {
        guard access(path, F_OK) == 0,
            let mounts = FileManager.default.contents(atPath: "/proc/self/mounts")
        else { return false }
        let parts = URL(fileURLWithPath: path).resolvingSymlinksInPath().pathComponents
        var nearest: (depth: Int, type: Substring) = (0, "")
        for line in String(decoding: mounts, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 2 else { continue }
            let point = URL(fileURLWithPath: String(words[1])).pathComponents
            // Of two at one place the later hides the earlier.
            guard parts.starts(with: point), point.count >= nearest.depth else { continue }
            nearest = (point.count, words[2])
        }
        return nearest.type == "tmpfs" || nearest.type == "ramfs"
    }

    private func failure(_ verb: String, _ path: String) -> EngineFailure {
        EngineFailure(.refused, "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
