/// The part of YAML that the context file uses: maps of maps of text, by indentation.
///
/// The file is written by this program and touched up by hand; a full YAML library would be one
/// more thing to load before the first byte is sent, and lives in another room.
struct SettingsText: Hashable, Sendable {
    indirect enum Value: Hashable, Sendable {
        case text(String)
        case map([Entry])
    }

    /// In the order of the file, so that writing it again moves nothing.
    struct Entry: Hashable, Sendable {
        var key: String
        var value: Value
    }

    /// A line that cannot be understood.
    struct Mistake: Error, Hashable {
        var line: Int
        var message: String
    }

    var entries: [Entry]

    init(entries: [Entry] = []) { self.entries = entries }

    private struct Line {
        var number: Int
        var indentation: Int
        var key: String
        var text: String?
    }

    init(parsing text: String) throws(Mistake) {
        var lines: [Line] = []
        // A line feed behind a carriage return is one Character, so lines are split as scalars.
        for (index, raw) in text.unicodeScalars.split(
            separator: "\n", omittingEmptySubsequences: false
        ).enumerated() {
            if let line = try SettingsText.line(String(raw), number: index + 1) {
                lines.append(line)
            }
        }
        var rest = lines[...]
        entries = try SettingsText.map(&rest, indentation: lines.first?.indentation ?? 0, depth: 0)
        if let line = rest.first {
            throw Mistake(line: line.number, message: "the indentation fits nothing above it")
        }
    }

    private static func line(_ raw: String, number: Int) throws(Mistake) -> Line? {
        let indentation = raw.prefix { $0 == " " }.count
        let content = withoutComment(raw.dropFirst(indentation))
        guard !content.isEmpty, content != "---" else { return nil }
        guard let colon = content.firstIndex(of: ":") else {
            throw Mistake(line: number, message: "expected 'name: value'")
        }
        let behind = content[content.index(after: colon)...]
        guard behind.isEmpty || behind.first == " " else {
            throw Mistake(line: number, message: "expected a space behind the colon")
        }
        let text = behind.drop { $0 == " " }
        return Line(
            number: number, indentation: indentation,
            key: try unquoted(content[..<colon], number: number),
            text: text.isEmpty ? nil : text == "{}" ? nil : try unquoted(text, number: number))
    }

    private static func map(
        _ lines: inout ArraySlice<Line>, indentation: Int, depth: Int
    ) throws(Mistake) -> [Entry] {
        var entries: [Entry] = []
        while let line = lines.first, line.indentation == indentation {
            lines.removeFirst()
            guard depth < 8 else {
                throw Mistake(line: line.number, message: "nested more than 8 deep")
            }
            guard !entries.contains(where: { $0.key == line.key }) else {
                throw Mistake(line: line.number, message: "'\(line.key)' is given twice")
            }
            if let text = line.text {
                entries.append(Entry(key: line.key, value: .text(text)))
            } else if let next = lines.first, next.indentation > indentation {
                let inner = try map(&lines, indentation: next.indentation, depth: depth + 1)
                entries.append(Entry(key: line.key, value: .map(inner)))
            } else {
                entries.append(Entry(key: line.key, value: .map([])))
            }
        }
        return entries
    }

    private static func withoutComment(_ content: Substring) -> Substring {
        var quote: Character?
        var previous: Character = " "
        var end = content.endIndex
        for index in content.indices {
            let character = content[index]
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "#", previous == " " {
                end = index
                break
            }
            previous = character
        }
        var kept = content[..<end]
        while let last = kept.last, last == " " || last == "\r" || last == "\t" {
            kept.removeLast()
        }
        return kept
    }

    private static func unquoted(_ text: Substring, number: Int) throws(Mistake) -> String {
        guard let first = text.first, first == "\"" || first == "'" else {
            if let first = text.first, "[{&*!|>%@`".contains(first) {
                throw Mistake(
                    line: number, message: "put quotes around a value that begins with \(first)")
            }
            return String(text)
        }
        guard text.count >= 2, text.last == first else {
            throw Mistake(line: number, message: "the quote is not closed")
        }
        let inner = text.dropFirst().dropLast()
        if first == "'" {
            return inner.split(separator: "''", omittingEmptySubsequences: false).joined(
                separator: "'")
        }
        return try unescaped(inner, number: number)
    }

    private static func unescaped(_ text: Substring, number: Int) throws(Mistake) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                guard character == "\\" || character == "\"" else {
                    throw Mistake(
                        line: number, message: "\\\(character) is not understood in quotes")
                }
                result.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }

    var text: String { SettingsText.text(entries, indentation: 0) }

    private static func text(_ entries: [Entry], indentation: Int) -> String {
        let margin = String(repeating: " ", count: indentation)
        return entries.map { entry in
            switch entry.value {
            case .text(let text): "\(margin)\(quoted(entry.key)): \(quoted(text))\n"
            case .map(let inner) where inner.isEmpty: "\(margin)\(quoted(entry.key)): {}\n"
            case .map(let inner):
                "\(margin)\(quoted(entry.key)):\n" + self.text(inner, indentation: indentation + 2)
            }
        }.joined()
    }

    /// Plain where YAML reads it as text for certain, in double quotes otherwise.
    private static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy {
                ($0 | 32 >= 97 && $0 | 32 <= 122) || (48...57).contains($0)
                    || [45, 46, 47, 58, 95].contains($0)
            } && !text.hasSuffix(":") && !text.hasPrefix("-") && !text.hasPrefix(":")
            && text.utf8.contains { $0 > 57 }
        if isPlain { return text }
        var escaped = ""
        for character in text {
            if character == "\\" || character == "\"" { escaped.append("\\") }
            escaped.append(character)
        }
        return "\"\(escaped)\""
    }
}

extension SettingsText.Value {
    var text: String? {
        if case .text(let text) = self { return text }
        return nil
    }

    var map: [SettingsText.Entry]? {
        if case .map(let map) = self { return map }
        return nil
    }
}

extension [SettingsText.Entry] {
    subscript(key: String) -> SettingsText.Value? {
        get { first { $0.key == key }?.value }
        set {
            let index = firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): self[index].value = value
            case (nil, let value?): append(SettingsText.Entry(key: key, value: value))
            case (let index?, nil): remove(at: index)
            case (nil, nil): break
            }
        }
    }
}
