/// What a case rests on: numbers by name, each with where it comes from.
///
/// As text, a line for each: NAME VALUE SOURCE. Lines that begin with # are for people.
package struct Assumptions: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package var name: String
        package var value: Double
        package var source: String
    }

    package private(set) var entries: [Entry] = []

    /// Reads what has to hold each of `names` once, and nothing else. All mistakes at once.
    package init(_ text: String, names: [String]) throws(ScriptMistakes) {
        var mistakes: [Script.Mistake] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            guard let name = words.first, !name.hasPrefix("#") else { continue }
            var problem: String?
            if words.count < 3 {
                problem = "expected NAME VALUE SOURCE"
            } else if !names.contains(name) {
                problem = "there is no '\(name)' here; there are \(names.joined(separator: ", "))"
            } else if entries.contains(where: { $0.name == name }) {
                problem = "'\(name)' is given twice"
            } else if let value = Double(words[1]), value > 0, value < 1e9 {
                entries.append(Entry(name: name, value: value, source: words[2]))
            } else {
                problem = "'\(words[1])' is no number above 0"
            }
            if let problem { mistakes.append(Script.Mistake(line: index + 1, message: problem)) }
        }
        for name in names where !entries.contains(where: { $0.name == name }) {
            mistakes.append(Script.Mistake(line: 0, message: "'\(name)' is missing"))
        }
        guard mistakes.isEmpty else { throw ScriptMistakes(all: mistakes) }
    }

    /// The value of a name that was asked for when it was read.
    package subscript(name: String) -> Double {
        get {
            guard let entry = entries.first(where: { $0.name == name }) else {
                preconditionFailure("'\(name)' was not asked for when the assumptions were read")
            }
            return entry.value
        }
        set {
            for index in entries.indices where entries[index].name == name {
                entries[index].value = newValue
            }
        }
    }
}
