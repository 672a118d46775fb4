import Foundation
import Glibc
import Model
import Transport

/// The hub's authorities and the certificates made from them, kept under `identity/`.
///
/// `root.pem` is at the top and signs nothing but `issuing.pem`, which signs everything else.
struct HubIdentity: Sendable {
    let issuing: IssuingAuthority
    let time: FleetTime
    /// What listeners for nodes show.
    let server: ShownIdentity
    /// What the listener for people shows.
    let management: TLSIdentity
    /// The root's certificate: PEM for those who trust it, DER for join tokens.
    let trustRoots: String
    let certificateDER: [UInt8]
    /// Whether the root is an authority of old, so that nodes may still come with what it signed.
    let admitsOld: Bool
    /// Who may sign policy, for this hub and for every node that enrols here.
    let policyKeys: [TrustedKey]

    static let rootLife = Duration.seconds(10 * 365 * 86_400)
    /// Replaced when a third is over, as long as the root is at hand.
    static let issuingLife = Duration.seconds(90 * 86_400)
    static let operatorLife = Duration.seconds(30 * 86_400)
    /// People's clocks are not Skerry's to set, and whoever has this key has the issuing one too.
    static let managementLife = Duration.seconds(30 * 86_400)

    /// Loads the authorities, or makes them where there are none.
    static func open(_ settings: HubSettings) throws(HostError) -> HubIdentity {
        let directory = settings.state + "/identity"
        try PrivateFile.makeDirectory(directory)
        let time = try FleetTime(ofHub: directory)
        do {
            let now = time.attest()
            let (root, isOld) = try root(in: directory, settings, now)
            let issuing = try issuing(in: directory, below: root, settings, now)
            let trustRoots = try root.trustRoots
            try time.keep()
            return HubIdentity(
                issuing: issuing, time: time,
                server: try server(issuing, isOld ? trustRoots : "", settings, time),
                management: try management(issuing, isOld ? trustRoots : "", settings),
                trustRoots: trustRoots, certificateDER: try root.certificateDER, admitsOld: isOld,
                policyKeys: try PolicyKeys.hub(settings))
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity("the hub's authority in \(directory): \(error)")
        }
    }

    private static func root(
        in directory: String, _ settings: HubSettings, _ now: WallTime
    ) throws -> (RootAuthority, isOld: Bool) {
        let old = try KeyFile.read(directory + "/authority.pem")
        let file = directory + "/root.pem"
        let text = try KeyFile.claim(file) { () throws(CredentialError) in
            if let old { return try RootAuthority(succeeding: old).pem }
            return try RootAuthority(name: settings.name, validity: rootLife, now: now).pem
        }
        do {
            return (try RootAuthority(pem: text), old != nil)
        } catch {
            throw CredentialError.file(path: file, reason: "\(error); restore it from a backup")
        }
    }

    private static func issuing(
        in directory: String, below root: RootAuthority, _ settings: HubSettings, _ now: WallTime
    ) throws -> IssuingAuthority {
        let file = directory + "/issuing.pem"
        func fresh() throws(CredentialError) -> IssuingAuthority {
            try root.issueIssuing(name: settings.name, validity: issuingLife, now: now)
        }
        let text = try KeyFile.claim(file) { () throws(CredentialError) in try fresh().pem }
        let issuing: IssuingAuthority
        do {
            issuing = try IssuingAuthority(pem: text, name: settings.name)
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
        try PrivateFile.write(try next.pem, to: file)
        return next
    }

    /// Made anew before each end, so a change of address needs a restart and nothing else.
    private static func server(
        _ issuing: IssuingAuthority, _ shownRoot: String, _ settings: HubSettings,
        _ time: FleetTime
    ) throws -> ShownIdentity {
        try ShownIdentity(
            now: { time.now },
            source: {
                let now = time.attest()
                var identity = try issuing.issueHub(
                    names: settings.advertise, validity: NodeAuthority.leafLife, now: now)
                identity.certificateChain += shownRoot
                return (identity, now + NodeAuthority.leafLife * 2 / 3)
            })
    }

    private static func management(
        _ issuing: IssuingAuthority, _ shownRoot: String, _ settings: HubSettings
    ) throws(CredentialError) -> TLSIdentity {
        // By the wall clock, as those who connect will judge it.
        var identity = try issuing.issueHub(
            names: settings.advertise, validity: managementLife, from: issuing.notBefore,
            now: SystemClock.now().wall)
        identity.certificateChain += shownRoot
        return identity
    }

    /// What a person's client needs to reach the hub. The certificate is renewed when a third of it
    /// is over; who copied these files copies them again before it ends.
    func writeOperator(in settings: HubSettings) throws(HostError) -> OperatorFiles {
        let files = OperatorFiles(directory: settings.state + "/operator")
        try PrivateFile.makeDirectory(files.directory)
        do {
            let shown = try PrivateFile.read(files.certificate)
            if try PrivateFile.read(files.authority) == trustRoots, let shown,
                try issuing.vouches(for: shown, until: time.now + HubIdentity.operatorLife * 2 / 3)
            {
                return files
            }
            // The key stays, so that what replaces what in which order does not matter.
            let key = try PrivateFile.read(files.key).map { try NodeKey(pem: $0) } ?? NodeKey()
            let chain = try issuing.issueOperator(
                "admin", key: key, validity: HubIdentity.operatorLife, now: time.attest())
            try PrivateFile.write(key.pem, to: files.key)
            try PrivateFile.write(trustRoots, to: files.authority)
            try PrivateFile.write(chain, to: files.certificate)
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity("the operator's certificate: \(error)")
        }
        return files
    }
}

/// Where the operator's certificate, its key and the hub's authority lie.
package struct OperatorFiles: Hashable, Sendable {
    package let directory: String
    package var certificate: String { directory + "/operator.crt" }
    package var key: String { directory + "/operator.key" }
    package var authority: String { directory + "/authority.crt" }
}
