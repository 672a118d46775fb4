package import Model
import SwiftASN1
import X509

/// What the issuer of a node's certificate adds about the circumstances: a private extension.
///
/// The node's own authority writes it, so it is the node's word and binds nobody else.
package struct IssuanceNote: Hashable, Sendable {
    package var mode: IssuanceMode
    /// The boot of the machine in which it was issued.
    package var boot: UInt64

    package init(mode: IssuanceMode, boot: UInt64) {
        self.mode = mode
        self.boot = boot
    }

    /// Under 2.25, where nobody needs to be asked: the last number was drawn at random.
    static let oid: ASN1ObjectIdentifier = [2, 25, 6_112_783_154_920_468_213]

    var certificateExtension: Certificate.Extension {
        get throws {
            var serializer = DER.Serializer()
            try serializer.appendConstructedNode(identifier: .sequence) { sequence in
                try sequence.serialize(ASN1UTF8String(mode.rawValue))
                try sequence.serialize(ASN1OctetString(contentBytes: bytes[...]))
            }
            return Certificate.Extension(
                oid: IssuanceNote.oid, critical: false, value: serializer.serializedBytes[...])
        }
    }

    private var bytes: [UInt8] { withUnsafeBytes(of: boot.bigEndian) { Array($0) } }

    /// Nil where the certificate has none.
    init?(of certificate: Certificate) throws {
        guard let value = certificate.extensions[oid: IssuanceNote.oid]?.value else { return nil }
        self = try DER.sequence(try DER.parse(value), identifier: .sequence) { nodes in
            let text = String(try ASN1UTF8String(derEncoded: &nodes))
            let octets = try ASN1OctetString(derEncoded: &nodes).bytes
            guard let mode = IssuanceMode(rawValue: text), octets.count == 8 else {
                throw CredentialError.certificate(reason: "its note of issuance is not one")
            }
            return IssuanceNote(mode: mode, boot: octets.reduce(0) { $0 << 8 | UInt64($1) })
        }
    }

    /// Of the first certificate in PEM; nil where that has none.
    package init?(pem: String) throws(CredentialError) {
        do {
            try self.init(of: certificates(pem: pem)[0])
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "its note of issuance cannot be read (\(error))")
        }
    }
}
