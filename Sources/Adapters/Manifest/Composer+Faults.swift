import Yams

/// What the parser's complaints mean to the person who wrote the text.
extension Composer {
    mutating func report(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, let yaml),
            .parser(let context, let problem, let mark, let yaml),
            .composer(let context, let problem, let mark, let yaml):
            if reportTabs(in: yaml) { return }
            let place = Place(line: mark.line, column: mark.column)
            report(problem, context: context, at: place)
        case .reader(_, _, _, let yaml):
            reportControlCharacter(in: yaml)
        default:
            add(
                .syntax, at: Place(line: 1, column: 1), "this document cannot be read: \(error)",
                fix: "correct the YAML")
        }
    }

    private mutating func report(_ problem: String, context: YamlError.Context?, at place: Place) {
        let opened = context.map { Place(line: $0.mark.line, column: $0.mark.column) } ?? place
        switch problem {
        case let text where text.contains("nesting level"):
            add(
                .tooDeep, at: place, "nested deeper than \(Limits.depth) levels",
                fix: "no object needs it: look for brackets or indentation gone wrong")
        case "mapping values are not allowed in this context":
            reportMisplacedField(at: place)
        case "could not find expected ':'":
            add(
                .syntax, at: opened, "a line that is neither 'name: value' nor '- entry'",
                fix: "put ': ' between the name and the value")
        case "did not find expected key", "did not find expected '-' indicator":
            add(
                .syntax, at: place, "a line that does not line up with its neighbours",
                fix: "indent it like the lines around it, and close any quote or bracket before it")
        case "found unexpected end of stream" where context?.text.contains("quoted") ?? false:
            add(
                .syntax, at: opened, "a quote that is not closed",
                fix: "put the same quote at the end of the text")
        case "did not find expected ',' or ']'":
            add(
                .syntax, at: opened, "a list in brackets that is not closed",
                fix: "put ',' between its entries and ']' at its end")
        case "did not find expected ',' or '}'":
            add(
                .syntax, at: opened, "a map in braces that is not closed",
                fix: "put ',' between its entries and '}' at its end")
        case "found character that cannot start any token":
            add(
                .syntax, at: place, "a character that cannot start a value in YAML",
                fix: "put the value in quotes")
        case "found undefined alias", "did not find expected alphabetic or numeric character":
            add(
                .alias, at: place, "YAML aliases are not read",
                fix: "put the text in quotes, or write the value out")
        case "found unknown escape character":
            add(
                .syntax, at: place, "an escape that YAML does not have",
                fix: "write '\\\\' for a backslash, or use single quotes")
        default:
            add(.syntax, at: place, problem, fix: "correct the YAML at this place")
        }
    }

    /// The parser stops at a ':' behind text that it took for one value over several lines. What
    /// the person did wrong is often in the line before.
    private mutating func reportMisplacedField(at place: Place) {
        let (line, indent) = line(place.line)
        var above = place.line - 1
        while above > 1, self.line(above).text.allSatisfy({ $0 == " " }) { above -= 1 }
        let (lineAbove, indentAbove) = self.line(above)
        let fields = line.split(separator: ":", omittingEmptySubsequences: false).count - 1
        if fields == 1, above >= 1, indent == indentAbove, !lineAbove.contains(":") {
            add(
                .syntax, at: Place(line: above, column: indentAbove + 1),
                "a line that is neither 'name: value' nor '- entry'",
                fix: "put ': ' between the name and the value")
        } else if fields == 1, above >= 1, indent > indentAbove {
            add(
                .syntax, at: Place(line: place.line, column: indent + 1),
                "a line that is indented deeper than the field before it",
                fix: "indent it by \(indentAbove) spaces, like the line before")
        } else {
            add(
                .syntax, at: place, "a ':' where no field can start",
                fix: "put the text in quotes if it holds ': '")
        }
    }

    /// A line of this document and how many spaces it starts with.
    private func line(_ local: Int) -> (text: Substring, indent: Int) {
        let text = source.line(local + linesBefore)
        return (text, text.prefix { $0 == " " }.count)
    }

    /// Names each line that is indented with a tab, which the parser would call something else.
    private mutating func reportTabs(in text: String) -> Bool {
        let before = findings.count
        let isBreak: (Character) -> Bool = { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: isBreak)
        for (index, line) in lines.enumerated() {
            let indent = line.prefix { $0 == " " || $0 == "\t" }
            guard indent.count < line.count, let tab = indent.firstIndex(of: "\t") else { continue }
            let column = line.distance(from: line.startIndex, to: tab) + 1
            add(
                .tab, at: Place(line: index + 1, column: column), "a tab in the indentation",
                fix: "indent with spaces")
        }
        return findings.count > before
    }

    private mutating func reportControlCharacter(in text: String) {
        var place = Place(line: 1, column: 1)
        for scalar in text.unicodeScalars {
            if !isYAML(scalar) {
                let number = String(scalar.value, radix: 16, uppercase: true)
                let padding = String(repeating: "0", count: max(0, 4 - number.count))
                add(
                    .badText, at: place, "the control character U+\(padding)\(number)",
                    fix: "delete it, or write it as an escape in double quotes")
                return
            }
            place.column += 1
            if scalar == "\n" { place = Place(line: place.line + 1, column: 1) }
        }
        add(.syntax, at: Place(line: 1, column: 1), "text that is not YAML", fix: "correct it")
    }

    /// YAML 1.1, section 4.1: what may stand in a stream.
    private func isYAML(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x9, 0xA, 0xD, 0x85, 0x20...0x7E, 0xA0...0xD7FF, 0x10000...0x10FFFF: true
        case 0xE000...0xFFFD: scalar.value != 0xFEFF
        default: false
        }
    }
}
