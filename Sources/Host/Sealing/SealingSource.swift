import Foundation
import Glibc
import Model
package import Trust

/// Something of this machine, not of its disk, that wraps the sealing key of a state directory and
/// unwraps it again: the seam for a TPM.
package protocol SealingSource: Sendable {
    /// Names it in the file and to people: `systemd`, `passphrase`, `tpm`.
    var name: String { get }
    /// Lines from which `unwrap` gets the key back, and nobody who has only these.
    func wrap(_ key: SealingKey) throws(HostError) -> [String]
    func unwrap(_ lines: [String]) throws(HostError) -> SealingKey
}

/// What the setting `seal` says.
package enum SealingChoice: Hashable, Sendable {
    /// The systemd credential of the usual name where there is one, or else nothing.
    case auto
    case nothing
    case credential(String)
    case passphrase(file: String)

    package static let usualCredential = "skerry-sealing"
    package static let expectation = "auto, none, systemd, systemd:NAME or passphrase:FILE"

    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts[0], parts.count == 2 ? String(parts[1]) : nil) {
        case ("auto", nil): self = .auto
        case ("none", nil): self = .nothing
        case ("systemd", nil): self = .credential(SealingChoice.usualCredential)
        case ("systemd", let name?) where !name.isEmpty && !name.contains("/"):
            self = .credential(name)
        case ("passphrase", let file?) where !file.isEmpty: self = .passphrase(file: file)
        default: return nil
        }
    }

    /// Nil where nothing is to be sealed. `state`: what the key must not lie in.
    package func source(
        keeping state: String, credentials: String?
    ) throws(HostError) -> (any SealingSource)? {
        switch self {
        case .nothing: return nil
        case .auto:
            guard let credentials else { return nil }
            let file = credentials + "/" + SealingChoice.usualCredential
            return access(file, F_OK) == 0 ? CredentialSource(file: file) : nil
        case .credential(let name):
            guard let credentials else {
                throw .settings([
                    "setting 'seal': systemd gave this process no credentials "
                        + "($CREDENTIALS_DIRECTORY is not set); add to its unit: "
                        + "LoadCredentialEncrypted=\(name):FILE, with a file from: "
                        + "systemd-creds encrypt --name=\(name) - FILE"
                ])
            }
            return CredentialSource(file: credentials + "/" + name)
        case .passphrase(let file):
            guard !SealingChoice.lies(file, in: state) else {
                throw .settings([
                    "setting 'seal': \(file) lies in the directory that it is to seal, so who "
                        + "steals one has the other; put it on another disk, or type it into a "
                        + "file under /run at each boot"
                ])
            }
            return PassphraseSource(file: file)
        }
    }

    private static func lies(_ file: String, in directory: String) -> Bool {
        func parts(_ path: String) -> [String] {
            URL(fileURLWithPath: path).resolvingSymlinksInPath().pathComponents
        }
        return parts(file).starts(with: parts(directory))
    }
}

/// The scrypt of a passphrase in a file that is put there when the machine starts.
struct PassphraseSource: SealingSource {
    static let lengthMin = 12
    let file: String
    var cost = PassphraseCost.standard

    var name: String { "passphrase" }

    func wrap(_ key: SealingKey) throws(HostError) -> [String] {
        let salt = Entropy.bytes(16)
        let wrapping = try derive(cost, salt)
        let box = try wrapping.box(key)
        return [
            "scrypt \(cost.rounds) \(cost.blockSize) \(cost.parallelism) \(hexadecimal(salt))",
            "key \(hexadecimal(box))",
        ]
    }

    func unwrap(_ lines: [String]) throws(HostError) -> SealingKey {
        let words = lines.map { $0.split(separator: " ").map(String.init) }
        guard lines.count == 2, words[0].count == 5, words[0][0] == "scrypt",
            let rounds = Int(words[0][1]), let size = Int(words[0][2]),
            let lanes = Int(words[0][3]), let salt = bytes(hexadecimal: words[0][4]),
            words[1].count == 2, words[1][0] == "key", let box = bytes(hexadecimal: words[1][1])
        else { throw .identity("what it says of the passphrase cannot be read") }
        let cost = PassphraseCost(rounds: rounds, blockSize: size, parallelism: lanes)
        guard let key = try derive(cost, salt).unbox(box) else {
            throw .identity("the passphrase in \(file) is not the one that it was sealed with")
        }
        return key
    }

