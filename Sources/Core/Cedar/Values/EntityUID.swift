/// The name of one thing: its type, such as `Skerry::Workload`, and its id within the type.
package struct EntityUID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let type: Text
    package let id: Text

    package init(type: Text, id: Text) {
        self.type = type
        self.id = id
    }

    package var description: String { "\(type)::\(quoted(id.string))" }

    package static func < (left: EntityUID, right: EntityUID) -> Bool {
        (left.type, left.id) < (right.type, right.id)
    }

    /// Whether the last part of the type is `Action`, as it must be for what requests do.
    var isAction: Bool { type.string == "Action" || type.string.hasSuffix("::Action") }
}

/// The words that name neither a type nor an attribute, because they mean something else.
let reservedWords: Set<String> = [
    "true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar",
]

/// Whether `text` is a name of a type as entity files must write it: words joined by `::`.
func isTypeName(_ text: String) -> Bool {
    var rest = Substring(text)
    while true {
        let word = rest.prefix { isWordByte($0) }
        guard let first = word.utf8.first, !isDigit(first), !reservedWords.contains(String(word))
        else { return false }
        rest = rest.dropFirst(word.count)
        if rest.isEmpty { return true }
        guard rest.hasPrefix("::") else { return false }
        rest = rest.dropFirst(2)
    }
}

private func isWordByte(_ character: Character) -> Bool {
    guard let byte = character.asciiValue else { return false }
    return isLetter(byte) || isDigit(byte)
}

/// The letters that a word may begin with; the underscore is one.
func isLetter(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || byte == 0x5F
}

func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

/// A string as Cedar writes it.
package func quoted(_ string: String) -> String {
    var result = "\""
    for scalar in string.unicodeScalars {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case "\0": result += "\\0"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
