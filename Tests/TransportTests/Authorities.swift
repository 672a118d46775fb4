import Model
import Transport

/// A root and a hub's authority below it, made for one test.
struct Authorities: Sendable {
    let root: RootAuthority
    let issuing: IssuingAuthority

    init(now: WallTime = clock()) throws {
        root = try RootAuthority(name: "test", validity: .seconds(864_000), now: now)
        issuing = try root.issueIssuing(name: "test", validity: .seconds(432_000), now: now)
    }

    var trustRoots: String { get throws { try root.trustRoots } }
    var certificateDER: [UInt8] { get throws { try root.certificateDER } }

    func hub(validity: Duration = .seconds(900)) throws -> ShownIdentity {
        try ShownIdentity(issuing.issueHub(names: [], validity: validity, now: clock()))
    }

    /// Shows the root as well.
    func hubWithRoot() throws -> ShownIdentity {
        var identity = try issuing.issueHub(names: [], validity: .seconds(900), now: clock())
        identity.certificateChain += try trustRoots
        return try ShownIdentity(identity)
    }

    func user(_ name: String) throws -> TLSIdentity {
        let key = NodeKey()
        return TLSIdentity(
            certificateChain: try issuing.issueOperator(
                name, key: key, validity: .seconds(900), now: clock()), privateKey: key.pem)
    }

    func authority(
        of node: NodeID, at site: SiteID = "harbour", validity: Duration = .seconds(345_600),
        issued: WallTime = clock()
    ) throws -> NodeAuthority {
        let key = NodeKey()
        return try NodeAuthority(
            certificateChain: issuing.issueNodeAuthority(
                node, site: site, publicKey: key.publicKey, validity: validity, now: issued),
            key: key, node: node, site: site)
    }

    /// What a node shows: a certificate of its own authority.
    func identity(
        _ node: NodeID, at site: SiteID = "harbour", validity: Duration = .seconds(900),
        issued: WallTime = clock()
    ) throws -> TLSIdentity {
        try authority(of: node, at: site, issued: issued).issueLeaf(
            validity: validity, note: IssuanceNote(mode: .local, boot: 1), now: issued
        ).identity
    }
}
