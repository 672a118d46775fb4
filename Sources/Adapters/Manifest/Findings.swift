/// Keeps the first mistakes by place and counts the rest, so that a hostile file costs no memory.
struct Findings {
    private struct Entry {
        let source: Int
        let text: SourceText?
        let mistake: ManifestMistake
    }

    private let limit: Int
    private var entries: [Entry] = []
    private(set) var count = 0
    /// The position of the file that is being read among all files.
    var source = 0

    init(limit: Int) { self.limit = limit }

    mutating func add(_ mistake: ManifestMistake, in text: SourceText? = nil) {
        count += 1
        entries.append(Entry(source: source, text: text, mistake: mistake))
        if entries.count >= 2 * limit { settle() }
    }

    /// The mistakes to show, by place, and how many more there are.
    ///
    /// Their lines are cut out only here: a line may be a megabyte and hold a mistake every third
    /// byte.
    mutating func result() -> (shown: [ManifestMistake], omitted: Int) {
        settle()
        let shown = entries.map { entry in
            var mistake = entry.mistake
            let place = Place(line: mistake.line, column: mistake.column)
            mistake.excerpt = entry.text?.excerpt(at: place)
            return mistake
        }
        return (shown, count - shown.count)
    }

    private mutating func settle() {
        entries.sort {
            ($0.source, $0.mistake.line, $0.mistake.column, $0.mistake.code.rawValue)
                < ($1.source, $1.mistake.line, $1.mistake.column, $1.mistake.code.rawValue)
        }
        entries.removeLast(max(0, entries.count - limit))
    }
}
