import Crypto
import Model

/// The key by which a node signs what it says in its mesh: Ed25519, made by the node, and vouched for
/// by the roster.
package struct NodeSeal: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// `seed` are 32 bytes of entropy; nil for anything else.
    package init?(seed: [UInt8]) {
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        } catch {
            return nil
        }
    }

    /// In hexadecimal, as rosters have it.
    package var publicKey: String { hexadecimal(key.publicKey.rawRepresentation) }

    package var seed: [UInt8] { Array(key.rawRepresentation) }

    /// 64 bytes; nil where the library cannot sign, which it says of no key of this length.
    package func sign(_ bytes: [UInt8]) -> [UInt8]? {
        do {
            return Array(try key.signature(for: bytes))
        } catch {
            return nil
        }
    }

    /// Whether the holder of `publicKey` signed these bytes.
    package static func verifies(
        _ signature: [UInt8], of bytes: [UInt8], by publicKey: String
    ) -> Bool {
        guard let raw = Model.bytes(hexadecimal: publicKey) else { return false }
        do {
            return try Curve25519.Signing.PublicKey(rawRepresentation: raw)
                .isValidSignature(signature, for: bytes)
        } catch {
            // What is no key has signed nothing.
            return false
        }
    }
}
