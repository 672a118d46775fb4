import Crypto
import Foundation
import Model
import SwiftASN1
import X509

/// A certificate that may sign others, and its P-256 key.
struct Issuer: Sendable {
    let certificate: Certificate
    let key: P256.Signing.PrivateKey

    /// Back-dates what is issued, for machines whose clocks run a little behind.
    static let clockTolerance: Duration = .seconds(60)

    /// Reads the key and the first certificate that `pem` holds, in any order.
    init(pem: String) throws(CredentialError) {
        do {
            let documents = try PEMDocument.parseMultiple(pemString: pem)
            guard let certificate = documents.first(where: { $0.discriminator == "CERTIFICATE" }),
                let key = documents.first(where: { $0.discriminator == "PRIVATE KEY" })
            else { throw CredentialError.key(reason: "it lacks the key or the certificate") }
            self.certificate = try Certificate(pemDocument: certificate)
            self.key = try P256.Signing.PrivateKey(pemRepresentation: key.pemString)
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .key(reason: "\(error)")
        }
        guard certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw .key(reason: "the key and the certificate do not belong together")
        }
    }

    init(certificate: Certificate, key: P256.Signing.PrivateKey) {
        self.certificate = certificate
        self.key = key
    }

    /// Key and certificate together: the text of a key file.
    var pem: String {
        get throws(CredentialError) {
            try pemText(of: certificate) + "\n" + key.pemRepresentation + "\n"
        }
    }

    /// What the two kinds of certificate have in common is said once, here.
    func sign(
        _ publicKey: Certificate.PublicKey, as subject: DistinguishedName, validity: Duration,
        from begin: WallTime? = nil, now: WallTime, extensions: [Certificate.Extension]
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey,
            notValidBefore: max(
                Date(begin ?? now - Issuer.clockTolerance), certificate.notValidBefore),
            // A certificate that outlives its issuer breaks on a day nobody watches.
            notValidAfter: min(Date(now + validity), certificate.notValidAfter),
            issuer: certificate.subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions(
                extensions + [
                    try Certificate.Extension(
                        AuthorityKeyIdentifier(
                            keyIdentifier: try certificate.extensions.subjectKeyIdentifier?
                                .keyIdentifier), critical: false)
                ]),
            issuerPrivateKey: .init(key))
    }

    /// An authority below this one.
    func signAuthority(
        _ publicKey: Certificate.PublicKey, as subject: DistinguishedName, pathLength: Int,
        confinedTo host: String? = nil, validity: Duration, now: WallTime
    ) throws -> Certificate {
        var extensions = try Issuer.extensions(ofAuthority: publicKey, pathLength: pathLength)
        if let host {
            extensions.append(
                try Certificate.Extension(NameConstraints(confiningTo: host), critical: true))
        }
        return try sign(
            publicKey, as: subject, validity: validity, now: now, extensions: extensions)
    }

    /// A certificate that signs nothing.
    func signLeaf(
        _ publicKey: Certificate.PublicKey, as subject: DistinguishedName,
        alternatives: [GeneralName], usage: ExtendedKeyUsage.Usage, validity: Duration,
        from begin: WallTime? = nil, now: WallTime, note: IssuanceNote? = nil
    ) throws -> Certificate {
        var extensions = [
            try Certificate.Extension(BasicConstraints.notCertificateAuthority, critical: true),
            try Certificate.Extension(KeyUsage(digitalSignature: true), critical: true),
            try Certificate.Extension(try ExtendedKeyUsage([usage]), critical: false),
            try Certificate.Extension(SubjectAlternativeNames(alternatives), critical: false),
        ]
        if let note { extensions.append(try note.certificateExtension) }
        return try sign(
            publicKey, as: subject, validity: validity, from: begin, now: now,
            extensions: extensions)
    }

    static func extensions(
        ofAuthority publicKey: Certificate.PublicKey, pathLength: Int
    ) throws -> [Certificate.Extension] {
        [
            try Certificate.Extension(
                BasicConstraints.isCertificateAuthority(maxPathLength: pathLength), critical: true),
            try Certificate.Extension(KeyUsage(keyCertSign: true), critical: true),
            try Certificate.Extension(SubjectKeyIdentifier(hash: publicKey), critical: false),
        ]
    }
}

extension NameConstraints {
    /// Names at `host` only, and no address at all.
    init(confiningTo host: String) {
        self.init(
            permittedDNSDomains: [host],
            excludedIPRanges: [4, 16].map { length in
                // An address of zeros and a mask of zeros: every address there is.
                ASN1OctetString(contentBytes: [UInt8](repeating: 0, count: 2 * length)[...])
            },
            permittedURIDomains: [host])
    }
}

extension DistinguishedName {
    /// The name of a node's authority. It holds the device for which it was made, so that the
    /// authority of an earlier machine of the same name is told from that of this one.
    init(authorityOf host: String, device: String?) {
        let parts: [(ASN1ObjectIdentifier, String)] =
            [(.RDNAttributeType.commonName, host)]
            + (device.map { [(DistinguishedName.serialNumber, $0)] } ?? [])
        self.init(
            parts.map { type, text in
                RelativeDistinguishedName([.init(type: type, utf8String: text)])
            })
    }

    /// What a leaf's issuer says; a path is built by these names, so a node cannot change it.
    var device: String? {
        for part in self {
            for attribute in part where attribute.type == DistinguishedName.serialNumber {
                return String(attribute.value)
            }
        }
        return nil
    }

    /// Whether it is one that a root has, or a hub's issuing authority. Every root is made with such a
    /// name, and no root signs a request under one.
    var isRoot: Bool { commonName?.hasSuffix(" root") == true }
    var isIssuing: Bool { commonName?.hasSuffix(" issuing") == true }

    private var commonName: String? {
        for part in self {
            for attribute in part where attribute.type == .RDNAttributeType.commonName {
                return String(attribute.value)
            }
        }
        return nil
    }

    /// X.520, section 6.2.9.
    private static let serialNumber: ASN1ObjectIdentifier = [2, 5, 4, 5]
}

func distinguishedName(_ common: String, _ organization: String?) throws -> DistinguishedName {
    try DistinguishedName {
        CommonName(common)
        if let organization { OrganizationName(organization) }
    }
}

func pemText(of certificate: Certificate) throws(CredentialError) -> String {
    do { return try certificate.serializeAsPEM().pemString + "\n" } catch {
        throw .certificate(reason: "\(error)")
    }
}

/// Reads certificates in PEM; at least one.
func certificates(pem: String) throws(CredentialError) -> [Certificate] {
    let found: [Certificate]
    do {
        found = try PEMDocument.parseMultiple(pemString: pem).map {
            try Certificate(pemDocument: $0)
        }
    } catch {
        throw .certificate(reason: "it is not PEM (\(error))")
    }
    guard !found.isEmpty else { throw .certificate(reason: "there is none") }
    return found
}

func p256(_ publicKey: [UInt8]) throws(CredentialError) -> Certificate.PublicKey {
    do {
        return .init(try P256.Signing.PublicKey(derRepresentation: publicKey))
    } catch {
        throw .key(reason: "the node's public key is not P-256 SubjectPublicKeyInfo")
    }
}

extension WallTime {
    static func - (time: WallTime, duration: Duration) -> WallTime {
        WallTime(milliseconds: time.milliseconds - duration.nanoseconds / 1_000_000)
    }
}

extension Date {
    init(_ time: WallTime) {
        self.init(timeIntervalSince1970: Double(time.milliseconds) / 1000)
    }
}
