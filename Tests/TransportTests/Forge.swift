import Crypto
import Foundation
import Model
import SwiftASN1
import Transport
import X509

/// Whoever holds the key of an authority can sign what he likes: the tests do here what a thief
/// would.
struct Forge: Sendable {
    let certificate: Certificate
    let key: P256.Signing.PrivateKey
    /// PEM of this authority and of those above it, without the root.
    let chain: String

    init(certificate: Certificate, key: P256.Signing.PrivateKey, above chain: String) throws {
        self.certificate = certificate
        self.key = key
        self.chain = try certificate.serializeAsPEM().pemString + "\n" + chain
    }

    /// A thief of a node's authority.
    init(
        of node: NodeID, at site: SiteID = "harbour", in authorities: Authorities,
        validity: Duration = .seconds(345_600)
    ) throws {
        let key = NodeKey()
        chain = try authorities.issuing.issueNodeAuthority(
            node, site: site, publicKey: key.publicKey, validity: validity, now: clock())
        certificate = try Certificate(pemEncoded: Forge.first(of: chain))
        self.key = try P256.Signing.PrivateKey(pemRepresentation: key.pem)
    }

    /// A thief of the hub's issuing authority, or of the root.
    init(pem: String, isRoot: Bool = false) throws {
        let documents = try PEMDocument.parseMultiple(pemString: pem)
        certificate = try Certificate(pemDocument: documents[0])
        key = try P256.Signing.PrivateKey(pemRepresentation: documents[1].pemString)
        chain = isRoot ? "" : documents[0].pemString + "\n"
    }

    static func first(of pem: String) throws -> String {
        try PEMDocument.parseMultiple(pemString: pem)[0].pemString
    }

    /// What a leaf says. As it stands it is a good one for node n1.
    struct Leaf: Sendable {
        var names: [GeneralName] = [
            .uniformResourceIdentifier("spiffe://n1.harbour.skerry/node/n1")
        ]
        var begin = -60.0
        var life = 900.0
        var basic: BasicConstraints? = .notCertificateAuthority
        var uses = KeyUsage(digitalSignature: true)
        var purposes: [ExtendedKeyUsage.Usage] = [.clientAuth]
        var others: [Certificate.Extension] = []
        var constraints: NameConstraints?
    }

    /// The chain in PEM, leaf first, and the key to the leaf.
    func sign(_ leaf: Leaf, now: Date = Date()) throws -> (
        chain: String, key: P256.Signing.PrivateKey
    ) {
        let own = P256.Signing.PrivateKey()
        let made = try make(leaf, .init(own.publicKey), now)
        return (try made.serializeAsPEM().pemString + "\n" + chain, own)
    }

    /// An authority below this one, whether or not it may have any.
    func authority(_ leaf: Leaf) throws -> Forge {
        let own = P256.Signing.PrivateKey()
        var leaf = leaf
        leaf.names = []
        leaf.purposes = []
        leaf.uses = KeyUsage(keyCertSign: true)
        leaf.life = 3_000
        return try Forge(
            certificate: try make(leaf, .init(own.publicKey), Date()), key: own, above: chain)
    }

    private func make(
        _ leaf: Leaf, _ publicKey: Certificate.PublicKey, _ now: Date
    ) throws -> Certificate {
        let name = try DistinguishedName { CommonName("n\(UInt32.random(in: 0 ... .max))") }
        return try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey,
            notValidBefore: max(now + leaf.begin, certificate.notValidBefore),
            notValidAfter: now + leaf.life, issuer: certificate.subject, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                if let basic = leaf.basic { Critical(basic) }
                Critical(leaf.uses)
                if !leaf.purposes.isEmpty { try ExtendedKeyUsage(leaf.purposes) }
                if !leaf.names.isEmpty { SubjectAlternativeNames(leaf.names) }
                if let constraints = leaf.constraints { Critical(constraints) }
                for other in leaf.others { other }
            }, issuerPrivateKey: .init(key))
    }
}
