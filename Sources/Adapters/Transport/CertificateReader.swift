package import Model
import SwiftASN1
import X509

/// Reads certificates for people.
package enum CertificateReader {
    /// Of all certificates in PEM, in their order.
    package static func facts(pem: String) throws(CredentialError) -> [CertificateFacts] {
        var facts: [CertificateFacts] = []
        for certificate in try certificates(pem: pem) { facts.append(try self.facts(certificate)) }
        return facts
    }

    static func facts(_ certificate: Certificate) throws(CredentialError) -> CertificateFacts {
        do {
            return CertificateFacts(
                subject: try certificate.spokenName, issuer: "\(certificate.issuer)",
                serial: hexadecimal(certificate.serialNumber.bytes),
                notBefore: WallTime(certificate.notValidBefore),
                notAfter: WallTime(certificate.notValidAfter),
                fingerprint: TrustRoots.digest(of: certificate) ?? "",
                device: certificate.subject.device,
                mode: try IssuanceNote(of: certificate)?.mode)
        } catch {
            throw .certificate(reason: "it cannot be read (\(error))")
        }
    }
}

extension Certificate {
    /// The URI for which it stands, or its name where there is none.
    var spokenName: String {
        get throws {
            for name in try extensions.subjectAlternativeNames ?? SubjectAlternativeNames([]) {
                if case .uniformResourceIdentifier(let uri) = name { return uri }
            }
            return "\(subject)"
        }
    }
}
