import Crypto
import Model

/// 32 bytes under which keys and secrets are sealed with AES-256-GCM; zeroed when the last copy goes.
///
/// A box is a nonce of 12 bytes, the text, and a tag of 16. It opens under the name alone for which it
/// was made, so that one sealed thing cannot be put in the place of another.
package struct SealingKey: Sendable {
    package static let byteCount = 32
    /// Entropy that each seal takes.
    package static let nonceCount = 12

    private let key: SymmetricKey

    /// Nil unless there are 32 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == SealingKey.byteCount else { return nil }
        key = SymmetricKey(data: bytes)
    }

    init(_ key: SymmetricKey) { self.key = key }

    /// Derives one from entropy that was not made as a key, such as a systemd credential.
    package init(derivedFrom secret: [UInt8], salt: [UInt8]) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), salt: salt,
            info: Array("skerry.dev/v1 sealing".utf8), outputByteCount: SealingKey.byteCount)
    }

    /// 16 hexadecimal digits that tell it from another and tell nothing of it.
    package var id: String { String(digest(of: [], for: "id").prefix(16)) }

    package var bytes: [UInt8] { key.withUnsafeBytes { Array($0) } }

    /// `nonce`: 12 bytes of entropy, never used before with this key.
    package func seal(
        _ text: [UInt8], as name: String, nonce: [UInt8]
    ) throws(SealingFault) -> [UInt8] {
        do {
            let box = try AES.GCM.seal(
                text, using: key, nonce: AES.GCM.Nonce(data: nonce),
                authenticating: Array(name.utf8))
            return nonce + Array(box.ciphertext) + Array(box.tag)
        } catch {
            throw .nonce(nonce.count)
        }
    }

    package func open(_ box: [UInt8], as name: String) throws(SealingFault) -> [UInt8] {
        guard box.count >= SealingKey.nonceCount + 16 else { throw .notSealedHere }
        do {
            return Array(
                try AES.GCM.open(
                    AES.GCM.SealedBox(combined: box), using: key,
                    authenticating: Array(name.utf8)))
        } catch {
            throw .notSealedHere
        }
    }

    /// Tells two texts apart without telling what they are: HMAC-SHA256, in hexadecimal. Who has not
    /// this key cannot try which text it is.
    package func digest(of text: [UInt8], for purpose: String) -> String {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Array(purpose.utf8) + [0])
        code.update(data: text)
        return hexadecimal(code.finalize())
    }
}

/// Why something was not sealed or did not open.
package enum SealingFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another key, another name, or changed since.
    case notSealedHere
    case nonce(Int)
    case parameters

    package var description: String {
        switch self {
        case .notSealedHere: "it was sealed under another key or for another file, or is damaged"
        case .nonce(let count): "a nonce of \(count) bytes, and sealing takes 12"
        case .parameters: "its scrypt parameters are not ones that this program uses"
        }
    }
}
