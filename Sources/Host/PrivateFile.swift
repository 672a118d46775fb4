import Foundation
import Glibc

/// Files that only their owner may read, replaced whole: a crash leaves the old one or the new one.
package enum PrivateFile {
    private static let bytesMax: Int64 = 1 << 20

    package static func write(_ text: String, to path: String) throws(HostError) {
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

    /// Writes a value as JSON, its fields in order.
    static func write(json value: some Encodable, to path: String) throws {
        try write(try json(value), to: path)
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// Nil where there is no such file.
    package static func read(_ path: String) throws(HostError) -> String? {
        // Non-blocking: a pipe in place of the file would hold up the start for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .file(path, doing: "read", lastError())
        }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        guard isFile(path), size >= 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw .file(path, doing: "read", "it is not a file")
        }
        guard size <= bytesMax else {
            throw .file(path, doing: "read", "it is larger than \(bytesMax >> 20) MiB")
        }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        var count = 0
        while count < bytes.count {
            let piece = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: count), $0.count - count)
            }
            if piece < 0 { throw .file(path, doing: "read", lastError()) }
            if piece == 0 { break }
            count += piece
        }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw .file(path, doing: "read", "it is not UTF-8 text")
        }
        return text
    }

    /// Makes a directory that only its owner may enter, and those above it.
    package static func makeDirectory(_ path: String) throws(HostError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
            guard mkdir(made, 0o700) != 0, !isDirectory(made) else { continue }
            // The reason is asked for first: the next call replaces it.
            let error = lastError()
            let reason = access(made, F_OK) == 0 ? "\(made) is not a directory" : error
            throw .file(path, doing: "create", reason)
        }
    }

    private static func isFile(_ path: String) -> Bool {
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        do {
            let type = try FileManager.default.attributesOfItem(atPath: target)[.type]
            return type as? FileAttributeType == .typeRegular
        } catch {
            return false
        }
    }

    static func isDirectory(_ path: String) -> Bool {
        let error = errno
        defer { errno = error }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
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
            "cannot \(doing) \(path): \(reason); check the path and who may use it"
        case .store(let text), .enrolment(let text), .listener(let text), .identity(let text): text
        case .settings(let lines): lines.joined(separator: "\n")
        }
    }
}
