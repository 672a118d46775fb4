/// Rows of text under headings, fitted to a width.
///
/// Where the width does not suffice the least important column gives way first: it is shortened
/// as far as its `widthMin` allows, then left out. The most important one is never left out.
package struct TextTable: Sendable {
    package struct Column: Hashable, Sendable {
        package var title: String
        /// 0 is what the row is about; the higher, the sooner the column gives way.
        package var rank: Int
        /// The narrowest form in cells that still says something; nil for all or nothing.
        package var widthMin: Int?

        package init(_ title: String, rank: Int, widthMin: Int? = nil) {
            self.title = title
            self.rank = rank
            self.widthMin = widthMin
        }
    }

    /// A text and how it is meant. The tone only adds to what the words say already.
    package struct Cell: Hashable, Sendable, ExpressibleByStringInterpolation {
        package var text: String
        package var tone: Tone

        package init(_ text: String, _ tone: Tone = .plain) {
            self.text = text
            self.tone = tone
        }
        package init(stringLiteral value: String) { self.init(value) }
    }

    package var columns: [Column]
    package var rows: [[Cell]]

    package init(_ columns: [Column], rows: [[Cell]] = []) {
        self.columns = columns
        self.rows = rows
    }

    private static let gap = 3

    /// The lines of the table. A nil width is without end.
    package func lines(width: Int?, colours: Bool, headings: Bool = true) -> [String] {
        lines(in: layout(width: width), colours: colours, headings: headings)
    }

    /// Lays the table out once, so that rows that come later stand below their headings.
    package func layout(width: Int?) -> Layout {
        let rows = rows.map { $0.map { visible($0.text) } }
        let natural = columns.indices.map { index in
            rows.reduce(cells(columns[index].title)) { max($0, cells($1[index])) }
        }
        return Layout(fitting: natural, of: columns, gap: TextTable.gap, into: width)
    }

    package func lines(in layout: Layout, colours: Bool, headings: Bool) -> [String] {
        let titles =
            headings ? [line(columns.map { Cell($0.title, .heading) }, in: layout, colours)] : []
        return titles + rows.map { line($0, in: layout, colours) }
    }

    private func line(_ row: [Cell], in layout: Layout, _ colours: Bool) -> String {
        var line = ""
        var owed = 0
        for (cell, width) in zip(row, layout.widths) {
            guard let width else { continue }
            // Only a column that had to give way is cut: a row that comes later may be wider.
            let whole = visible(cell.text)
            let text = width.isShortened ? shortened(whole, to: width.cells) : whole
            line += String(repeating: " ", count: owed)
            line += colours ? cell.tone.painted(text) : text
            // Padding is owed to the next column, so that no line ends in spaces.
            owed = max(0, width.cells - cells(text)) + TextTable.gap
        }
        return line
    }

    /// How wide each column is; nil where it is left out.
    package struct Layout: Hashable, Sendable {
        fileprivate struct Width: Hashable, Sendable {
            var cells: Int
            var isShortened = false
        }

        fileprivate var widths: [Width?]

        fileprivate init(
            fitting natural: [Int], of columns: [Column], gap: Int, into width: Int?
        ) {
            widths = natural.map { Width(cells: $0) }
            guard let width else { return }
            let yielding = columns.indices.sorted { columns[$0].rank > columns[$1].rank }
            for index in yielding {
                let excess = total(gap: gap) - width
                guard excess > 0 else { return }
                let narrowed = natural[index] - excess
                if let widthMin = columns[index].widthMin, narrowed >= widthMin {
                    widths[index] = Width(cells: narrowed, isShortened: true)
                } else if index == yielding.last {
                    widths[index] = Width(cells: max(1, narrowed), isShortened: true)
                } else {
                    widths[index] = nil
                }
            }
        }

        private func total(gap: Int) -> Int {
            let shown = widths.compactMap { $0?.cells }
            return shown.reduce(0, +) + gap * max(0, shown.count - 1)
        }
    }
}

/// The text in at most `width` cells; an ellipsis stands for what was cut off.
func shortened(_ text: String, to width: Int) -> String {
    guard cells(text) > width else { return text }
    var result = String.UnicodeScalarView()
    var taken = 1
    for scalar in text.unicodeScalars {
        taken += cells(scalar)
        if taken > width { break }
        result.append(scalar)
    }
    return String(result) + "…"
}

/// How a text is meant, for those who see colours.
package enum Tone: Hashable, Sendable {
    case plain, good, caution, bad, dim, heading, added, removed

    private var code: String? {
        switch self {
        case .plain: nil
        case .good, .added: "32"
        case .caution: "33"
        case .bad, .removed: "31"
        case .dim: "2"
        case .heading: "1"
        }
    }

    package func painted(_ text: String) -> String {
        guard let code, !text.isEmpty else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}
