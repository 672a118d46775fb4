import Crypto
import Foundation
import Model

/// Why a text is not a join token. The description is for people.
package enum JoinTokenError: Error, Hashable, Sendable {
    case notAToken
    case incomplete
    case tooLong(limit: Int)
}

extension JoinTokenError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notAToken: "this is not a join token: one begins with \(JoinTokenText.prefix)"
        case .incomplete:
            "the join token was not copied whole or was changed; copy it again from where it was made"
        case .tooLong(let limit): "this is not a join token: it is longer than \(limit) characters"
        }
    }
}

/// A join token as it is handed to a person: everything a new node needs, in one URL-safe word.
///
/// It carries the hub's authority, so that the node trusts exactly that hub from the first byte.
/// `skj1.ID.PAYLOAD`, where PAYLOAD is base64url of the fields below, each behind its length, and
/// the start of a digest that tells a damaged token from a refused one.
package struct JoinTokenText: Hashable, Sendable {
    /// The public part, by which the hub finds the token.
    package var id: String
    /// `host:port` where the hub enrols.
    package var hub: String
    /// What the node shows to the hub. The hub keeps its digest only.
    package var secret: String
    /// DER of the authority's certificate.
    package var authority: [UInt8]

    package static let prefix = "skj1."
    private static let lengthMax = 8192
    private static let checkLength = 8

    /// Draws an id and a secret of 256 bits from the system's entropy.
    package init(hub: String, authority: [UInt8]) {
        id = hexadecimal(entropy(bits: 64))
        secret = base64URL(entropy(bits: 256))
        self.hub = hub
        self.authority = authority
    }

    package init(text: String) throws(JoinTokenError) {
        guard text.utf8.count <= Self.lengthMax else { throw .tooLong(limit: Self.lengthMax) }
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.hasPrefix(Self.prefix) else { throw .notAToken }
        let parts = text.dropFirst(Self.prefix.count).split(
            separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, var payload = bytes(ofBase64URL: parts[1])?[...],
            payload.count > Self.checkLength
        else { throw .incomplete }
        let id = String(parts[0])
        let check = payload.suffix(Self.checkLength)
        payload = payload.dropLast(Self.checkLength)
        guard check.elementsEqual(Self.check(id: id, payload: payload)),
            let hub = field(from: &payload), let secret = field(from: &payload),
            let authority = field(from: &payload), payload.isEmpty
        else { throw .incomplete }
        self.id = id
        self.hub = String(decoding: hub, as: UTF8.self)
        self.secret = base64URL(secret)
        self.authority = Array(authority)
    }

    package var text: String {
        var payload: [UInt8] = []
        for part in [Array(hub.utf8), bytes(ofBase64URL: secret[...]) ?? [], authority] {
            payload += [
                UInt8(truncatingIfNeeded: part.count >> 8), UInt8(truncatingIfNeeded: part.count),
            ]
            payload += part
        }
        payload += Self.check(id: id, payload: payload[...])
        return Self.prefix + id + "." + base64URL(payload)
    }

    /// What the hub stores of a secret and compares with: SHA-256 in hexadecimal.
    package static func digest(ofSecret secret: String) -> String {
        hexadecimal(SHA256.hash(data: Array(secret.utf8)))
    }

    private static func check(id: String, payload: ArraySlice<UInt8>) -> [UInt8] {
        Array(SHA256.hash(data: Array(id.utf8) + payload).prefix(checkLength))
    }
}

private func field(from payload: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let high = payload.popFirst(), let low = payload.popFirst() else { return nil }
    let length = Int(high) << 8 | Int(low)
    guard payload.count >= length else { return nil }
    defer { payload = payload.dropFirst(length) }
    return payload.prefix(length)
}

private func entropy(bits: Int) -> [UInt8] {
    SymmetricKey(size: SymmetricKeySize(bitCount: bits)).withUnsafeBytes { Array($0) }
}

private func base64URL(_ bytes: some Sequence<UInt8>) -> String {
    String(
        Data(bytes).base64EncodedString().compactMap { (character: Character) -> Character? in
            switch character {
            case "+": "-"
            case "/": "_"
            case "=": nil
            default: character
            }
        })
}

private func bytes(ofBase64URL text: Substring) -> [UInt8]? {
    var standard = ""
    for character in text {
        switch character {
        case "-": standard.append("+")
        case "_": standard.append("/")
        case "+", "/", "=": return nil
        default: standard.append(character)
        }
    }
    standard += String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
    return Data(base64Encoded: standard).map { Array($0) }
}
