/// One part of a pattern of `like`.
package enum PatternPart: Hashable, Sendable {
    case scalar(Unicode.Scalar)
    /// Any number of any scalars.
    case anything
}

/// What stands between the quotes of a string token, with its escapes undone.
struct Escapes {
    private let source: [UInt8]
    private var offset: Int
    private let end: Int
    private let isPattern: Bool
    private var parts: [PatternPart] = []

    /// `token` has its quotes.
    private init(_ source: [UInt8], _ token: Token, isPattern: Bool) {
        self.source = source
        offset = token.start + 1
        end = token.end - 1
        self.isPattern = isPattern
    }

    static func string(_ source: [UInt8], _ token: Token) throws(Fault) -> Text {
        let inside = source[(token.start + 1)..<(token.end - 1)]
        guard inside.contains(where: { $0 == 0x5C || $0 == 0x0D }) else {
            return Text(String(decoding: inside, as: UTF8.self))
        }
        var escapes = Escapes(source, token, isPattern: false)
        try escapes.read()
        var result = String.UnicodeScalarView()
        for case .scalar(let scalar) in escapes.parts { result.append(scalar) }
        return Text(String(result))
    }

    static func pattern(_ source: [UInt8], _ token: Token) throws(Fault) -> [PatternPart] {
        var escapes = Escapes(source, token, isPattern: true)
        try escapes.read()
        return escapes.parts
    }

    private mutating func read() throws(Fault) {
        let scalars = String(decoding: source[offset..<end], as: UTF8.self).unicodeScalars
        var rest = scalars[...]
        while let scalar = rest.popFirst() {
            let place = offset
            offset += scalar.utf8.count
            switch scalar {
            case "\\": parts.append(.scalar(try escaped(&rest, at: place)))
            case "*" where isPattern: parts.append(.anything)
            case "\r":
                throw Fault(place, "a bare carriage return in a string", fix: "write \\r")
            default: parts.append(.scalar(scalar))
            }
        }
    }

    private typealias Rest = Substring.UnicodeScalarView

    private mutating func take(_ rest: inout Rest) -> Unicode.Scalar? {
        guard let scalar = rest.popFirst() else { return nil }
        offset += scalar.utf8.count
        return scalar
    }

    private mutating func escaped(
        _ rest: inout Rest, at place: Int
    ) throws(Fault) -> Unicode.Scalar {
        switch take(&rest) {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "0": return "\0"
        case "\\": return "\\"
        case "'": return "'"
        case "\"": return "\""
        case "*" where isPattern: return "*"
        case "x": return try byte(&rest, at: place)
        case "u": return try braced(&rest, at: place)
        case "*":
            throw Fault(
                place, "'\\*' outside a pattern", fix: "a plain string needs no backslash there")
        default:
            throw Fault(
                place, "an escape that Cedar does not have",
                fix: "there are \\n \\r \\t \\0 \\\\ \\' \\\" \\xHH and \\u{H...}")
        }
    }

    private mutating func byte(_ rest: inout Rest, at place: Int) throws(Fault) -> Unicode.Scalar {
        guard let high = hexadecimal(take(&rest)), let low = hexadecimal(take(&rest)), high < 8
        else {
            throw Fault(place, "\\x takes two digits, up to \\x7F", fix: "above that write \\u{80}")
        }
        return Unicode.Scalar(UInt8(high * 16 + low))
    }

    private mutating func braced(
        _ rest: inout Rest, at place: Int
    ) throws(Fault) -> Unicode.Scalar {
        let fault = Fault(
            place, "\\u{...} does not name a character",
            fix: "put 1 to 6 hexadecimal digits of a Unicode scalar in the braces")
        guard take(&rest) == "{" else { throw fault }
        var (value, digits) = (UInt32(0), 0)
        while true {
            let next = take(&rest)
            if next == "}" { break }
            if next == "_", digits > 0 { continue }
            guard let digit = hexadecimal(next), digits < 6 else { throw fault }
            value = value * 16 + digit
            digits += 1
        }
        guard digits > 0, let scalar = Unicode.Scalar(value) else { throw fault }
        return scalar
    }
}

/// The value of a hexadecimal digit.
func hexadecimal(_ scalar: Unicode.Scalar?) -> UInt32? {
    switch scalar {
    case .some(let digit) where ("0"..."9").contains(digit): digit.value - 0x30
    case .some(let digit) where ("a"..."f").contains(digit): digit.value - 0x61 + 10
    case .some(let digit) where ("A"..."F").contains(digit): digit.value - 0x41 + 10
    default: nil
    }
}
