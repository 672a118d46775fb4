import Foundation

/// A file with a key in it, mode 0600, that appears whole or not at all and is never replaced: two
/// hubs that start at once cannot end up with two authorities, of which one would strand every node
/// that the other enrols.
package enum KeyFile {
    /// What the file holds; `text` is written to it if there is none.
    package static func claim(
        _ file: String, _ text: () throws(CredentialError) -> String
    ) throws(CredentialError) -> String {
        if let existing = try read(file) { return existing }
        let text = try text()
        let draft = "\(file).\(UUID().uuidString)"
        defer { unlink(draft) }
        try write(text, toNew: draft)
        guard link(draft, file) != 0 else { return text }
        guard errno == EEXIST, let winner = try read(file) else {
            throw .file(path: file, reason: systemMessage())
        }
        return winner
    }

    /// Nil where there is no such file.
    package static func read(_ file: String) throws(CredentialError) -> String? {
        guard let data = FileManager.default.contents(atPath: file) else {
            guard access(file, F_OK) != 0, errno == ENOENT else {
                throw .file(path: file, reason: "it is there and cannot be read; check its owner")
            }
            return nil
        }
        return String(decoding: data, as: UTF8.self)
    }
}

/// Writes a file that did not exist, for its owner alone, and waits until it is on the disk.
private func write(_ text: String, toNew path: String) throws(CredentialError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .file(path: path, reason: systemMessage()) }
    defer { close(descriptor) }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { throw .file(path: path, reason: systemMessage()) }
        bytes = bytes.dropFirst(count)
    }
    guard fsync(descriptor) == 0 else { throw .file(path: path, reason: systemMessage()) }
}

private func systemMessage() -> String { String(cString: strerror(errno)) }
