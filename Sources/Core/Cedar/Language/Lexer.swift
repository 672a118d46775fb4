/// Divides a policy text into tokens. What is no token becomes a `broken` one and a fault.
struct Lexer {
    private let source: [UInt8]
    private var offset = 0
    private(set) var tokens: [Token] = []
    private(set) var faults: [Fault] = []

    init(_ source: [UInt8]) {
        self.source = source
        while let token = next() { tokens.append(token) }
        tokens.append(Token(kind: .end, start: source.count, end: source.count))
    }

    private func byte(_ distance: Int = 0) -> UInt8? {
        offset + distance < source.count ? source[offset + distance] : nil
    }

    private mutating func next() -> Token? {
        skipBlanks()
        guard let first = byte() else { return nil }
        let start = offset
        if isLetter(first) {
            skipWord()
            return Token(kind: .word, start: start, end: offset)
        }
        if isDigit(first) {
            while let digit = byte(), isDigit(digit) { offset += 1 }
            return Token(kind: .number, start: start, end: offset)
        }
        if first == 0x22 { return string() }
        if first == 0x3F, let letter = byte(1), isLetter(letter) {
            offset += 1
            skipWord()
            return Token(kind: .slot, start: start, end: offset)
        }
        return sign() ?? unknown()
    }

    private mutating func skipWord() {
        while let letter = byte(), isLetter(letter) || isDigit(letter) { offset += 1 }
    }

    private mutating func skipBlanks() {
        while let first = byte() {
            if first == 0x20 || (0x09...0x0D).contains(first) {
                offset += 1
            } else if first == 0x2F, byte(1) == 0x2F {
                while let other = byte(), other != 0x0A, other != 0x0D { offset += 1 }
            } else if first >= 0x80, let blank = scalar(), blank.properties.isWhitespace {
                offset += blank.utf8.count
            } else {
                return
            }
        }
    }

    /// The scalar that begins here. The text was valid UTF-8 before it became bytes.
    private func scalar() -> Unicode.Scalar? {
        String(decoding: source[offset..<min(offset + 4, source.count)], as: UTF8.self)
            .unicodeScalars.first
    }

    /// A string may go over lines, but a backslash may not stand at the end of one.
    private mutating func string() -> Token {
        let start = offset
        offset += 1
        while let next = byte() {
            if next == 0x22 {
                offset += 1
                return Token(kind: .string, start: start, end: offset)
            }
            guard next == 0x5C else {
                offset += 1
                continue
            }
            if byte(1) == 0x0A {
                faults.append(
                    Fault(offset, "a backslash at the end of a line", fix: "write \\n or \\\\"))
            }
            offset += 2
        }
        offset = source.count
        faults.append(Fault(start, "this string is never closed", fix: "end it with a '\"'"))
        return Token(kind: .broken, start: start, end: offset)
    }

    private mutating func sign() -> Token? {
        guard let first = byte(), let kind = Token.Kind.sign(first, byte(1)) else { return nil }
        let start = offset
        offset += kind.text?.utf8.count ?? 1
        return Token(kind: kind, start: start, end: offset)
    }

    private mutating func unknown() -> Token {
        let start = offset
        let character = scalar() ?? "?"
        offset += max(1, character.utf8.count)
        let fix: String? =
            switch character {
            case "&": "write '&&' for and"
            case "|": "write '||' for or"
            case "'": "strings stand in double quotes"
            default: nil
            }
        faults.append(
            Fault(start, "\(quoted(String(character))) means nothing to Cedar", fix: fix))
        return Token(kind: .broken, start: start, end: offset)
    }
}
