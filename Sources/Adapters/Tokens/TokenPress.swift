import Crypto
import Foundation
import JWTKit
package import Model

/// Makes the texts of people's tokens and reads them back: JSON web tokens, signed with Ed25519.
///
/// One key, one algorithm: what a token's header says of either chooses nothing. Whether the token still
/// counts is not known here; its record on the hub says so.
package struct TokenPress: Sendable {
    /// What a token says of its bearer.
    package struct Claims: Hashable, Sendable {
        package let id: String
        package let user: String
        package let expiresAt: WallTime
    }

    /// Longer texts are not looked at.
    package static let textBytesMax = 4096
    private static let audience = "skerry-management"
    private static let algorithm = "EdDSA"

    private let keys: JWTKeyCollection
    private let kid: JWKIdentifier

    /// - Parameter seed: 32 bytes of entropy.
    package init(seed: [UInt8]) async throws(TokenFault) {
        do {
            let key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
            let digest = SHA256.hash(data: key.publicKey.rawRepresentation)
            kid = JWKIdentifier(
                string: digest.prefix(8).map { String(format: "%02x", $0) }.joined())
            keys = JWTKeyCollection()
            await keys.add(eddsa: EdDSA.PrivateKey(backing: key), kid: kid)
            // Otherwise a token that names no key would be tried with the first.
            await keys.clearDefault()
        } catch {
            throw .key("\(error)")
        }
    }

    package func text(of token: UserToken) async throws(TokenFault) -> String {
        let payload = Payload(
            iss: "skerry", aud: TokenPress.audience, sub: token.user, jti: token.id,
            iat: token.issuedAt.seconds, exp: token.expiresAt.seconds)
        do {
            return try await keys.sign(payload, kid: kid)
        } catch {
            throw .key("\(error)")
        }
    }

    /// - Throws: `notAToken` for anything but a text that this key signed for this use.
    package func read(_ text: String) async throws(TokenFault) -> Claims {
        guard text.utf8.count <= TokenPress.textBytesMax else { throw .notAToken }
        let payload: Payload
        do {
            let header = try DefaultJWTParser().parse(Array(text.utf8), as: Payload.self).header
            guard header.alg == TokenPress.algorithm, header.kid == kid.string else {
                throw TokenFault.notAToken
            }
            payload = try await keys.verify(text, as: Payload.self)
        } catch {
            throw .notAToken
        }
        guard payload.aud == TokenPress.audience, isDNSLabel(payload.sub) else { throw .notAToken }
        return Claims(
            id: payload.jti, user: payload.sub,
            expiresAt: WallTime(milliseconds: Int64(clamping: payload.exp) &* 1000))
    }

    private struct Payload: JWTPayload {
        var iss: String
        var aud: String
        var sub: String
        var jti: String
        var iat: Int
        var exp: Int

        /// Time is not the library's to tell: the caller has a clock that does not go back.
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }
}

/// Why a text is no token, or none can be made.
package enum TokenFault: Error, Equatable, Sendable, CustomStringConvertible {
    case notAToken
    case key(String)

    package var description: String {
        switch self {
        case .notAToken: "this hub did not make it"
        case .key(let reason): "the key for tokens does not work: \(reason)"
        }
    }
}

extension WallTime {
    /// Down to whole seconds, as such tokens have them.
    fileprivate var seconds: Int { Int(milliseconds / 1000) }
}
