import Foundation
import Glibc
import Model
import Transport
import Trust

/// Where a hub or an agent keeps what nobody else may read: files of mode 0600, sealed where the
/// setting `seal` names a source for the key.
///
/// The sealing key is drawn once and lies wrapped in `identity/sealing`, so a new passphrase rewrites
/// one file. Sealing protects from who reads the disk. Who can write to it can still put back an older
/// copy, or a plain file, which is then taken over as if it had always been there.
package struct Vault: Sendable {
    private let state: String
    private let key: SealingKey?
    /// What wraps the key; nil where nothing is sealed.
    package let source: String?

    private static let wrapHeading = "skerry.dev/v1 sealing"
    private static let sealHeading = "skerry.dev/v1 sealed "
    /// What may hold keys and was plain before sealing was set up. The rest of `identity/` is public.
    private static let keyFiles = [
        "identity/node.key", "identity/authority.json", "identity/pair.keys", "identity/mesh.key",
        "identity/secrets.key", "identity/authority.pem", "identity/root.pem",
        "identity/issuing.pem", "identity/day-masters", "operator/operator.key",
        "operator/policy.key", "identity/token.key", "identity/mesh.key", "audit.key",
    ]

    /// One that seals nothing.
    package init(plain state: String) {
        self.state = state
        key = nil
        source = nil
    }

    /// Unwraps the key, or draws one where there is none, and seals what lies there plain.
    ///
    /// - Parameter before: the source to be replaced, for one start.
    package init(
        _ state: String, source: (any SealingSource)?, before: (any SealingSource)? = nil,
        log: (String) -> Void
    ) throws(HostError) {
        self.state = state
        self.source = source?.name
        let path = state + "/identity/sealing"
        let lines = try PrivateFile.read(path)?.split(separator: "\n").map(String.init)
        guard let source else {
            guard lines == nil else { throw .identity(Vault.unnamed(lines, path)) }
            key = nil
            return
        }
        key = try Vault.unwrap(lines, at: path, source, before, log)
        try sweep()
        for file in Vault.keyFiles {
            let path = state + "/" + file
            guard let text = try PrivateFile.read(path), !text.hasPrefix(Vault.sealHeading) else {
                continue
            }
            // One rename puts the sealed file in the place of the plain one: a crash leaves either.
            Failpoint.reach("seal.file.before")
            try write(text, to: path)
            Failpoint.reach("seal.file.after")
            log("sealed \(file), which was plain; a copy of this disk from before still has it")
        }
    }

    var isSealed: Bool { key != nil }

    // MARK: - Files

    /// Nil where there is no such file.
    package func read(_ path: String) throws(HostError) -> String? {
        guard let text = try PrivateFile.read(path) else { return nil }
        guard text.hasPrefix(Vault.sealHeading) else {
            guard key == nil else {
                throw .identity(
                    "\(path) is plain though everything here is sealed; start again to seal it, or "
                        + "restore it from a backup if you did not put it there")
            }
            return text
        }
        return try open(text, path)
    }

    package func write(_ text: String, to path: String) throws(HostError) {
        try PrivateFile.write(try seal(text, path), to: path)
    }

    /// Writes a value as JSON, its fields in order.
    func write(json value: some Encodable, to path: String) throws {
        try write(try PrivateFile.json(value), to: path)
    }

    /// What the file holds; `text` is written to it if there is none. Of two that start at once both
    /// get the same.
    func claim(_ path: String, _ text: () throws -> String) throws -> String {
        if let known = try read(path) { return known }
        let sealed = try seal(try text(), path)
        let winner = try KeyFile.claim(path) { sealed }
        return winner.hasPrefix(Vault.sealHeading) ? try open(winner, path) : winner
    }

    // MARK: - Bytes

    /// For what is kept elsewhere than in files of its own; nil where nothing is sealed.
    var sealingKey: SealingKey? { key }

    private func seal(_ text: String, _ path: String) throws(HostError) -> String {
        guard let key else { return text }
        var plain = Array(text.utf8)
        defer { Entropy.wipe(&plain) }
        do {
            let box = try key.seal(
                plain, as: name(of: path), nonce: Entropy.bytes(SealingKey.nonceCount))
            return Vault.sealHeading + key.id + "\n" + hexadecimal(box) + "\n"
        } catch {
            throw .identity("\(path) cannot be sealed: \(error)")
        }
    }

    private func open(_ text: String, _ path: String) throws(HostError) -> String {
        guard let key else {
            throw .identity(
                "\(path) is sealed, and \(state)/identity/sealing, which tells by what, is missing; "
                    + "restore both from the same backup")
        }
        let lines = text.split(separator: "\n")
        let id = lines.first?.dropFirst(Vault.sealHeading.count)
        guard lines.count == 2, let box = bytes(hexadecimal: lines[1]) else {
            throw .identity("\(path) is damaged; restore it from a backup")
        }
        do {
            guard id.map({ $0 == key.id }) == true else { throw SealingFault.notSealedHere }
            var plain = try key.open(box, as: name(of: path))
            defer { Entropy.wipe(&plain) }
            return String(decoding: plain, as: UTF8.self)
        } catch {
            throw .identity(
                "\(path): \(error); restore it and \(state)/identity/sealing from the same backup")
        }
    }

    /// Relative to the state directory, so that the directory may move.
    private func name(of path: String) -> String {
        path.hasPrefix(state + "/") ? String(path.dropFirst(state.utf8.count + 1)) : path
    }

    // MARK: - The key

    private static func unwrap(
        _ lines: [String]?, at path: String, _ source: any SealingSource,
        _ before: (any SealingSource)?, _ log: (String) -> Void
    ) throws(HostError) -> SealingKey {
        guard let lines else {
            guard let key = SealingKey(Entropy.bytes(SealingKey.byteCount)) else {
                preconditionFailure("a sealing key has as many bytes as are drawn")
            }
            try keep(key, wrappedBy: source, at: path)
            Failpoint.reach("seal.key.after")
            return key
        }
        guard lines.count > 2, lines[0] == wrapHeading, lines[1].hasPrefix("source ") else {
            throw .identity("\(path) is damaged; restore it from a backup")
        }
        let kind = String(lines[1].dropFirst("source ".count))
        do {
            if kind == source.name { return try source.unwrap(Array(lines[2...])) }
        } catch {
            guard before != nil else { throw .identity("\(path): \(error)") }
        }
        guard let before, kind == before.name else {
            throw .identity(
                "the keys in \(path) are wrapped by '\(kind)', and the setting 'seal' names "
                    + "'\(source.name)'; name the old one too, with 'sealBefore', to change over")
        }
        let key: SealingKey
        do { key = try before.unwrap(Array(lines[2...])) } catch {
            throw .identity("\(path): \(error)")
        }
        try keep(key, wrappedBy: source, at: path)
        log("the sealing key is wrapped by '\(source.name)' from here on; take 'sealBefore' away")
        return key
    }

    private static func keep(
        _ key: SealingKey, wrappedBy source: any SealingSource, at path: String
    ) throws(HostError) {
        try PrivateFile.makeDirectory((path as NSString).deletingLastPathComponent)
        let lines = [wrapHeading, "source \(source.name)"] + (try source.wrap(key))
        try PrivateFile.write(lines.joined(separator: "\n") + "\n", to: path)
    }

    private static func unnamed(_ lines: [String]?, _ path: String) -> String {
        let kind = lines.flatMap { $0.count > 1 ? $0[1].dropFirst("source ".count) : nil } ?? "?"
        return "the keys here are sealed by '\(kind)' (\(path)), and the setting 'seal' names no "
            + "source; write for example: --seal \(kind == "passphrase" ? "passphrase:FILE" : kind)"
    }

    /// Removes what a crash left of files that were being written, perhaps plain.
    private func sweep() throws(HostError) {
        try remove(state + "/audit.key.new")
        for directory in ["identity", "operator"] {
            let path = state + "/" + directory
            guard access(path, F_OK) == 0 else { continue }
            let files: [String]
            do { files = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
                throw .file(path, doing: "list", "\(error.localizedDescription)")
            }
            for file in files where Vault.isDraft(file) {
                try remove(path + "/" + file)
            }
        }
    }

    private func remove(_ path: String) throws(HostError) {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .file(path, doing: "remove", String(cString: strerror(errno)))
        }
    }

    /// As `PrivateFile` and `KeyFile` name them.
    private static func isDraft(_ file: String) -> Bool {
        file.hasSuffix(".new")
            || file.split(separator: ".").last.map { UUID(uuidString: String($0)) != nil } == true
    }
}

extension Vault {
    /// As the settings of a daemon say.
    package init(
        _ state: String, _ seal: SealingChoice, _ before: SealingChoice?, log: (String) -> Void
    ) throws(HostError) {
        let credentials = ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"]
        try self.init(
            state, source: try seal.source(keeping: state, credentials: credentials),
            before: try before?.source(keeping: state, credentials: credentials), log: log)
    }
}
