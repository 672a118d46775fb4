import Crypto
package import Model

/// Signatures over images: what is signed is the digest, so a signature holds in whatever registry the
/// image lies.
package enum ImageSeal {
    /// The role of keys that sign images. One that signs policy signs none, nor the reverse.
    package static let role = "image"
    /// Signatures that are looked at for one image: each costs a tenth of a millisecond.
    private static let signaturesMax = 8

    /// The first line differs from that of everything else that keys of ours sign.
    private static func lines(_ digest: String) -> [String] { ["skerry-image 1", digest] }

    package static func sign(
        _ image: String, with key: SigningKey
    ) throws(ImageSealFault) -> ImageSignature {
        guard key.role == role else { throw .role(key.role) }
        guard let digest = ImageSignature.digest(of: image) else { throw .noDigest(image) }
        do {
            return ImageSignature(
                key: hexadecimal(key.trusted.publicKey),
                signature: try key.sign(lines: lines(digest)).signature)
        } catch {
            throw .key(error)
        }
    }

    /// The keys that signed an image; none for one that is not named by its digest.
    static func signers(of image: String, by signatures: [ImageSignature]) -> Set<String> {
        guard let digest = ImageSignature.digest(of: image) else { return [] }
        var signers: Set<String> = []
        for signature in signatures.prefix(signaturesMax) {
            guard let key = bytes(hexadecimal: signature.key), key.count == 32,
                let word = bytes(hexadecimal: signature.signature),
                TrustedKey(role: role, publicKey: key).verifies(word, of: lines(digest))
            else { continue }
            signers.insert(signature.key)
        }
        return signers
    }
}

/// Why an image cannot be signed.
package enum ImageSealFault: Error, Equatable, Sendable, CustomStringConvertible {
    case role(String)
    case noDigest(String)
    case key(KeyFault)

    package var description: String {
        switch self {
        case .role(let role):
            "a key of role '\(role)' signs no images; make one with: skerry image keygen"
        case .noDigest(let image):
            "'\(image)' is not named by its digest, and a tag can be moved; write "
                + "REPOSITORY@sha256:…"
        case .key(let fault): "\(fault)"
        }
    }
}
