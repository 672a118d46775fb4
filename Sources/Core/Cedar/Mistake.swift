/// A mistake in a text, where it is and what to do about it.
package struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// Both counted from 1; the column in characters.
    package let line: Int
    package let column: Int
    package let problem: String
    package let fix: String?

    package init(line: Int, column: Int, problem: String, fix: String? = nil) {
        self.line = line
        self.column = column
        self.problem = problem
        self.fix = fix
    }

    package var description: String {
        "\(line):\(column): \(problem)" + (fix.map { "; \($0)" } ?? "")
    }
}

/// All mistakes of one text, in its order.
package struct Mistakes: Error, Hashable, Sendable, CustomStringConvertible {
    package let all: [Mistake]

    package var description: String { all.map(\.description).joined(separator: "\n") }
}

/// A mistake while the text is being read: its place is a number of bytes from the beginning.
struct Fault: Error {
    let offset: Int
    let problem: String
    let fix: String?

    init(_ offset: Int, _ problem: String, fix: String? = nil) {
        self.offset = offset
        self.problem = problem
        self.fix = fix
    }
}

/// Where the lines of a text begin.
struct LineMap: Sendable {
    private let source: [UInt8]
    private let starts: [Int]

    init(_ source: [UInt8]) {
        self.source = source
        starts = [0] + source.indices.filter { source[$0] == 0x0A }.map { $0 + 1 }
    }

    func mistake(_ fault: Fault) -> Mistake {
        let offset = min(fault.offset, source.count)
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        let before = String(decoding: source[starts[low]..<offset], as: UTF8.self)
        return Mistake(
            line: low + 1, column: before.count + 1, problem: fault.problem, fix: fault.fix)
    }

    /// In the order of the text, the earlier found first where two are at one place.
    func mistakes(_ faults: [Fault], limit: Int) -> Mistakes {
        let ordered = faults.enumerated().sorted {
            ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset)
        }
        return Mistakes(all: ordered.prefix(limit).map { mistake($0.element) })
    }
}
