/// One file as text, with its lines, so that a mistake can show where it is.
struct SourceText {
    let name: String
    private let text: String.UTF8View
    /// Where each line begins.
    private let starts: [String.Index]
    private let columnMax = 4096

    init(name: String, text: String) {
        self.name = name
        let bytes = text.utf8
        var starts = [bytes.startIndex]
        var previous: UInt8 = 0
        for index in bytes.indices {
            // A line ends with LF, CR LF or CR, as in YAML.
            if previous == 10 || (previous == 13 && bytes[index] != 10) { starts.append(index) }
            previous = bytes[index]
        }
        if previous == 10 || previous == 13 { starts.append(bytes.endIndex) }
        self.text = bytes
        self.starts = starts
    }

    var lineCount: Int { starts.count }

    /// The line without its end; empty beyond the last line.
    func line(_ number: Int) -> Substring {
        guard (1...starts.count).contains(number) else { return "" }
        let end = number < starts.count ? starts[number] : text.endIndex
        var line = text[starts[number - 1]..<end]
        while let last = line.last, last == 10 || last == 13 { line.removeLast() }
        return Substring(line)
    }

    /// The lines from `first` to before `end` as they stand in the file.
    func lines(from first: Int, to end: Int) -> String {
        let upper = end <= starts.count ? starts[end - 1] : text.endIndex
        return String(Substring(text[starts[first - 1]..<upper]))
    }

    /// How many scalars of its line `written` covers: its text where that can be seen, else 1.
    func width(of written: Written) -> Int {
        // Finding a column takes as long as the line is: far out it is not worth it.
        guard case .scalar(let value, _) = written.content, written.place.column <= columnMax
        else { return 1 }
        let rest = line(written.place.line).unicodeScalars.dropFirst(written.place.column - 1)
        if let quote = rest.first, quote == "\"" || quote == "'" {
            guard let close = rest.dropFirst().firstIndex(of: quote) else { return rest.count }
            return rest.distance(from: rest.startIndex, to: close) + 1
        }
        return rest.starts(with: value.unicodeScalars) ? max(1, value.unicodeScalars.count) : 1
    }

    /// The same for the name of a field.
    func width(of entry: Written.Entry) -> Int {
        width(of: Written(place: entry.place, content: .scalar(entry.key, isPlain: true)))
    }

    func isQuoted(at place: Place) -> Bool {
        guard place.column <= columnMax else { return false }
        let first = line(place.line).unicodeScalars.dropFirst(place.column - 1).first
        return first == "\"" || first == "'"
    }

    /// The part of the line to show around `place`: at most 100 scalars, nothing that moves the
    /// cursor.
    func excerpt(at place: Place) -> ManifestMistake.Excerpt? {
        guard (1...starts.count).contains(place.line) else { return nil }
        let line = line(place.line).unicodeScalars
        let offset = min(max(0, place.column - 1), line.count)
        let skipped = offset > 80 ? offset - 40 : 0
        var shown = skipped > 0 ? "…" : ""
        for scalar in line.dropFirst(skipped).prefix(100) {
            // A tab becomes one space: carets stand below what they mean.
            let isPlain = isPrintable(scalar)
            shown.unicodeScalars.append(isPlain ? scalar : scalar == "\t" ? " " : "\u{FFFD}")
        }
        if line.count > skipped + 100 { shown += "…" }
        return ManifestMistake.Excerpt(
            text: shown, offset: offset - skipped + (skipped > 0 ? 1 : 0))
    }
}
