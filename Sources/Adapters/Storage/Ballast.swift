import Foundation
import Synchronization

/// Space held back on the disk, to be given up when the disk is full: on a full disk SQLite can
/// neither delete nor checkpoint, so without it nothing that would help can be done.
final class Ballast: Sendable {
    private let directory: StateDirectory
    private let bytes: Int
    private let held: Mutex<Bool>

    init(_ directory: StateDirectory, bytes: Int) {
        self.directory = directory
        self.bytes = bytes
        held = Mutex(allocatedBytes(of: directory.ballast) >= bytes)
    }

    var isHeld: Bool { held.withLock { $0 } }

    /// Gives the space up. False where there was none to give.
    func release() throws(StoreError) -> Bool {
        guard held.withLock({ $0 }) else { return false }
        try directory.remove(directory.ballast)
        held.withLock { $0 = false }
        return true
    }

    /// Takes the space back once there is twice as much, so that it is not taken and given up in
    /// turns. A disk without the room is no failure.
    func rebuild() {
        held.withLock { held in
            guard !held, directory.freeBytes >= 2 * bytes else { return }
            held = allocate()
        }
    }

    private func allocate() -> Bool {
        let file = open(directory.ballast, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        // Reserves the blocks: a file that is merely long would hold back nothing.
        if posix_fallocate(file, 0, bytes) == 0, fsync(file) == 0 { return true }
        unlink(directory.ballast)
        return false
    }
}

private func allocatedBytes(of path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : 0
}
