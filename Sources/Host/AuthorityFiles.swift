import Glibc
import Model
import Transport

/// The files under `identity/` that say by what a hub signs.
///
/// The key of the root need not be here: then `root.crt` says which one it is, and `issuing.pem` was
/// signed on the machine that has it.
struct AuthorityFiles: Sendable {
    enum File: String {
        /// Key and certificate of the root.
        case root = "root.pem"
        /// Its certificate alone, where the key is elsewhere.
        case rootAlone = "root.crt"
        case issuing = "issuing.pem"
        /// The key of an issuing authority that somebody else is to sign.
        case asked = "issuing.next"
        /// Roots that this hub still accepts.
        case rootsBefore = "roots-before.crt"
        /// What roots gave to the ones that follow them.
        case links = "links.crt"
        /// What signed everything before there were roots.
        case old = "authority.pem"

        /// Whether it is sealed where anything is.
        var holdsKey: Bool {
            switch self {
            case .root, .issuing, .asked, .old: true
            case .rootAlone, .rootsBefore, .links: false
            }
        }
    }

    let directory: String
    let vault: Vault

    func path(_ file: File) -> String { directory + "/" + file.rawValue }
    func text(_ file: File) throws -> String? {
        file.holdsKey ? try vault.read(path(file)) : try PrivateFile.read(path(file))
    }
    func old() throws -> String? { try text(.old) }

    /// What tells one state of the files from the next: they are only ever replaced whole.
    var stamp: [String] {
        [.root, .rootAlone, .issuing, .rootsBefore, .links].map { (file: File) in
            var facts = stat()
            guard stat(path(file), &facts) == 0 else { return "" }
            return "\(facts.st_ino) \(facts.st_mtim.tv_sec) \(facts.st_mtim.tv_nsec)"
        }
    }

    /// When the file was written last, by the wall clock; nil where there is none.
    func written(_ file: File) -> WallTime? {
        var facts = stat()
        guard stat(path(file), &facts) == 0 else { return nil }
        return WallTime(
            milliseconds: Int64(facts.st_mtim.tv_sec) * 1000
                + Int64(facts.st_mtim.tv_nsec) / 1_000_000)
    }

    func write(_ text: String, to file: File) throws {
        if file.holdsKey {
            try vault.write(text, to: path(file))
        } else {
            try PrivateFile.write(text, to: path(file))
        }
    }

    func remove(_ file: File) throws(HostError) {
        guard unlink(path(file)) == 0 || errno == ENOENT else {
            throw .file(path(file), doing: "remove", String(cString: strerror(errno)))
        }
    }

    /// Accepts nothing below earlier roots any more. Nodes that know the last of these come back by their
    /// device key; those that know older ones alone have to be enrolled anew.
    func retire() throws {
        try remove(.rootsBefore)
        if let links = try text(.links) {
            try write(try TrustRoots.newest(1, of: links), to: .links)
        }
    }

    /// The root with its key, made where there is none at all; nil where the key is elsewhere.
    func rootKey(name: String, now: WallTime) throws -> RootAuthority? {
        if try PrivateFile.read(path(.rootAlone)) != nil { return nil }
        let old = try old()
        let text = try vault.claim(path(.root)) {
            if let old { return try RootAuthority(succeeding: old).pem }
            return try RootAuthority(
                name: name, validity: HubAuthority.rootLife, now: now
            ).pem
        }
        do {
            return try RootAuthority(pem: text)
        } catch {
            throw CredentialError.file(
                path: path(.root), reason: "\(error); restore it from a backup")
        }
    }

    func rootCertificate() throws -> String {
        guard let text = try PrivateFile.read(path(.rootAlone)) else {
            throw HostError.identity("there is no root in \(directory)")
        }
        return text
    }

    func issuing(name: String, _ fresh: () throws -> IssuingAuthority) throws -> IssuingAuthority {
        let text = try vault.claim(path(.issuing)) { try fresh().pem }
        do {
            return try IssuingAuthority(pem: text, name: name)
        } catch {
            throw CredentialError.file(
                path: path(.issuing),
                reason: "\(error); remove it, and a new one is made from the root")
        }
    }
}
