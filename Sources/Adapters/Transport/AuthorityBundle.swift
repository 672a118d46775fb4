import Crypto
package import Model
import SwiftASN1
import X509

/// What the machine with the root's key hands to a hub: the hub's issuing authority, the root that
/// signed it, and what earlier roots gave to that.
package struct AuthorityBundle: Sendable {
    package let issuing: IssuingAuthority
    /// PEM.
    package let root: String
    package let links: String

    /// - Parameter key: PEM of the key for which the hub asked.
    package init(
        _ text: String, key: String, name: String, now: WallTime
    ) throws(CredentialError) {
        let parts = try certificates(pem: text)
        let asked = try NodeKey(pem: key)
        guard parts.count >= 2, parts.count <= 2 + TrustRoots.linksMax else {
            throw .certificate(reason: "it holds not an authority and its root")
        }
        issuing = IssuingAuthority(
            issuer: Issuer(certificate: parts[0], key: asked.signing), name: name)
        root = try pemText(of: parts[1])
        var links = ""
        for link in parts.dropFirst(2) { links += try pemText(of: link) }
        self.links = links
        guard parts[0].publicKey == Certificate.PublicKey(asked.signing.publicKey) else {
            throw .certificate(reason: "it is for another request than the last of this hub")
        }
        do {
            guard try parts[0].isAuthority(pathLength: 1), try parts[1].isAuthority(pathLength: 2),
                parts[1].publicKey.isValidSignature(parts[1].signature, for: parts[1]),
                try issuing.isBelow(roots: root), issuing.notAfter > now
            else { throw CredentialError.certificate(reason: "it is no authority below its root") }
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }
}

extension NodeKey {
    /// A request (PKCS #10) to certify this key as a hub's issuing authority. PEM.
    package func request(named name: String) throws(CredentialError) -> String {
        guard isDNSLabel(name) else { throw .name(name) }
        do {
            let request = try CertificateSigningRequest(
                version: .v1, subject: try distinguishedName("\(name) issuing", "Skerry"),
                privateKey: .init(signing), attributes: .init(),
                signatureAlgorithm: .ecdsaWithSHA256)
            return try request.serializeAsPEM().pemString + "\n"
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }
}

extension RootAuthority {
    /// An issuing authority for the key in a request. Of the request the name and the key are taken.
    package func sign(
        request text: String, validity: Duration, now: WallTime
    ) throws(CredentialError) -> String {
        do {
            let request = try CertificateSigningRequest(pemEncoded: text)
            guard request.publicKey.isValidSignature(request.signature, for: request),
                P256.Signing.PublicKey(request.publicKey) != nil
            else {
                throw CredentialError.certificate(
                    reason: "the request is not signed by its own key")
            }
            guard request.subject.isIssuing else {
                throw CredentialError.certificate(
                    reason: "the request is not for a hub's issuing authority")
            }
            return try pemText(
                of: issuer.signAuthority(
                    request.publicKey, as: request.subject, pathLength: 1, validity: validity,
                    now: now))
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "the request cannot be read (\(error))")
        }
    }

    /// The certificate by which those who trust this root accept the one that follows it. PEM.
    package func vouch(for next: RootAuthority, now: WallTime) throws(CredentialError) -> String {
        let certificate = next.issuer.certificate
        do {
            return try pemText(
                of: issuer.signAuthority(
                    certificate.publicKey, as: certificate.subject, pathLength: 1,
                    validity: .seconds(20 * 365 * 86_400), now: now))
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }

    /// Of the first certificate in PEM.
    package static func certificateDER(pem: String) throws(CredentialError) -> [UInt8] {
        do { return Array(try PEMDocument(pemString: pem).derBytes) } catch {
            throw .certificate(reason: "\(error)")
        }
    }
}
