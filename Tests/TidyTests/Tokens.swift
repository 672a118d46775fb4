/// A word or a mark of Swift code.
struct Token: Equatable, Sendable {
    let text: String
    let line: Int
}

/// Splits Swift into words and single marks, and leaves out what is not code: comments, the
/// contents of strings, and names in backticks.
///
/// It knows as much of the language as the rules need. A string ends at the latest where its line
/// does, so one misread quote cannot hide the rest of a file.
struct Lexer {
    private let bytes: [UInt8]
    private var place = 0
    private var line = 1
    private var tokens: [Token] = []

    static func tokens(of text: String) -> [Token] {
        var lexer = Lexer(bytes: Array(text.utf8))
        while lexer.place < lexer.bytes.count { lexer.step() }
        return lexer.tokens
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func step() {
        let byte = bytes[place]
        switch byte {
        case UInt8(ascii: "/") where follows("//"): skip { $0 == UInt8(ascii: "\n") }
        case UInt8(ascii: "/") where follows("/*"): skipComment()
        case UInt8(ascii: "`"):
            advance()
            skip { $0 == UInt8(ascii: "`") || $0 == UInt8(ascii: "\n") }
            advance()
            tokens.append(Token(text: "``", line: line))
        case UInt8(ascii: "\""), UInt8(ascii: "#"): string()
        case _ where Lexer.isWord(byte):
            let start = place
            skip { !Lexer.isWord($0) }
            tokens.append(
                Token(text: String(decoding: bytes[start..<place], as: UTF8.self), line: line))
        case 0...32: advance()
        default:
            tokens.append(Token(text: String(Unicode.Scalar(byte)), line: line))
            advance()
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
            || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    private func follows(_ text: String) -> Bool { bytes[place...].starts(with: text.utf8) }

    private mutating func advance() {
        guard place < bytes.count else { return }
        if bytes[place] == UInt8(ascii: "\n") { line += 1 }
        place += 1
    }

    private mutating func skip(until isEnd: (UInt8) -> Bool) {
        while place < bytes.count, !isEnd(bytes[place]) { advance() }
    }

    /// Comments nest.
    private mutating func skipComment() {
        var depth = 0
        repeat {
            if follows("/*") {
                depth += 1
                advance()
            } else if follows("*/") {
                depth -= 1
                advance()
            }
            advance()
        } while depth > 0 && place < bytes.count
    }

    private mutating func string() {
        let start = (place, line)
        var hashes = ""
        while place < bytes.count, bytes[place] == UInt8(ascii: "#") {
            hashes += "#"
            advance()
        }
        guard follows("\"") else {
            // Not a string after all: `#if`, `#expect`.
            tokens.append(Token(text: "#", line: start.1))
            return
        }
        tokens.append(Token(text: "\"\"", line: line))
        let isLong = follows("\"\"\"")
        let quote = (isLong ? "\"\"\"" : "\"") + hashes
        for _ in 0..<(isLong ? 3 : 1) { advance() }
        while place < bytes.count, !follows(quote) {
            if bytes[place] == UInt8(ascii: "\n"), !isLong { return }
            if bytes[place] == UInt8(ascii: "\\"), hashes.isEmpty {
                advance()
                if place < bytes.count, bytes[place] == UInt8(ascii: "(") {
                    skipInterpolation()
                    continue
                }
            }
            advance()
        }
        for _ in quote.utf8 { advance() }
    }

    private mutating func skipInterpolation() {
        var depth = 0
        repeat {
            switch bytes[place] {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: "\""):
                // A string inside: its own token is dropped with the rest.
                let count = tokens.count
                string()
                tokens.removeSubrange(count...)
                continue
            default: break
            }
            advance()
        } while depth > 0 && place < bytes.count
    }
}
