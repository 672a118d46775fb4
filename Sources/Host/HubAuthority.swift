import Model
import Synchronization
import Transport

/// The hub's root and the issuing authority below it, in their files. The issuing one is replaced
/// while the hub runs.
final class HubAuthority: Sendable {
    private let directory: String
    private let vault: Vault
    private let name: String
    private let current: Mutex<IssuingAuthority>
    /// The root's certificate: PEM for those who trust it, DER for join tokens.
    let trustRoots: String
    let certificateDER: [UInt8]
    /// Whether the root is an authority of old.
    let isOld: Bool

    private static let rootLife = Duration.seconds(10 * 365 * 86_400)
    /// Replaced when a third is over, so that what it signed last outlives it by nothing.
    private static let issuingLife = Duration.seconds(90 * 86_400)

    init(in directory: String, name: String, vault: Vault, now: WallTime) throws {
        self.directory = directory
        self.vault = vault
        self.name = name
        let (root, isOld) = try HubAuthority.root(in: directory, name, vault, now)
        self.isOld = isOld
        trustRoots = try root.trustRoots
        certificateDER = try root.certificateDER
        current = Mutex(try HubAuthority.issuing(in: directory, below: root, name, vault, now))
    }

    var issuing: IssuingAuthority { current.withLock { $0 } }

    /// Those who trust an authority of old know the root that follows it when they see it.
    var shownRoot: String { isOld ? trustRoots : "" }

    func renew(now: WallTime) throws {
        let (root, _) = try HubAuthority.root(in: directory, name, vault, now)
        let issuing = try HubAuthority.issuing(in: directory, below: root, name, vault, now)
        current.withLock { $0 = issuing }
    }

    private static func root(
        in directory: String, _ name: String, _ vault: Vault, _ now: WallTime
    ) throws -> (RootAuthority, isOld: Bool) {
        let old = try vault.read(directory + "/authority.pem")
        let file = directory + "/root.pem"
        let text = try vault.claim(file) {
            if let old { return try RootAuthority(succeeding: old).pem }
            return try RootAuthority(name: name, validity: rootLife, now: now).pem
        }
        do {
            return (try RootAuthority(pem: text), old != nil)
        } catch {
            throw CredentialError.file(path: file, reason: "\(error); restore it from a backup")
        }
    }

    private static func issuing(
        in directory: String, below root: RootAuthority, _ name: String, _ vault: Vault,
        _ now: WallTime
    ) throws -> IssuingAuthority {
        let file = directory + "/issuing.pem"
        func fresh() throws(CredentialError) -> IssuingAuthority {
            try root.issueIssuing(name: name, validity: issuingLife, now: now)
        }
        let text = try vault.claim(file) { try fresh().pem }
        let issuing: IssuingAuthority
        do {
            issuing = try IssuingAuthority(pem: text, name: name)
        } catch {
            throw CredentialError.file(
                path: file, reason: "\(error); remove it, and a new one is made from the root")
        }
        guard issuing.isBelow(root) else {
            throw CredentialError.file(
                path: file,
                reason: "it was not signed by the root in \(directory)/root.pem: one of the two "
                    + "belongs to another hub; restore both from the same backup")
        }
        guard issuing.notAfter - now < issuingLife * 2 / 3 else { return issuing }
        let next = try fresh()
        try vault.write(try next.pem, to: file)
        return next
    }
}