    private func derive(_ cost: PassphraseCost, _ salt: [UInt8]) throws(HostError) -> SealingKey {
        var passphrase = try SourceFile.read(file, isOwn: true)
        defer { Entropy.wipe(&passphrase) }
        // An editor ends the last line; whoever types it elsewhere does not.
        while passphrase.last == 10 || passphrase.last == 13 { passphrase.removeLast() }
        guard passphrase.count >= PassphraseSource.lengthMin else {
            throw .settings([
                "setting 'seal': the passphrase in \(file) has \(passphrase.count) bytes, and at "
                    + "least \(PassphraseSource.lengthMin) are needed; six random words are good"
            ])
        }
        do {
            return try cost.key(from: passphrase, salt: salt)
        } catch {
            throw .identity("the passphrase cannot be used: \(error)")
        }
    }
}

/// A systemd credential: a file on a memory file system that systemd decrypted for this process.
struct CredentialSource: SealingSource {
    static let lengthMin = 16
    let file: String

    var name: String { "systemd" }

    func wrap(_ key: SealingKey) throws(HostError) -> [String] {
        let salt = Entropy.bytes(16)
        let box = try derive(salt).box(key)
        return ["salt \(hexadecimal(salt))", "key \(hexadecimal(box))"]
    }

    func unwrap(_ lines: [String]) throws(HostError) -> SealingKey {
        let words = lines.map { $0.split(separator: " ").map(String.init) }
        guard lines.count == 2, words[0].count == 2, words[0][0] == "salt",
            let salt = bytes(hexadecimal: words[0][1]),
            words[1].count == 2, words[1][0] == "key", let box = bytes(hexadecimal: words[1][1])
        else { throw .identity("what it says of the credential cannot be read") }
        guard let key = try derive(salt).unbox(box) else {
            throw .identity("the credential in \(file) is not the one that it was sealed with")
        }
        return key
    }

    private func derive(_ salt: [UInt8]) throws(HostError) -> SealingKey {
        var secret = try SourceFile.read(file, isOwn: false)
        defer { Entropy.wipe(&secret) }
        guard secret.count >= CredentialSource.lengthMin else {
            throw .settings([
                "setting 'seal': the credential \(file) has \(secret.count) bytes, and at least "
                    + "\(CredentialSource.lengthMin) of entropy are needed; make one with: "
                    + "head -c 32 /dev/urandom | systemd-creds encrypt "
                    + "--name=\(SealingChoice.usualCredential) - FILE"
            ])
        }
        return SealingKey(derivedFrom: secret, salt: salt)
    }
}

extension SealingKey {
    fileprivate static let wrapped = "sealing key"

    fileprivate func box(_ key: SealingKey) throws(HostError) -> [UInt8] {
        do {
            return try seal(
                key.bytes, as: SealingKey.wrapped, nonce: Entropy.bytes(SealingKey.nonceCount))
        } catch {
            throw .identity("the sealing key cannot be wrapped: \(error)")
        }
    }

    /// Nil where this is not the key that wrapped it.
    fileprivate func unbox(_ box: [UInt8]) -> SealingKey? {
        do {
            return SealingKey(try open(box, as: SealingKey.wrapped))
        } catch {
            return nil
        }
    }
}

/// The file of a passphrase or credential: small, and nobody else's to read.
private enum SourceFile {
    private static let bytesMax = 4096

    /// - Parameter isOwn: nobody else may read it. Systemd lends credentials with access lists, which
    ///   look like the permissions of a group.
    static func read(_ path: String, isOwn: Bool) throws(HostError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw .settings(["setting 'seal': \(path): \(String(cString: strerror(errno)))"])
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw .settings(["setting 'seal': \(path) is not a file"])
        }
        guard !isOwn || facts.st_mode & 0o077 == 0 else {
            throw .settings([
                "setting 'seal': others than its owner may read \(path); run: chmod 600 \(path)"
            ])
        }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        let count = bytes.withUnsafeMutableBytes {
            Glibc.read(descriptor, $0.baseAddress, $0.count)
        }
        guard (0...bytesMax).contains(count) else {
            Entropy.wipe(&bytes)
            throw .settings(["setting 'seal': \(path) is larger than \(bytesMax) bytes"])
        }
        defer { Entropy.wipe(&bytes) }
        return Array(bytes[..<count])
    }
}
