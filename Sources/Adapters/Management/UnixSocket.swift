#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A socket file that nobody can ever open whom its mode does not let, not even while it is being made.
///
/// The server binds inside a directory of mode 0700; the socket gets its mode there and is then
/// renamed to its place, which also replaces the file of a process that died.
struct UnixSocket {
    /// NIO takes 103 bytes, which is what every Unix has room for; the staging path is 4 longer.
    static let pathBytesMax = 99

    let path: String
    private let mode: UInt32
    private var stagingDirectory: String { path + ".d" }
    /// Where the server binds before `publish`.
    var stagingPath: String { stagingDirectory + "/s" }

    /// Checks that the place is free, and prepares the staging directory.
    init(claiming path: String, mode: UInt32) throws(ListenerError) {
        guard path.utf8.count <= UnixSocket.pathBytesMax else {
            throw .socketPathTooLong(path, bytesMax: UnixSocket.pathBytesMax)
        }
        self.path = path
        self.mode = mode
        try refuseIfTaken()
        guard mkdir(stagingDirectory, 0o700) == 0 || errno == EEXIST else { throw failure() }
        // Left behind by a process that died, or made by someone else: then this fails.
        guard chmod(stagingDirectory, 0o700) == 0 else { throw failure() }
    }

    /// Moves the bound socket to its place.
    func publish() throws(ListenerError) {
        guard chmod(stagingPath, mode) == 0, rename(stagingPath, path) == 0,
            rmdir(stagingDirectory) == 0
        else { throw failure() }
    }

    /// What this socket's file is, to tell it from one that replaced it; nil where there is none.
    func identity() -> FileIdentity? {
        do {
            let file = try FileManager.default.attributesOfItem(atPath: path)
            guard let device = file[.systemNumber] as? Int,
                let inode = file[.systemFileNumber] as? Int
            else { return nil }
            return FileIdentity(device: device, inode: inode)
        } catch {
            // What cannot be identified is left alone, which is all that this is asked for.
            return nil
        }
    }

    /// Removes the file if it is still the one that was published.
    func remove(_ published: FileIdentity?) {
        if let published, identity() == published { unlink(path) }
        if unlink(stagingPath) == 0 || errno == ENOENT { rmdir(stagingDirectory) }
    }

    struct FileIdentity: Equatable, Sendable {
        let device: Int
        let inode: Int
    }

    private func refuseIfTaken() throws(ListenerError) {
        do {
            let file = try FileManager.default.attributesOfItem(atPath: path)
            guard file[.type] as? FileAttributeType == .typeSocket else {
                throw ListenerError.socketPathTaken(path)
            }
        } catch let error as CocoaError where error.isMissing {
            return
        } catch let error as ListenerError {
            throw error
        } catch {
            throw .socketUnusable(path, reason: "\(error)")
        }
        guard try !isAnswered() else { throw .socketInUse(path) }
    }

    /// Whether a living process accepts connections on the file.
    private func isAnswered() throws(ListenerError) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // A full queue (EAGAIN) is a living owner as well; only a refusal means that nobody is.
        return result == 0 || errno != ECONNREFUSED
    }

    private func failure() -> ListenerError {
        .socketUnusable(path, reason: String(cString: strerror(errno)))
    }
}

extension CocoaError {
    fileprivate var isMissing: Bool { code == .fileReadNoSuchFile || code == .fileNoSuchFile }
}
