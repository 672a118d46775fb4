/// A line and column of a file, both from 1. Columns count Unicode scalars.
struct Place: Hashable, Comparable {
    var line: Int
    var column: Int

    static func < (left: Place, right: Place) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A piece of YAML as written, each part with its place.
struct Written {
    enum Content {
        /// `isPlain` is false for quoted and block text, which is never a number or null.
        case scalar(String, isPlain: Bool)
        case list([Written])
        case map([Entry])
    }

    struct Entry {
        var key: String
        var place: Place
        var value: Written
    }

    var place: Place
    var content: Content

    /// Whether it stands for no value at all: nothing, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    var text: String? {
        guard case .scalar(let text, _) = content, !isNull else { return nil }
        return text
    }

    var entries: [Entry] {
        guard case .map(let entries) = content else { return [] }
        return entries
    }

    var items: [Written] {
        guard case .list(let items) = content else { return [] }
        return items
    }

    subscript(key: String) -> Written? { entries.first { $0.key == key }?.value }

    /// What a person would call it: "a list", "the number 3".
    var description: String {
        switch content {
        case .list(let items): return items.isEmpty ? "an empty list" : "a list"
        case .map(let entries): return entries.isEmpty ? "an empty map" : "a map"
        case .scalar where isNull: return "no value"
        case .scalar(let text, isPlain: true):
            if isBoolean { return "the boolean \(text)" }
            if isNumber { return "the number \(shown(text))" }
            return "the text \(quoted(text))"
        case .scalar(let text, isPlain: false): return "the text \(quoted(text))"
        }
    }

    var isBoolean: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["true", "false", "True", "False", "TRUE", "FALSE"].contains(text)
    }

    var isNumber: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return looksNumeric(text)
    }
}

/// Whether `text` reads as a decimal number: what YAML and JSON both take for one.
func looksNumeric(_ text: String) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 64 else {
        return false
    }
    let starts = isDigit(first) || [43, 45, 46].contains(first)
    return starts && (isDigit(last) || last == 46) && Double(text) != nil
        && text.utf8.allSatisfy { isDigit($0) || [43, 45, 46, 69, 101].contains($0) }
}

func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

/// `text` in quotes for a message, cut to what a person can take in.
func quoted(_ text: String) -> String { "'\(shown(text))'" }

/// `text` without control characters, which could rewrite the terminal, and cut to 60 characters.
func shown(_ text: String) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == 60 { return result + "…" }
        result.unicodeScalars.append(isPrintable(scalar) ? scalar : "\u{FFFD}")
        count += 1
    }
    return result
}

/// Whether showing the scalar leaves the rest of a line as it is: no control, no text direction.
func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
        .unassigned:
        false
    default: true
    }
}
