/// The text of one document of a file.
struct DocumentText {
    var text: String
    var firstLine: Int
}

extension SourceText {
    /// The documents of the file, split where YAML says that one ends whatever it holds: at a line
    /// that starts with `---`, or that is `...` (YAML 1.2.2, section 9.1.2).
    var documents: [DocumentText] {
        var documents: [DocumentText] = []
        var first = 1
        func close(at end: Int) {
            guard end > first else { return }
            if (first..<end).contains(where: { !isEmpty(line($0)) }) {
                documents.append(DocumentText(text: lines(from: first, to: end), firstLine: first))
            }
        }
        for number in 1...lineCount {
            let line = line(number)
            if isMarker(line, "---") {
                close(at: number)
                first = number
            } else if isMarker(line, "...") {
                close(at: number)
                first = number + 1
            }
        }
        close(at: lineCount + 1)
        return documents
    }

    private func isMarker(_ line: Substring, _ marker: String) -> Bool {
        guard line.hasPrefix(marker) else { return false }
        let next = line.unicodeScalars.dropFirst(3).first
        return next == nil || next == " " || next == "\t"
    }

    /// Whether the line says nothing: blank, a comment, a directive or a bare `---`.
    private func isEmpty(_ line: Substring) -> Bool {
        var rest = line[...]
        if isMarker(line, "---") { rest = line.dropFirst(3) }
        let first = rest.unicodeScalars.first { $0 != " " && $0 != "\t" }
        return first == nil || first == "#" || line.unicodeScalars.first == "%"
    }
}

/// Where `text` refers to anchors of its own for more than the `allowed` times, or nil.
///
/// Looks at characters, not at YAML, so it also counts what stands in quotes, but misses none. It
/// runs before the parser, which compares keys whole: a few dozen aliases below a key would keep it
/// busy for ever, while `allowed` of them cannot (8 aliases repeat a value 18 times at most).
func aliasBomb(in text: String, allowed: Int) -> Place? {
    var count = 0
    var anchors: Set<Substring> = []
    var lineNumber = 0
    let isBreak: (Character) -> Bool = { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: isBreak) {
        lineNumber += 1
        let isComment = line.first { $0 != " " && $0 != "\t" } == "#"
        guard !isComment, line.utf8.contains(where: { $0 == 38 || $0 == 42 }) else { continue }
        var previous: UInt8 = 32
        for index in line.utf8.indices {
            let byte = line.utf8[index]
            defer { previous = byte }
            guard byte == 38 || byte == 42, startsToken(after: previous) else { continue }
            let rest = line.utf8[line.utf8.index(after: index)...]
            let name = Substring(
                rest.prefix { isLetter($0) || isDigit($0) || $0 == 95 || $0 == 45 })
            guard !name.isEmpty else { continue }
            if byte == 38 {
                anchors.insert(name)
            } else if anchors.contains(name) {
                count += 1
                guard count > allowed else { continue }
                let column = line.unicodeScalars.distance(
                    from: line.startIndex, to: index)
                return Place(line: lineNumber, column: column + 1)
            }
        }
    }
    return nil
}

/// Whether a new YAML token can begin behind this byte; inside a word it cannot.
private func startsToken(after byte: UInt8) -> Bool {
    !(isLetter(byte) || isDigit(byte) || [95, 61, 47, 46, 45].contains(byte))
}
