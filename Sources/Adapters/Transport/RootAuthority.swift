import Crypto
import Foundation
package import Model
import SwiftASN1
import X509

/// The authority at the top, by which everyone of a fleet knows everyone else. It signs the hub's
/// issuing authority and nothing more, so its key need not be where the hub is.
package struct RootAuthority: Sendable {
    let issuer: Issuer

    /// Makes a new root with a key from the system's entropy.
    package init(name: String, validity: Duration, now: WallTime) throws(CredentialError) {
        guard isDNSLabel(name) else { throw .name(name) }
        let subject: DistinguishedName
        do { subject = try distinguishedName("\(name) root", "Skerry") } catch {
            throw .certificate(reason: "\(error)")
        }
        issuer = try RootAuthority.signed(
            P256.Signing.PrivateKey(), subject: subject,
            from: Date(now - Issuer.clockTolerance), to: Date(now + validity))
    }

    /// Reads the key and certificate that `pem` holds, in any order.
    package init(pem: String) throws(CredentialError) { issuer = try Issuer(pem: pem) }

    /// Makes a root of an authority of old, which signed everything itself and could have no
    /// authorities below it. Name and key stay, and who trusts it goes by those.
    package init(succeeding pem: String) throws(CredentialError) {
        let old = try Issuer(pem: pem)
        issuer = try RootAuthority.signed(
            old.key, subject: old.certificate.subject, from: old.certificate.notValidBefore,
            to: old.certificate.notValidAfter)
    }

    private static func signed(
        _ key: P256.Signing.PrivateKey, subject: DistinguishedName, from: Date, to: Date
    ) throws(CredentialError) -> Issuer {
        do {
            let publicKey = Certificate.PublicKey(key.publicKey)
            let certificate = try Certificate(
                version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: from,
                notValidAfter: to, issuer: subject, subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions(
                    Issuer.extensions(ofAuthority: publicKey, pathLength: 2)),
                issuerPrivateKey: .init(key))
            return Issuer(certificate: certificate, key: key)
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }

    /// What everyone who shall trust this fleet holds. PEM.
    package var trustRoots: String {
        get throws(CredentialError) { try pemText(of: issuer.certificate) }
    }

    /// The same as DER, as it travels in a join token.
    package var certificateDER: [UInt8] {
        get throws(CredentialError) {
            try RootAuthority.certificateDER(pem: try trustRoots)
        }
    }

    /// Key and certificate together: the text of the key file.
    package var pem: String { get throws(CredentialError) { try issuer.pem } }

    /// A hub's authority, which signs its nodes' authorities, the hub itself and its operators.
    package func issueIssuing(
        name: String, validity: Duration, now: WallTime
    ) throws(CredentialError) -> IssuingAuthority {
        guard isDNSLabel(name) else { throw .name(name) }
        do {
            let key = P256.Signing.PrivateKey()
            let certificate = try issuer.signAuthority(
                .init(key.publicKey), as: try distinguishedName("\(name) issuing", "Skerry"),
                pathLength: 1, validity: validity, now: now)
            return IssuingAuthority(issuer: Issuer(certificate: certificate, key: key), name: name)
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }
}
