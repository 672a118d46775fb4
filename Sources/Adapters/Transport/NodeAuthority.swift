import Crypto
package import Model
import X509

/// A node's own authority, with which it makes its certificates whether or not the hub can be
/// reached.
package struct NodeAuthority: Sendable {
    /// PEM of this authority's certificate and of those above it.
    package let certificateChain: String
    let issuer: Issuer
    let identity: PeerIdentity

    /// How long a node's certificate lives.
    package static let leafLife: Duration = .seconds(900)

    package init(
        certificateChain: String, key: NodeKey, node: NodeID, site: SiteID
    ) throws(CredentialError) {
        let chain = try certificates(pem: certificateChain)
        guard chain[0].publicKey == Certificate.PublicKey(key.signing.publicKey) else {
            throw .key(reason: "the key and the certificate do not belong together")
        }
        self.certificateChain = certificateChain
        issuer = Issuer(certificate: chain[0], key: key.signing)
        identity = .node(node, site: site)
    }

    package var notBefore: WallTime { WallTime(issuer.certificate.notValidBefore) }
    package var notAfter: WallTime { WallTime(issuer.certificate.notValidAfter) }

    /// A certificate for the node with a key drawn for it, and when it ends.
    package func issueLeaf(
        validity: Duration = leafLife, note: IssuanceNote, now: WallTime
    ) throws(CredentialError) -> (identity: TLSIdentity, notAfter: WallTime) {
        let key = NodeKey()
        do {
            let leaf = try issuer.signLeaf(
                .init(key.signing.publicKey), as: try distinguishedName(identity.names[0], nil),
                alternatives: [.uniformResourceIdentifier(identity.uri)], usage: .clientAuth,
                validity: validity, now: now, note: note)
            let chain = try pemText(of: leaf) + certificateChain
            return (
                TLSIdentity(certificateChain: chain, privateKey: key.pem),
                WallTime(leaf.notValidAfter)
            )
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }

    /// Why a hub would not let in what this authority signs; nil where it would.
    package func objection(
        trusting roots: String, at clock: FleetClock
    ) async throws(CredentialError) -> String? {
        // The hub has just signed it, so it is that late at least.
        let now = clock.now()
        let time = max(now, notBefore)
        let verifier = try PeerVerifier(
            .node, trustRoots: roots, clock: FleetClock(certain: { time }))
        let (leaf, _) = try issueLeaf(note: IssuanceNote(mode: .local, boot: 0), now: time)
        let objection = try await verifier.objection(toPEM: leaf.certificateChain)
        if objection == nil, time > now { clock.learn(time) }
        return objection
    }
}
