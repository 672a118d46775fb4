import Foundation
import Model
import Testing
import Transport

@Suite struct JoinTokenTextTests {
    private func token() -> JoinTokenText {
        JoinTokenText(hub: "hub.example:7444", authority: (0..<400).map { UInt8($0 & 255) })
    }

    @Test func `a token reads back from its text`() throws {
        let token = token()
        #expect(try JoinTokenText(text: token.text) == token)
        #expect(try JoinTokenText(text: " \(token.text)\n") == token)
    }

    @Test func `the text is one word that is safe in a URL and begins with the public id`() {
        let token = token()
        #expect(token.text.hasPrefix("skj1.\(token.id)."))
        #expect(
            token.text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            })
    }

    @Test func `no two tokens share an id or a secret, and a secret has 256 bits`() {
        let tokens = (0..<50).map { _ in token() }
        #expect(Set(tokens.map(\.id)).count == 50)
        #expect(Set(tokens.map(\.secret)).count == 50)
        #expect(tokens[0].secret.utf8.count == 43)
    }

    @Test func `the digest is SHA-256`() {
        #expect(
            JoinTokenText.digest(ofSecret: "abc")
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func `a token with any one character changed or cut off is not taken`() {
        let text = token().text
        for index in text.indices.dropFirst(JoinTokenText.prefix.count) {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(throws: JoinTokenError.incomplete) { try JoinTokenText(text: changed) }
            #expect(throws: JoinTokenError.self) { try JoinTokenText(text: String(text[..<index])) }
        }
    }

    @Test(arguments: [
        "", "skj1.", "skj1..", "skj1.a", "skj1.a.b.c", "skj1.é.é", "skj2.a.b", "hello",
        "skj1.a." + String(repeating: "A", count: 100), String(repeating: "x", count: 100_000),
        "skj1.\u{0}.\u{0}", "skj1.a.====", "\u{FFFD}\u{1F600}",
    ])
    func `garbage is an error with a sentence`(text: String) {
        #expect {
            try JoinTokenText(text: text)
        } throws: { error in
            (error as? JoinTokenError)?.description.contains("token") == true
        }
    }

    @Test func `random bytes are an error, never a crash`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0..<300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let text = "skj1.a." + Data(bytes).base64EncodedString()
            #expect(throws: JoinTokenError.self) { try JoinTokenText(text: text) }
        }
    }
}
