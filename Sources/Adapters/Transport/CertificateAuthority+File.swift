import Foundation
package import Model

extension CertificateAuthority {
    /// Opens the authority in `file`, or makes one there if the file does not exist.
    ///
    /// Key and certificate share one file, mode 0600, that appears whole or not at all and is never
    /// replaced: two hubs that start at once cannot end up with two authorities, of which one would
    /// strand every node that the other enrols.
    package init(
        file: String, name: String, validity: Duration, now: WallTime
    ) throws(CredentialError) {
        if let existing = try CertificateAuthority.read(file) {
            self = existing
            return
        }
        let fresh = try CertificateAuthority(name: name, validity: validity, now: now)
        let text = try fresh.pem
        let draft = "\(file).\(UUID().uuidString)"
        defer { unlink(draft) }
        try write(text, toNew: draft)
        if link(draft, file) != 0 {
            guard errno == EEXIST, let winner = try CertificateAuthority.read(file) else {
                throw .file(path: file, reason: systemMessage())
            }
            self = winner
            return
        }
        self = fresh
    }

    private static func read(_ file: String) throws(CredentialError) -> CertificateAuthority? {
        guard let data = FileManager.default.contents(atPath: file) else {
            guard access(file, F_OK) != 0, errno == ENOENT else {
                throw .file(path: file, reason: "it is there and cannot be read; check its owner")
            }
            return nil
        }
        do {
            return try CertificateAuthority(pem: String(decoding: data, as: UTF8.self))
        } catch {
            throw .file(path: file, reason: "\(error); restore it from a backup")
        }
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
