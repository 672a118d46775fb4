/// Somebody's word that an image is one to run: an Ed25519 signature over its digest.
///
/// Coded as it is written: `KEY:SIGNATURE`, in 64 and 128 hexadecimal digits. Whether the key is one to
/// rely on is for policies to say.
package struct ImageSignature: Hashable, Sendable, CustomStringConvertible {
    /// The public half of the key that signed.
    package var key: String
    package var signature: String

    package init(key: String, signature: String) {
        self.key = key
        self.signature = signature
    }

    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, isHexadecimal(parts[0], digits: 64),
            isHexadecimal(parts[1], digits: 128)
        else { return nil }
        self.init(key: parts[0], signature: parts[1])
    }

    package var description: String { "\(key):\(signature)" }

    /// Of an image that is named by its digest, that: `sha256:` and 64 digits; nil for any other.
    package static func digest(of image: String) -> String? {
        guard let at = image.utf8.lastIndex(of: UInt8(ascii: "@")) else { return nil }
        let digest = String(image[image.utf8.index(after: at)...])
        guard digest.hasPrefix("sha256:"), isHexadecimal(String(digest.dropFirst(7)), digits: 64)
        else { return nil }
        return digest
    }
}

extension ImageSignature: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decoder.text(
            ImageSignature.init, as: "a key and a signature in hexadecimal, KEY:SIGNATURE")
    }
    package func encode(to encoder: any Encoder) throws { try encoder.text(description) }
}

private func isHexadecimal(_ text: String, digits: Int) -> Bool {
    text.utf8.count == digits
        && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
}
