import Crypto
import Foundation

/// A node's own key for values that are meant for it alone: X25519, used by HPKE (RFC 9180) with
/// HKDF-SHA256 and ChaCha20-Poly1305.
///
/// It is another key than the device's, which may lie in a chip that signs and does nothing else.
package struct SecretsKey: Sendable {
    fileprivate static let suite = HPKE.Ciphersuite.Curve25519_SHA256_ChachaPoly
    fileprivate static let info = Data("skerry.dev/v1 secret".utf8)
    fileprivate static let keyCount = 32

    private let key: Curve25519.KeyAgreement.PrivateKey

    /// Draws a new key from the system's entropy.
    package init() { key = Curve25519.KeyAgreement.PrivateKey() }

    package init(bytes: [UInt8]) throws(CredentialError) {
        do {
            key = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: bytes)
        } catch {
            throw .key(reason: "\(bytes.count) bytes are no X25519 key")
        }
    }

    package var bytes: [UInt8] { Array(key.rawRepresentation) }
    package var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// Opens what was sealed for this key under this name.
    package func open(_ box: [UInt8], as name: String) throws(CredentialError) -> [UInt8] {
        guard box.count > SecretsKey.keyCount else { throw .key(reason: "the box is too short") }
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key, ciphersuite: SecretsKey.suite, info: SecretsKey.info,
                encapsulatedKey: Data(box.prefix(SecretsKey.keyCount)))
            return Array(
                try recipient.open(
                    box.dropFirst(SecretsKey.keyCount), authenticating: Data(name.utf8)))
        } catch {
            throw .key(reason: "it was sealed for another key or under another name")
        }
    }

    /// Seals for whoever holds the other half of `publicKey`.
    package static func seal(
        _ text: [UInt8], as name: String, for publicKey: [UInt8]
    ) throws(CredentialError) -> [UInt8] {
        do {
            var sender = try HPKE.Sender(
                recipientKey: Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey),
                ciphersuite: suite, info: info)
            let text = try sender.seal(text, authenticating: Data(name.utf8))
            return Array(sender.encapsulatedKey) + Array(text)
        } catch {
            throw .key(reason: "nothing can be sealed for it")
        }
    }
}
