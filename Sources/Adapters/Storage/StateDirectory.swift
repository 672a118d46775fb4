import Foundation
import Model
import Synchronization

/// The directory of one store: its files, and the lock that keeps it to one process.
final class StateDirectory: Sendable {
    let path: String
    /// Nil once it is given back.
    private let lock: Mutex<Int32?>

    var store: String { path + "/store.sqlite" }
    var log: String { store + "-wal" }
    var snapshot: String { path + "/store.snapshot" }
    var ballast: String { path + "/ballast" }

    /// Damaged stores that are kept for someone to look at.
    private static let keptMax = 3

    init(_ path: String) throws(StoreError) {
        self.path = path
        let isNew = !FileManager.default.fileExists(atPath: path)
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw .disk(
                doing: "creating the state directory \(path)", reason: error.localizedDescription)
        }
        lock = Mutex(try acquireLock(in: path))
        // From here on `deinit` gives the lock back, whatever fails.
        try removeLeftovers()
        // The entries of a new directory and its files must survive a power cut as well.
        try sync(path)
        if isNew { try sync((path as NSString).deletingLastPathComponent) }
    }

    deinit { unlock() }

    /// Lets the next process in.
    func unlock() {
        lock.withLock { lock in
            if let descriptor = lock { Foundation.close(descriptor) }
            lock = nil
        }
    }

    /// Whether there is anything to open. SQLite takes an empty file for a new database.
    var hasStore: Bool { size(of: store) > 0 }
    var hasSnapshot: Bool { size(of: snapshot) > 0 }

    func size(of file: String) -> Int {
        var status = stat()
        return stat(file, &status) == 0 ? Int(status.st_size) : 0
    }

    /// When a file was last written; nil where there is none.
    func modified(_ file: String) -> WallTime? {
        var status = stat()
        guard stat(file, &status) == 0 else { return nil }
        return WallTime(
            milliseconds: Int64(status.st_mtim.tv_sec) * 1000
                + Int64(status.st_mtim.tv_nsec) / 1_000_000)
    }

    /// Bytes that a process without privileges may still write to this disk.
    var freeBytes: Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return 0 }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    /// Moves a damaged store out of the way, and says where it is now.
    func setAside(at time: WallTime) throws(StoreError) -> String {
        let stamp = time.description.filter { $0 != ":" && $0 != "-" && $0 != "." }
        let kept = "\(store).corrupt-\(stamp)"
        // The store goes first: a log without a store is never applied to another one, see `blank`.
        if size(of: store) > 0 { try rename(store, to: kept) }
        if size(of: log) > 0 { try rename(log, to: kept + "-wal") }
        try blank()
        try forgetOldest()
        return kept
    }

    /// Leaves no store behind. SQLite would apply a stranded log to whatever lies beside it.
    func blank() throws(StoreError) {
        for file in [store, log, store + "-journal", store + "-shm"] { try remove(file) }
        try sync(path)
    }

    /// Puts a copy of the snapshot where the store belongs.
    func restoreSnapshot() throws(StoreError) {
        let copy = store + ".new"
        do {
            try FileManager.default.copyItem(atPath: snapshot, toPath: copy)
        } catch {
            throw .disk(
                doing: "copying the snapshot \(snapshot)", reason: error.localizedDescription)
        }
        try sync(copy)
        try rename(copy, to: store)
        try sync(path)
    }

    /// Makes a finished snapshot the one to restore from.
    func adoptSnapshot(_ file: String) throws(StoreError) {
        try sync(file)
        try rename(file, to: snapshot)
        try sync(path)
    }

    /// Writes the write-ahead log once more, byte for byte, and syncs it.
    ///
    /// After a failed fsync Linux takes the pages for clean, so a second fsync succeeds without
    /// having written them. Commits behind such a hole would be gone after a power cut.
    func rewriteLog() throws(StoreError) {
        let doing = "writing \(log) again after the disk failed"
        let file = open(log, O_RDWR | O_CLOEXEC)
        if file < 0 && errno == ENOENT { return }
        guard file >= 0 else { throw .disk(doing: doing, reason: lastError()) }
        defer { Foundation.close(file) }
        var block = [UInt8](repeating: 0, count: 1 << 16)
        var offset = 0
        while true {
            let count = pread(file, &block, block.count, offset)
            if count == 0 { break }
            guard count > 0, pwrite(file, block, count, offset) == count else {
                throw .disk(doing: doing, reason: lastError())
            }
            offset += count
        }
        guard fsync(file) == 0 else { throw .disk(doing: doing, reason: lastError()) }
    }

    func remove(_ file: String) throws(StoreError) {
        guard unlink(file) == 0 || errno == ENOENT else {
            throw .disk(doing: "removing \(file)", reason: lastError())
        }
    }

    func sync(_ file: String) throws(StoreError) {
        let descriptor = open(file.isEmpty ? "." : file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .disk(doing: "opening \(file)", reason: lastError()) }
        defer { Foundation.close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw .disk(doing: "syncing \(file)", reason: lastError())
        }
    }

    private func rename(_ old: String, to new: String) throws(StoreError) {
        guard Foundation.rename(old, new) == 0 else {
            throw .disk(doing: "renaming \(old) to \(new)", reason: lastError())
        }
    }

    /// Copies that a crash cut short.
    private func removeLeftovers() throws(StoreError) {
        for file in [store + ".new", snapshot + ".new", snapshot + ".new-journal"] {
            try remove(file)
        }
    }

    private func forgetOldest() throws(StoreError) {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw .disk(doing: "listing \(path)", reason: error.localizedDescription)
        }
        let kept = names.filter { $0.contains(".corrupt-") && !$0.hasSuffix("-wal") }.sorted()
        for name in kept.dropLast(Self.keptMax) {
            try remove("\(path)/\(name)")
            try remove("\(path)/\(name)-wal")
        }
    }
}

/// Takes the lock of a state directory, and leaves the number of this process in it.
///
/// The descriptor is closed on exec, so that a workload started by the agent cannot hold the store
/// of an agent that died.
private func acquireLock(in directory: String) throws(StoreError) -> Int32 {
    let path = directory + "/lock"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .disk(doing: "opening \(path)", reason: lastError()) }
    guard takeLock(file) else {
        let reason = errno
        defer { close(file) }
        guard reason == EWOULDBLOCK else {
            throw .disk(doing: "locking \(path)", reason: lastError(reason))
        }
        throw .inUse(directory: directory, process: holder(of: file))
    }
    // The number is for people only: on a full disk the lock holds without it.
    let number = Array("\(getpid())\n".utf8)
    if holder(of: file) != getpid(), ftruncate(file, 0) == 0 {
        _ = pwrite(file, number, number.count, 0)
    }
    return file
}

/// Waits a little for a lock that was just given back: a child that this process or the one before
/// it is starting shares the descriptor until its exec closes it. False with `errno` set.
private func takeLock(_ file: Int32) -> Bool {
    for _ in 0..<50 {
        if flock(file, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else { return false }
        usleep(10_000)
    }
    return flock(file, LOCK_EX | LOCK_NB) == 0
}

private func holder(of lock: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(lock, &bytes, bytes.count, 0)
    return Int32(String(decoding: bytes.prefix(max(0, count)).prefix { $0 != 10 }, as: UTF8.self))
}

func lastError(_ number: Int32 = errno) -> String { String(cString: strerror(number)) }
