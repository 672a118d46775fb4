import Crypto

/// A P-256 private key that never leaves the machine on which it was made.
package struct NodeKey: Sendable {
    private let key: P256.Signing.PrivateKey

    /// Draws a new key from the system's entropy.
    package init() { key = P256.Signing.PrivateKey() }

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

/// What one side shows in a handshake: its certificates, leaf first, and the key to the leaf. PEM.
package struct TLSIdentity: Sendable {
    package var certificateChain: String
    package var privateKey: String

    package init(certificateChain: String, privateKey: String) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }
}
