import Foundation
import Model
import Testing
import Tokens

@Suite struct TokenPressTests {
    private static let seed = [UInt8](repeating: 7, count: 32)

    private let token = UserToken(
        id: "0123456789abcdef", user: "ann", issuedBy: "admin",
        issuedAt: WallTime(milliseconds: 1_795_000_000_000),
        expiresAt: WallTime(milliseconds: 1_795_000_060_000))

    private func text() async throws -> String {
        try await TokenPress(seed: Self.seed).text(of: token)
    }

    @Test func `a token says who it is for and nothing that its record does not`() async throws {
        let press = try await TokenPress(seed: Self.seed)
        let claims = try await press.read(try await text())
        #expect(claims.id == token.id && claims.user == "ann")
        #expect(claims.expiresAt == token.expiresAt)
    }

    @Test func `a token of another key is none`() async throws {
        let other = try await TokenPress(seed: [UInt8](repeating: 8, count: 32))
        let text = try await text()
        await #expect(throws: TokenFault.notAToken) { try await other.read(text) }
    }

    /// What the header says of algorithm and key chooses nothing.
    @Test(arguments: [
        #"{"alg":"none","typ":"JWT"}"#, #"{"alg":"none","typ":"JWT","kid":"KID"}"#,
        #"{"alg":"HS256","typ":"JWT","kid":"KID"}"#, #"{"alg":"ES256","kid":"KID"}"#,
        #"{"alg":"EdDSA"}"#, #"{"alg":"EdDSA","kid":"other"}"#, "{}", "[]", "",
        #"{"alg":"EdDSA","kid":"KID","jwk":{"kty":"OKP"}}"#,
    ])
    func `a header that asks for something else is refused`(header: String) async throws {
        let text = try await text()
        let parts = text.split(separator: ".").map(String.init)
        let honest = String(decoding: try #require(decoded(parts[0])), as: UTF8.self)
        let kid = try #require(honest.firstMatch(of: /"kid":"(\w+)"/)).1
        let forged = encoded(header.replacing("KID", with: kid))
        let press = try await TokenPress(seed: Self.seed)
        for text in [
            "\(forged).\(parts[1]).\(parts[2])", "\(forged).\(parts[1]).", "\(forged).\(parts[1])",
        ] {
            await #expect(throws: TokenFault.notAToken) { try await press.read(text) }
        }
    }

    @Test func `no single changed byte passes, and no cut`() async throws {
        let text = Array(try await text().utf8)
        let press = try await TokenPress(seed: Self.seed)
        for index in text.indices {
            var changed = text
            // Another digit of the alphabet: the last of a part may hold bits that do not count.
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "Q") : 65
            let altered = String(decoding: changed, as: UTF8.self)
            do {
                let claims = try await press.read(altered)
                #expect(claims.id == token.id && claims.user == token.user)
                #expect(index == text.count - 1, "byte \(index)")
            } catch {
                #expect(error == .notAToken)
            }
            let cut = String(decoding: text[..<index], as: UTF8.self)
            await #expect(throws: TokenFault.notAToken) { try await press.read(cut) }
        }
    }

    @Test func `noise is refused`() async throws {
        let press = try await TokenPress(seed: Self.seed)
        let long = String(repeating: "a", count: TokenPress.textBytesMax + 1)
        for text in ["", ".", "..", "...", "a.b.c", "💥.💥.💥", "=.=.=", long] {
            await #expect(throws: TokenFault.notAToken) { try await press.read(text) }
        }
    }

    private func encoded(_ text: String) -> String {
        Data(text.utf8).base64EncodedString().replacing("+", with: "-")
            .replacing("/", with: "_").replacing("=", with: "")
    }

    private func decoded(_ text: String) -> Data? {
        var text = text.replacing("-", with: "+").replacing("_", with: "/")
        while !text.utf8.count.isMultiple(of: 4) { text += "=" }
        return Data(base64Encoded: text)
    }
}
