/// Text of unknown origin, made harmless for a terminal: what would move the cursor, change colours,
/// turn the reading direction or not be seen at all is spelled out (`\u{1B}`).
///
/// `keeping` lists characters that the caller lays out itself, such as the line feed of a log.
package func visible(_ text: String, keeping kept: Set<Unicode.Scalar> = []) -> String {
    if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if isTreacherous(scalar), !kept.contains(scalar) {
            let digits = String(scalar.value, radix: 16, uppercase: true)
            result.append(contentsOf: "\\u{\(digits)}".unicodeScalars)
        } else {
            result.append(scalar)
        }
    }
    return String(result)
}

/// Whether a character acts on the terminal or on its neighbours instead of being seen.
func isTreacherous(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00..<0x20, 0x7F..<0xA0: true  // C0, DEL, C1
    case 0xAD, 0x61C, 0x180E, 0xFEFF: true  // soft hyphen, Arabic letter mark, zero-width ones
    case 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F: true  // zero-width, separators, bidi
    case 0xFFF9...0xFFFB, 0xE0000...0xE0FFF: true  // interlinear annotation, tags
    default: false
    }
}

/// Makes a stream of bytes harmless for a terminal, piece by piece; lines and tabs stay.
///
/// A character that is cut by the end of a piece waits for the next one, so nothing is shown
/// differently for having arrived in parts.
package struct StreamText: Sendable {
    private var pending: [UInt8] = []

    package init() {}

    package mutating func append(_ bytes: [UInt8]) -> String {
        pending += bytes
        let whole = pending.count - StreamText.unfinished(pending)
        let text = String(decoding: pending[..<whole], as: UTF8.self)
        pending.removeFirst(whole)
        return visible(text, keeping: ["\n", "\t"])
    }

    /// What is left when the stream ends inside a character.
    package mutating func finish() -> String {
        let text = String(decoding: pending, as: UTF8.self)
        pending = []
        return visible(text, keeping: ["\n", "\t"])
    }

    /// How many bytes at the end begin a character that is not complete yet: 0 to 3.
    private static func unfinished(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0b1100_0000 == 0b1000_0000 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }
}

/// How many cells of a terminal a text takes. Wide characters of East Asia and pictographs take
/// two, combining marks none (Unicode Standard Annex 11, by blocks).
func cells(_ text: String) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.unicodeScalars.reduce(0) { $0 + cells($1) }
}

func cells(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0..<0x300: 1
    case 0x300...0x36F, 0x483...0x489, 0x591...0x5BD, 0x64B...0x65F, 0x1AB0...0x1AFF,
        0x1DC0...0x1DFF, 0x20D0...0x20FF, 0xFE00...0xFE0F, 0xFE20...0xFE2F:
        0
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
        0x1F900...0x1F9FF, 0x20000...0x3FFFD:
        2
    default: scalar.properties.generalCategory == .nonspacingMark ? 0 : 1
    }
}
