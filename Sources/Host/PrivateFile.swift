import Foundation
import Glibc

/// Files that only their owner may read, replaced whole: a crash leaves the old one or the new one.
enum PrivateFile {
    static func write(_ text: String, to path: String) throws(HostError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(path, doing: "create", lastError()) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw .file(path, doing: "write", lastError()) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw .file(path, doing: "write", lastError())
        }
        try syncDirectory(of: path)
    }

    /// Nil where there is no such file.
    static func read(_ path: String) throws(HostError) -> String? {
        guard access(path, F_OK) == 0 else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .file(path, doing: "read", lastError())
        }
        return String(decoding: data, as: UTF8.self)
    }

    static func makeDirectory(_ path: String) throws(HostError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw .file(path, doing: "create", error.localizedDescription)
        }
    }

    private static func syncDirectory(of path: String) throws(HostError) {
        let directory = (path as NSString).deletingLastPathComponent
        let descriptor = open(directory.isEmpty ? "." : directory, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file(path, doing: "write", lastError()) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .file(path, doing: "write", lastError()) }
    }

    private static func lastError() -> String { String(cString: strerror(errno)) }
}

/// Why a hub or an agent could not start, in a sentence with what to do.
package enum HostError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(String, doing: String, String)
    case store(String)
    case enrolment(String)
    case listener(String)
    case settings([String])
    case identity(String)

    package var description: String {
        switch self {
        case .file(let path, let doing, let reason):
            "cannot \(doing) \(path): \(reason)"
        case .store(let text), .enrolment(let text), .listener(let text), .identity(let text): text
        case .settings(let lines): lines.joined(separator: "\n")
        }
    }
}
