import Crypto
import Foundation
package import Model
import SwiftASN1
import X509

/// The roots that a node trusts, as PEM.
package enum TrustRoots {
    /// Whether the first of `others` is among `roots`, in name and key.
    package static func holds(_ roots: String, _ others: String) throws(CredentialError) -> Bool {
        let other = try certificates(pem: others)[0]
        return try certificates(pem: roots).contains {
            $0.subject == other.subject && $0.publicKey == other.publicKey
        }
    }

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
            return hexadecimal(SHA256.hash(data: serializer.serializedBytes))
        } catch {
            return nil
        }
    }

    /// The roots to trust when the hub names `offered`: of these only the ones that a root already
    /// trusted is, in name and key, or to which such a root gave a certificate. A hub cannot put a
    /// stranger there.
    ///
    /// - Throws: where none is left.
    package static func extend(
        _ known: String, with offered: String, at now: WallTime
    ) throws(CredentialError) -> String {
        let trusted = try certificates(pem: known)
        let offered = try certificates(pem: offered)
        let vouched = offered.filter { link in
            trusted.contains { $0.vouches(for: link, at: now) }
        }
        var text = ""
        for root in offered
        where (trusted + vouched).contains(where: {
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

extension Certificate {
    /// Whether this root gave `link` to one that follows it, and that is good at this time.
    fileprivate func vouches(for link: Certificate, at now: WallTime) -> Bool {
        guard link.issuer == subject, link.subject != subject,
            Date(now) >= link.notValidBefore, Date(now) <= link.notValidAfter,
            publicKey.isValidSignature(link.signature, for: link)
        else { return false }
        do {
            return try link.isAuthority(pathLength: 1)
                && link.extensions.nameConstraints == nil
        } catch {
            return false
        }
    }
}
