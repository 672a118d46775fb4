import Crypto

/// A P-256 private key that never leaves the machine on which it was made.
package struct NodeKey: Sendable {
    private let key: P256.Signing.PrivateKey

    /// Draws a new key from the system's entropy: 32 bytes, drawn again where they are not below the
    /// order of the curve (FIPS 186-5, A.2.2), which happens once in four thousand million times.
    ///
    /// The library's own draw also signs and verifies with each new key, which takes as long as all
    /// the rest of a certificate.
    package init() {
        while true {
            let entropy = SymmetricKey(size: .bits256)
            do {
                key = try entropy.withUnsafeBytes { try .init(rawRepresentation: $0) }
                return
            } catch {
                continue
            }
        }
    }

    package init(pem: String) throws(CredentialError) {
        do {
            key = try P256.Signing.PrivateKey(pemRepresentation: pem)
        } catch {
            throw .key(reason: "it is not a P-256 private key in PEM (\(error))")
        }
    }

    /// PKCS#8 PEM. Keep it in a file that only its owner may read.
    package var pem: String { key.pemRepresentation }

    /// DER SubjectPublicKeyInfo: the half that may be shown to anyone.
    package var publicKey: [UInt8] { Array(key.publicKey.derRepresentation) }

    var signing: P256.Signing.PrivateKey { key }
}

/// The key by which a machine proves for all its life which one it is: in a file, or in a chip that
/// signs and gives nothing away.
package protocol DeviceKey: Sendable {
    /// DER SubjectPublicKeyInfo of a P-256 key.
    var publicKey: [UInt8] { get }
    /// ECDSA over the SHA-256 of the message, in DER.
    func signature(of message: [UInt8]) throws -> [UInt8]
}

extension NodeKey: DeviceKey {
    package func signature(of message: [UInt8]) throws -> [UInt8] {
        Array(try key.signature(for: message).derRepresentation)
    }
}

/// What one side shows in a handshake: its certificates, leaf first, and the key to the leaf. PEM.
package struct TLSIdentity: Sendable {
    package var certificateChain: String
    package var privateKey: String

    package init(certificateChain: String, privateKey: String) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }
}
