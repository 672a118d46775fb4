import Foundation
import Glibc
import Model
import Transport
import Trust

/// The hub's authorities and the certificates made from them, kept under `identity/`.
///
/// `root.pem` is at the top and signs nothing but `issuing.pem`, which signs everything else.
struct HubIdentity: Sendable {
    let vault: Vault
    let authority: HubAuthority
    let time: FleetTime
    /// What listeners for nodes show.
    let server: ShownIdentity
    /// The same with the root behind it, for those who know that by its digest.
    let enrolmentServer: ShownIdentity
    /// The root's certificate: PEM for those who trust it, DER for join tokens.
    var trustRoots: String { authority.trustRoots }
    var certificateDER: [UInt8] { authority.certificateDER }
    /// Whether the root is an authority of old, so that nodes may still come with what it signed.
    var admitsOld: Bool { authority.isOld }
    /// Who may sign policy, for this hub and for every node that enrols here.
    let policyKeys: [TrustedKey]

    static let operatorLife = Duration.seconds(60 * 86_400)
    /// People's clocks are not Skerry's to set, and whoever has this key has the issuing one too.
    static let managementLife = Duration.seconds(60 * 86_400)

    /// Loads the authorities, or makes them where there are none.
    static func open(
        _ settings: HubSettings, log: (String) -> Void
    ) throws(HostError) -> HubIdentity {
        let directory = settings.state + "/identity"
        try PrivateFile.makeDirectory(directory)
        let vault = try Vault(settings.state, settings.seal, settings.sealBefore, log: log)
        let time = try FleetTime(ofHub: directory)
        do {
            let now = time.attest()
            let authority = try HubAuthority(
                in: directory, name: settings.name, vault: vault, now: now)
            try time.keep()
            return HubIdentity(
                vault: vault, authority: authority, time: time,
                server: try server(authority, settings, time, showsRoot: false),
                enrolmentServer: try server(authority, settings, time, showsRoot: true),
                policyKeys: try PolicyKeys.hub(settings, vault))
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity("the hub's authority in \(directory): \(error)")
        }
    }

    /// Made anew before each end, so a change of address needs a restart and nothing else.
    private static func server(
        _ authority: HubAuthority, _ settings: HubSettings, _ time: FleetTime, showsRoot: Bool
    ) throws -> ShownIdentity {
        try ShownIdentity(
            now: { time.now },
            source: {
                let now = time.attest()
                var identity = try authority.issuing.issueHub(
                    names: settings.advertise, validity: NodeAuthority.leafLife, now: now)
                identity.certificateChain += authority.shownLinks
                identity.certificateChain += showsRoot ? authority.root : authority.shownRoot
                return (identity, now + NodeAuthority.leafLife * 2 / 3)
            })
    }

    /// What the listener for people shows.
    func management(_ settings: HubSettings) throws(CredentialError) -> TLSIdentity {
        // By the wall clock, as those who connect will judge it.
        var identity = try issuing.issueHub(
            names: settings.advertise, validity: HubIdentity.managementLife,
            from: issuing.notBefore, now: SystemClock.now().wall)
        identity.certificateChain += authority.shownLinks + authority.shownRoot
        return identity
    }

    var issuing: IssuingAuthority { authority.issuing }

    /// Renews in time what lives for months, and takes up what a person put in the place of it; to be
    /// called every now and then, and when the files were changed.
    func keepUp(_ settings: HubSettings) throws {
        let before = authority.offeredRoots
        // What it says of an end that is near is no reason to go on with what was replaced.
        let complaint = Result { try authority.renew(now: time.attest()) }
        if authority.offeredRoots != before {
            try server.renew()
            try enrolmentServer.renew()
        }
        _ = try writeOperator(in: settings)
        try time.keep()
        try complaint.get()
    }

    /// What nodes compare with what they were last told to trust.
    var trustMark: String { contentDigest(of: Array(authority.offeredRoots.utf8)) }

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
            let key = try vault.read(files.key).map { try NodeKey(pem: $0) } ?? NodeKey()
            let chain = try issuing.issueOperator(
                "admin", key: key, validity: HubIdentity.operatorLife, now: time.attest())
            try vault.write(key.pem, to: files.key)
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

extension HubIdentity {
    /// Puts plain copies of the operator's files, and of the key that signs policy if it is here, into
    /// a directory that only its owner may enter.
    func copy(_ files: OperatorFiles, to directory: String) throws(HostError) -> OperatorFiles {
        let copies = OperatorFiles(directory: directory)
        try PrivateFile.makeDirectory(directory)
        for name in OperatorFiles.names {
            let path = files.directory + "/" + name
            let text =
                name.hasSuffix(".key") ? try vault.read(path) : try PrivateFile.read(path)
            guard let text else { continue }
            try PrivateFile.write(text, to: directory + "/" + name)
        }
        return copies
    }
}

/// Where the operator's certificate, its key and the hub's authority lie.
package struct OperatorFiles: Hashable, Sendable {
    static let names = [
        "operator.key", "operator.crt", "authority.crt", "policy.key", "policy.key.pub",
    ]

    package let directory: String

    package init(directory: String) { self.directory = directory }

    package var certificate: String { directory + "/operator.crt" }
    package var key: String { directory + "/operator.key" }
    package var authority: String { directory + "/authority.crt" }
}
