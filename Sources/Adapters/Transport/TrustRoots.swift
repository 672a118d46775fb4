import Crypto
import Model
import SwiftASN1
import X509

/// The roots that a node trusts, as PEM.
package enum TrustRoots {
    /// Of these roots the one with this digest.
    package static func pinned(
        _ digest: String, among offered: String
    ) throws(CredentialError) -> String {
        for root in try certificates(pem: offered) where TrustRoots.digest(of: root) == digest {
            return try pemText(of: root)
        }
        throw .certificate(reason: "the hub's root has another fingerprint than was given here")
    }

    /// SHA-256 of the DER form in hexadecimal; nil for what cannot be written.
    static func digest(of certificate: Certificate) -> String? {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return hex(SHA256.hash(data: serializer.serializedBytes))
        } catch {
            return nil
        }
    }

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
