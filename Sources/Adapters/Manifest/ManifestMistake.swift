/// One mistake in text that a person wrote: where it is, what is wrong and what to write instead.
package struct ManifestMistake: Error, Hashable, Sendable {
    package var code: MistakeCode
    package var file: String
    /// Both count from 1; columns count Unicode scalars, as editors do for plain text.
    package var line: Int
    package var column: Int
    /// How many scalars of the line the mistake covers, at least 1.
    package var width: Int
    /// `Workload/shop`, where the document says so much.
    package var object: String?
    /// `spec.containers[0].ports[1].port`; empty where the text is not a document yet.
    package var field: String
    package var message: String
    package var fix: String
    /// What to put in place of the covered text, where there is exactly one good answer.
    package var replacement: String? = nil
    /// The line as written, cut to what fits on a screen and free of control characters.
    package var excerpt: Excerpt? = nil

    /// The part of a line that is shown, and where in it the mistake begins (from 0).
    package struct Excerpt: Hashable, Sendable {
        package var text: String
        package var offset: Int
    }
}

extension ManifestMistake {
    /// The mistake as lines for a person, in the shape of a compiler's diagnostic.
    package var rendered: String {
        let margin = String(repeating: " ", count: String(line).count)
        var lines = [
            "error[\(code.rawValue)]: \(message)", "\(margin)--> \(file):\(line):\(column)",
        ]
        if let excerpt {
            let indent = String(repeating: " ", count: excerpt.offset)
            let room = max(1, excerpt.text.unicodeScalars.count - excerpt.offset)
            let carets = String(repeating: "^", count: max(1, min(width, room)))
            lines.append("\(margin) |")
            lines.append("\(line) | \(excerpt.text)")
            lines.append("\(margin) | \(indent)\(carets)")
        }
        let place = [object ?? "", field].filter { !$0.isEmpty }.joined(separator: " ")
        if !place.isEmpty { lines.append("\(margin) = in: \(place)") }
        lines.append("\(margin) = help: \(fix)")
        return lines.joined(separator: "\n")
    }
}
