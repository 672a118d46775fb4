import Model
import SwiftASN1
import X509

/// The roots that a node trusts, as PEM.
package enum TrustRoots {
    /// The roots to trust when the hub names `offered`: of these only the ones that a root already
    /// trusted is, in name and key. A hub cannot put a stranger there.
    ///
    /// - Throws: where none is left.
    package static func extend(
        _ known: String, with offered: String
    ) throws(CredentialError) -> String {
        let trusted = try certificates(pem: known)
        var text = ""
        for root in try certificates(pem: offered)
        where trusted.contains(where: {
            $0.subject == root.subject && $0.publicKey == root.publicKey
        })
            && root.publicKey.isValidSignature(root.signature, for: root)
        {
            text += try pemText(of: root)
        }
        guard !text.isEmpty else {
            throw .certificate(reason: "none of the roots that the hub named is known here")
        }
        return text
    }
}
