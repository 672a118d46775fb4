import Model
import Synchronization
import Transport

/// The hub's root and the issuing authority below it. Both are replaced while the hub runs, and read anew
/// from their files where a person replaced them.
final class HubAuthority: Sendable {
    private struct State {
        var issuing: IssuingAuthority
        var root: String
        var trustRoots: String
        var links: String
        /// The root that follows an authority of old.
        var successor: String
        var certificateDER: [UInt8]
        var holdsRootKey: Bool
    }

    private let files: AuthorityFiles
    private let name: String
    private let state: Mutex<State>
    /// The roots below which this hub accepts nodes and people, for its verifiers.
    let anchors: TrustAnchors
    /// Whether the root is an authority of old.
    let isOld: Bool

    static let rootLife = Duration.seconds(10 * 365 * 86_400)
    /// Replaced when a third is over, so that what it signed last outlives it by nothing.
    static let issuingLife = Duration.seconds(90 * 86_400)

    init(in directory: String, name: String, vault: Vault, now: WallTime) throws {
        files = AuthorityFiles(directory: directory, vault: vault)
        self.name = name
        isOld = try files.old() != nil
        let state = try HubAuthority.read(files, name, now)
        anchors = try TrustAnchors(state.trustRoots)
        self.state = Mutex(state)
    }

    var issuing: IssuingAuthority { state.withLock { $0.issuing } }
    /// The root's certificate in PEM.
    var root: String { state.withLock { $0.root } }
    /// The roots below which this hub accepts nodes and people, the one in use first: PEM.
    var trustRoots: String { state.withLock { $0.trustRoots } }
    /// Of the root, as it travels in join tokens.
    var certificateDER: [UInt8] { state.withLock { $0.certificateDER } }
    /// Certificates that roots of old gave to the ones that follow them. Shown, so that who was away
    /// accepts what comes from the new one.
    var shownLinks: String { state.withLock { $0.links } }

    /// Whether this hub can renew its issuing authority by itself.
    var holdsRootKey: Bool { state.withLock { $0.holdsRootKey } }

    /// Those who trust an authority of old know the root that follows it when they see it.
    var shownRoot: String { state.withLock { $0.successor } }

    /// What nodes are offered: they take a root that theirs is, or gave a certificate to.
    var offeredRoots: String { state.withLock { $0.trustRoots + $0.links } }

    /// When the files were changed last, by which a replacement of them shows.
    var stamp: [String] { files.stamp }

    /// Takes up what the files say by now, and replaces the issuing authority in time.
    func renew(now: WallTime) throws {
        let next = try HubAuthority.read(files, name, now)
        try anchors.replace(with: next.trustRoots)
        state.withLock { $0 = next }
        guard !next.holdsRootKey, next.issuing.notAfter - now < HubAuthority.issuingLife / 3 else {
            return
        }
        throw HostError.identity(
            "the hub's issuing authority ends at \(next.issuing.notAfter), and the root's key is not "
                + "here: ask for the next with 'skerry ca request', and have it signed")
    }

    /// What listeners show and whom they accept follows within seconds, as after any change of the files.
    func retire() throws { try files.retire() }

    /// Retires the earlier roots that were kept as such before `instant`.
    func retire(keptBefore instant: WallTime) throws {
        guard let kept = files.written(.rootsBefore), kept < instant else { return }
        try retire()
    }

    private static func read(
        _ files: AuthorityFiles, _ name: String, _ now: WallTime
    ) throws -> State {
        let key = try files.rootKey(name: name, now: now)
        let root = try key?.trustRoots ?? files.rootCertificate()
        let trustRoots = root + (try files.text(.rootsBefore) ?? "")
        let old = try files.old().map { try RootAuthority(pem: $0).trustRoots }
        return State(
            issuing: try issuing(in: files, root, trustRoots, key, name, now),
            root: root, trustRoots: trustRoots,
            // As long as the chain that is shown is short enough for those who read it.
            links: try TrustRoots.newest(TrustRoots.linksMax, of: files.text(.links) ?? ""),
            successor: try old.map { try TrustRoots.successor(of: $0, among: trustRoots) } ?? "",
            certificateDER: try RootAuthority.certificateDER(pem: root), holdsRootKey: key != nil)
    }

    private static func issuing(
        in files: AuthorityFiles, _ root: String, _ trustRoots: String, _ key: RootAuthority?,
        _ name: String, _ now: WallTime
    ) throws -> IssuingAuthority {
        func fresh() throws -> IssuingAuthority {
            guard let key else {
                throw HostError.identity(
                    "this hub has no issuing authority and not the root's key: ask for one with "
                        + "'skerry ca request', have it signed with 'skerry ca sign', and take it in "
                        + "with 'skerry ca install'")
            }
            return try key.issueIssuing(name: name, validity: issuingLife, now: now)
        }
        let issuing = try files.issuing(name: name) { try fresh() }
        guard try issuing.isBelow(roots: trustRoots) else {
            throw CredentialError.file(
                path: files.path(.issuing),
                reason: "it was not signed by the root in \(files.path(.root)): one of the two "
                    + "belongs to another hub; restore both from the same backup")
        }
        // What a root of old signed gives way as soon as there is one that can sign anew.
        let isCurrent = try issuing.isBelow(roots: root)
        guard key != nil, !isCurrent || issuing.notAfter - now < issuingLife * 2 / 3 else {
            return issuing
        }
        let next = try fresh()
        try files.write(try next.pem, to: .issuing)
        return next
    }
}
