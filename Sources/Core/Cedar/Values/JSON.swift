/// A JSON text that has been read.
///
/// The room reads it itself: it may use nothing but the standard library, what it reads is hostile, and
/// a key that occurs twice must be refused rather than decided by whoever reads it.
package indirect enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Not an integer of 64 bits.
    case otherNumber
    case string(Text)
    case array([JSON])
    case object([(key: Text, value: JSON)])

    package init(_ bytes: [UInt8], limits: Limits = .production) throws(Mistake) {
        var reader = JSONReader(bytes, limits: limits)
        do {
            self = try reader.document()
        } catch {
            throw LineMap(bytes).mistake(error)
        }
    }

    package static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null), (.otherNumber, .otherNumber): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.string(let left), .string(let right)): left == right
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)):
            left.elementsEqual(right) { $0.key == $1.key && $0.value == $1.value }
        default: false
        }
    }

    /// The field of an object; nil also for what is no object.
    package subscript(_ key: Text) -> JSON? {
        guard case .object(let fields) = self else { return nil }
        return fields.first { $0.key == key }?.value
    }
}

private struct JSONReader {
    private let bytes: [UInt8]
    private let limits: Limits
    private var offset = 0
    private var depth = 0
    private var values = 0

    init(_ bytes: [UInt8], limits: Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(Fault) -> JSON {
        guard bytes.count <= limits.entityBytes else {
            throw Fault(0, "\(bytes.count) bytes, and \(limits.entityBytes) are allowed")
        }
        let value = try value()
        skipBlanks()
        guard offset == bytes.count else { throw Fault(offset, "something after the JSON value") }
        return value
    }

    private mutating func skipBlanks() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    private mutating func takes(_ byte: UInt8) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    private mutating func takes(word: String) -> Bool {
        guard bytes[offset...].starts(with: word.utf8) else { return false }
        offset += word.utf8.count
        return true
    }

    private mutating func value() throws(Fault) -> JSON {
        skipBlanks()
        values += 1
        guard values <= limits.values else {
            throw Fault(offset, "more than \(limits.values) values")
        }
        guard offset < bytes.count else { throw Fault(offset, "the JSON text ends too early") }
        switch bytes[offset] {
        case 0x22: return .string(try string())
        case 0x5B: return .array(try nested { (reader) throws(Fault) in try reader.elements() })
        case 0x7B: return .object(try nested { (reader) throws(Fault) in try reader.fields() })
        case 0x2D, 0x30...0x39: return try number()
        default:
            if takes(word: "true") { return .bool(true) }
            if takes(word: "false") { return .bool(false) }
            if takes(word: "null") { return .null }
            throw Fault(offset, "no JSON value begins here")
        }
    }

    private mutating func nested<Result>(
        _ body: (inout JSONReader) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.depth else {
            throw Fault(offset, "values nest more than \(limits.depth) deep")
        }
        offset += 1
        return try body(&self)
    }

    private mutating func elements() throws(Fault) -> [JSON] {
        var result: [JSON] = []
        skipBlanks()
        if takes(0x5D) { return result }
        while true {
            result.append(try value())
            skipBlanks()
            if takes(0x5D) { return result }
            guard takes(0x2C) else { throw Fault(offset, "expected ',' or ']'") }
        }
    }

    private mutating func fields() throws(Fault) -> [(key: Text, value: JSON)] {
        var result: [(key: Text, value: JSON)] = []
        var keys: Set<Text> = []
        skipBlanks()
        if takes(0x7D) { return result }
        while true {
            skipBlanks()
            let place = offset
            guard offset < bytes.count, bytes[offset] == 0x22 else {
                throw Fault(offset, "expected a key in quotes")
            }
            let key = try string()
            guard keys.insert(key).inserted else {
                throw Fault(place, "the key \(quoted(key.string)) twice in one object")
            }
            skipBlanks()
            guard takes(0x3A) else { throw Fault(offset, "expected ':'") }
            result.append((key, try value()))
            skipBlanks()
            if takes(0x7D) { return result }
            guard takes(0x2C) else { throw Fault(offset, "expected ',' or '}'") }
        }
    }

    private mutating func number() throws(Fault) -> JSON {
        let place = offset
        let isNegative = takes(0x2D)
        let whole = digits()
        guard !whole.isEmpty, whole.count == 1 || whole.first != 0x30 else {
            throw Fault(place, "this is no JSON number")
        }
        var isWhole = true
        if takes(0x2E) {
            isWhole = false
            guard !digits().isEmpty else { throw Fault(place, "this is no JSON number") }
        }
        if takes(0x65) || takes(0x45) {
            isWhole = false
            if !takes(0x2B) { _ = takes(0x2D) }
            guard !digits().isEmpty else { throw Fault(place, "this is no JSON number") }
        }
        guard isWhole, let value = signedNumber(whole, isNegative: isNegative) else {
            return .otherNumber
        }
        return .integer(value)
    }

    private mutating func digits() -> ArraySlice<UInt8> {
        let digits = bytes[offset...].prefix(while: isDigit)
        offset += digits.count
        return digits
    }

    // MARK: Strings

    private mutating func string() throws(Fault) -> Text {
        let place = offset
        offset += 1
        let start = offset
        while offset < bytes.count, bytes[offset] != 0x22, bytes[offset] != 0x5C,
            bytes[offset] >= 0x20
        { offset += 1 }
        guard offset < bytes.count else { throw Fault(place, "this string is never closed") }
        var result = Array(bytes[start..<offset])
        while !takes(0x22) {
            guard offset < bytes.count else { throw Fault(place, "this string is never closed") }
            guard bytes[offset] >= 0x20 else {
                throw Fault(
                    offset, "a control character in a string", fix: "write \\u and its code")
            }
            if takes(0x5C) {
                result.append(contentsOf: String(try escaped()).utf8)
            } else {
                result.append(bytes[offset])
                offset += 1
            }
        }
        guard let text = String(validating: result, as: UTF8.self) else {
            throw Fault(place, "this string is not UTF-8")
        }
        return Text(text)
    }

    private mutating func escaped() throws(Fault) -> Unicode.Scalar {
        let place = offset - 1
        guard offset < bytes.count else { throw Fault(place, "an escape without an end") }
        offset += 1
        switch bytes[offset - 1] {
        case 0x22: return "\""
        case 0x5C: return "\\"
        case 0x2F: return "/"
        case 0x62: return "\u{8}"
        case 0x66: return "\u{C}"
        case 0x6E: return "\n"
        case 0x72: return "\r"
        case 0x74: return "\t"
        case 0x75: return try unicode(at: place)
        default: throw Fault(place, "an escape that JSON does not have")
        }
    }

    /// A scalar beyond 16 bits is written as two halves, and no half means anything alone.
    private mutating func unicode(at place: Int) throws(Fault) -> Unicode.Scalar {
        guard let first = codeUnit() else { throw Fault(place, "\\u takes four digits") }
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, takes(0x5C), takes(0x75), let second = codeUnit(),
            (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw Fault(place, "half of a character") }
        return scalar
    }

    private mutating func codeUnit() -> UInt32? {
        guard offset + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[offset..<(offset + 4)] {
            guard let digit = hexadecimal(Unicode.Scalar(byte)) else { return nil }
            value = value << 4 | digit
        }
        offset += 4
        return value
    }
}
