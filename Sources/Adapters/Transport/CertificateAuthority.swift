import Crypto
import Foundation
package import Model
import SwiftASN1
import X509

/// The hub's own P-256 authority: it signs the hub, its nodes and its operators, and nobody below it
/// may sign further.
///
/// A certificate says only what the hub decided. Of a request nothing but the public key is taken.
package struct CertificateAuthority: Sendable {
    private let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    /// Back-dates what is issued, for machines whose clocks run a little behind.
    private static let clockTolerance: Duration = .seconds(60)

    /// Makes a new authority with a key from the system's entropy.
    package init(name: String, validity: Duration, now: WallTime) throws(CredentialError) {
        guard isDNSLabel(name) else { throw .name(name) }
        let key = P256.Signing.PrivateKey()
        do {
            let subject = try DistinguishedName {
                CommonName("\(name) authority")
                OrganizationName("Skerry")
            }
            certificate = try Certificate(
                version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
                notValidBefore: Date(now - Self.clockTolerance),
                notValidAfter: Date(now + validity),
                issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try .init {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
                },
                issuerPrivateKey: .init(key))
        } catch {
            throw .certificate(reason: "\(error)")
        }
        self.key = key
    }

    /// Reads the key and certificate that `pem` holds, in any order.
    package init(pem: String) throws(CredentialError) {
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

    /// What everyone who shall trust this hub holds. PEM.
    package var trustRoots: String {
        get throws(CredentialError) { try pemText(of: certificate) }
    }

    /// The same as DER, as it travels in a join token.
    package var certificateDER: [UInt8] {
        get throws(CredentialError) {
            do { return Array(try PEMDocument(pemString: try trustRoots).derBytes) } catch {
                throw .certificate(reason: "\(error)")
            }
        }
    }

    /// Key and certificate together: the text of the key file.
    var pem: String {
        get throws(CredentialError) { try trustRoots + "\n" + key.pemRepresentation + "\n" }
    }

    /// A server certificate for the hub. `names` are DNS names and IP addresses; `localhost`,
    /// 127.0.0.1 and ::1 are always among them.
    package func issueHub(
        names: [String], validity: Duration, now: WallTime
    ) throws(CredentialError) -> TLSIdentity {
        var seen: Set<String> = []
        let all = (["localhost", "127.0.0.1", "::1"] + names).filter { seen.insert($0).inserted }
        var alternatives: [GeneralName] = []
        for name in all { alternatives.append(try generalName(name)) }
        let key = NodeKey()
        return TLSIdentity(
            certificateChain: try issue(
                publicKey: .init(key.signing.publicKey), commonName: "hub", organization: nil,
                alternatives: alternatives, usage: .serverAuth, validity: validity, now: now),
            privateKey: key.pem)
    }

    /// A client certificate for a node, as PEM. `publicKey` is DER SubjectPublicKeyInfo, P-256.
    package func issueNode(
        _ node: NodeID, site: SiteID, publicKey: [UInt8], validity: Duration, now: WallTime
    ) throws(CredentialError) -> String {
        let key: P256.Signing.PublicKey
        do {
            key = try P256.Signing.PublicKey(derRepresentation: publicKey)
        } catch {
            throw .key(reason: "the node's public key is not P-256 SubjectPublicKeyInfo")
        }
        return try issue(
            .node(node, site: site), publicKey: .init(key), organization: nil, validity: validity,
            now: now)
    }

    /// A client certificate with its key for a person who runs the fleet.
    package func issueOperator(
        _ name: String, validity: Duration, now: WallTime
    ) throws(CredentialError) -> TLSIdentity {
        let key = NodeKey()
        return TLSIdentity(
            certificateChain: try issue(
                .user(name), publicKey: .init(key.signing.publicKey), organization: "operator",
                validity: validity, now: now),
            privateKey: key.pem)
    }

    private func issue(
        _ identity: PeerIdentity, publicKey: Certificate.PublicKey, organization: String?,
        validity: Duration, now: WallTime
    ) throws(CredentialError) -> String {
        for name in identity.names where !isDNSLabel(name) { throw .name(name) }
        return try issue(
            publicKey: publicKey, commonName: identity.names[0], organization: organization,
            alternatives: [.uniformResourceIdentifier(identity.uri)], usage: .clientAuth,
            validity: validity, now: now)
    }

    private func issue(
        publicKey: Certificate.PublicKey, commonName: String, organization: String?,
        alternatives: [GeneralName], usage: ExtendedKeyUsage.Usage, validity: Duration,
        now: WallTime
    ) throws(CredentialError) -> String {
        do {
            let leaf = try Certificate(
                version: .v3, serialNumber: .init(), publicKey: publicKey,
                notValidBefore: max(
                    Date(now - Self.clockTolerance), certificate.notValidBefore),
                // A leaf that outlives its issuer breaks on a day nobody watches.
                notValidAfter: min(Date(now + validity), certificate.notValidAfter),
                issuer: certificate.subject,
                subject: try DistinguishedName {
                    CommonName(commonName)
                    if let organization { OrganizationName(organization) }
                },
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try .init {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([usage])
                    SubjectAlternativeNames(alternatives)
                    AuthorityKeyIdentifier(
                        keyIdentifier: try certificate.extensions.subjectKeyIdentifier?
                            .keyIdentifier)
                },
                issuerPrivateKey: .init(key))
            return try pemText(of: leaf)
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }
}

private func pemText(of certificate: Certificate) throws(CredentialError) -> String {
    do { return try certificate.serializeAsPEM().pemString + "\n" } catch {
        throw .certificate(reason: "\(error)")
    }
}

private func generalName(_ text: String) throws(CredentialError) -> GeneralName {
    if let address = addressBytes(text) {
        return .ipAddress(ASN1OctetString(contentBytes: address[...]))
    }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, labels.allSatisfy({ isDNSLabel(String($0)) }) else {
        throw .name(text)
    }
    return .dnsName(text)
}

/// The 4 or 16 bytes of an IP address in text; nil for anything else.
func addressBytes(_ text: String) -> [UInt8]? {
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: &v4) { Array($0) } }
    var v6 = in6_addr()
    if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: &v6) { Array($0) } }
    return nil
}

extension WallTime {
    fileprivate static func - (time: WallTime, duration: Duration) -> WallTime {
        WallTime(milliseconds: time.milliseconds - duration.nanoseconds / 1_000_000)
    }
}

extension Date {
    init(_ time: WallTime) {
        self.init(timeIntervalSince1970: Double(time.milliseconds) / 1000)
    }
}
