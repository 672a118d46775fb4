import Crypto
package import Model
import X509

extension NodeAuthority {
    /// A certificate for a workload on this node, with a key drawn for it: client and server, the name
    /// `spiffe://NODE.SITE.skerry/wl/NAME` and no other.
    ///
    /// It is of no form that a hub, a node or the management interface accepts.
    package func issueWorkload(
        _ workload: WorkloadID, now: WallTime
    ) throws(CredentialError) -> (identity: TLSIdentity, notAfter: WallTime) {
        guard isDNSLabel(workload.text) else { throw .name(workload.text) }
        let key = NodeKey()
        do {
            let leaf = try issuer.sign(
                .init(key.signing.publicKey),
                as: try distinguishedName(workload.text, nil), validity: NodeAuthority.leafLife,
                now: now,
                extensions: [
                    try Certificate.Extension(
                        BasicConstraints.notCertificateAuthority, critical: true),
                    try Certificate.Extension(KeyUsage(digitalSignature: true), critical: true),
                    try Certificate.Extension(
                        try ExtendedKeyUsage([.clientAuth, .serverAuth]), critical: false),
                    try Certificate.Extension(
                        SubjectAlternativeNames([
                            .uniformResourceIdentifier(name(of: workload))
                        ]), critical: false),
                ])
            return (
                TLSIdentity(
                    certificateChain: try pemText(of: leaf) + certificateChain, privateKey: key.pem),
                WallTime(leaf.notValidAfter)
            )
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }

    /// What a workload of this node is called.
    package func name(of workload: WorkloadID) -> String {
        "spiffe://\(identity.host)/wl/\(workload)"
    }
}
