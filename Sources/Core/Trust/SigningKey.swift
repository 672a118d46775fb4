import Crypto
package import Model

/// The secret half of a key: whoever has it makes policy. It belongs on a machine that is not the hub.
///
/// As text it is one line, `skerry-secret-key ROLE ed25519 HEX`.
package struct SigningKey: Sendable {
    package let role: String
    private let key: Curve25519.Signing.PrivateKey

    /// `seed` are 32 bytes of entropy.
    package init(role: String, seed: [UInt8]) throws(KeyFault) {
        guard isDNSLabel(role) else { throw .role(role) }
        self.role = role
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        } catch {
            throw .length(seed.count)
        }
    }

    package init(text: String) throws(KeyFault) {
        let (role, bytes) = try KeyText.read(text, secret: true)
        try self.init(role: role, seed: bytes)
    }

    package var text: String {
        KeyText.write(Array(key.rawRepresentation), role: role, secret: true)
    }

    package var trusted: TrustedKey {
        TrustedKey(role: role, publicKey: Array(key.publicKey.rawRepresentation))
    }

    package func sign(_ payload: PolicyPayload) throws(KeyFault) -> PolicyBundle {
        try sign(lines: payload.lines)
    }

    /// Signs lines as they are, whatever they say.
    package func sign(lines: [String]) throws(KeyFault) -> PolicyBundle {
        do {
            let signature = try key.signature(for: signedBytes(of: lines))
            return PolicyBundle(
                key: trusted.id, signature: hexadecimal(signature), payload: lines)
        } catch {
            throw .length(key.rawRepresentation.count)
        }
    }
}

/// Why a text is no key.
package enum KeyFault: Error, Equatable, Sendable, CustomStringConvertible {
    case notAKey
    /// A public key where the secret one is needed, or the reverse.
    case otherHalf(needsSecret: Bool)
    case role(String)
    case length(Int)

    package var description: String {
        switch self {
        case .notAKey:
            "it holds no key; make one with: skerry policy keygen"
        case .otherHalf(needsSecret: true):
            "it is the public half, and signing needs the secret one (the file without .pub)"
        case .otherHalf(needsSecret: false):
            "it is a secret key, which must not leave the machine that signs; give its public half "
                + "(the file that ends in .pub)"
        case .role(let role): "'\(role)' is no role of a key"
        case .length(let count): "a key of \(count) bytes, and Ed25519 has 32"
        }
    }
}

extension TrustedKey {
    /// Reads `skerry-public-key ROLE ed25519 HEX`.
    package init(text: String) throws(KeyFault) {
        let (role, bytes) = try KeyText.read(text, secret: false)
        guard isDNSLabel(role) else { throw .role(role) }
        guard bytes.count == 32 else { throw .length(bytes.count) }
        self.init(role: role, publicKey: bytes)
    }

    package var text: String { KeyText.write(publicKey, role: role, secret: false) }

    /// 16 hexadecimal digits that name the key to people: the beginning of the digest of its text.
    package var id: String {
        String(hexadecimal(SHA256.hash(data: Array(text.utf8))).prefix(16))
    }

    func verifies(_ signature: [UInt8], of lines: [String]) -> Bool {
        do {
            let key = try Curve25519.Signing.PublicKey(rawRepresentation: publicKey)
            return key.isValidSignature(signature, for: signedBytes(of: lines))
        } catch {
            // What is no key has signed nothing.
            return false
        }
    }
}

/// Keys as lines of text.
private enum KeyText {
    static func write(_ bytes: [UInt8], role: String, secret: Bool) -> String {
        "\(word(secret)) \(role) ed25519 \(hexadecimal(bytes))"
    }

    static func read(
        _ text: String, secret: Bool
    ) throws(KeyFault) -> (role: String, bytes: [UInt8]) {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count == 4, words[2] == "ed25519", let bytes = bytes(hexadecimal: words[3])
        else { throw .notAKey }
        guard words[0] == word(secret) else {
            throw words[0] == word(!secret) ? .otherHalf(needsSecret: secret) : .notAKey
        }
        return (words[1], bytes)
    }

    private static func word(_ secret: Bool) -> String {
        secret ? "skerry-secret-key" : "skerry-public-key"
    }
}

/// Every line with its end, so that no two lists of lines have the same bytes.
func signedBytes(of lines: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in lines {
        bytes += line.utf8
        bytes.append(10)
    }
    return bytes
}

func digest(of lines: [String]) -> String {
    "sha256:" + hexadecimal(SHA256.hash(data: signedBytes(of: lines)))
}
