/// What changed between two texts, as a unified diff with three lines around each change.
package struct LineDifference: Sendable {
    package enum Line: Hashable, Sendable {
        case same(String)
        case removed(String)
        case added(String)
    }

    private static let context = 3

    package let lines: [Line]

    package init(from old: String, to new: String) {
        let (old, new) = (LineDifference.split(old), LineDifference.split(new))
        let difference = new.difference(from: old)
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var lines: [Line] = []
        var (oldIndex, newIndex) = (0, 0)
        while oldIndex < old.count || newIndex < new.count {
            if oldIndex < old.count, removed.contains(oldIndex) {
                lines.append(.removed(old[oldIndex]))
                oldIndex += 1
            } else if newIndex < new.count, added.contains(newIndex) {
                lines.append(.added(new[newIndex]))
                newIndex += 1
            } else {
                lines.append(.same(old[oldIndex]))
                oldIndex += 1
                newIndex += 1
            }
        }
        self.lines = lines
    }

    private static func split(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    package var isEmpty: Bool {
        lines.allSatisfy { if case .same = $0 { true } else { false } }
    }

    /// In the form of `diff -u`, which `patch` reads too.
    package func unified(old: String, new: String, colours: Bool) -> [String] {
        guard !isEmpty else { return [] }
        func painted(_ text: String, _ tone: Tone) -> String {
            colours ? tone.painted(visible(text)) : visible(text)
        }
        var result = [painted("--- \(old)", .heading), painted("+++ \(new)", .heading)]
        for hunk in hunks() {
            result.append(painted(header(of: hunk), .dim))
            for line in lines[hunk] {
                switch line {
                case .same(let text): result.append(painted(" " + text, .plain))
                case .removed(let text): result.append(painted("-" + text, .removed))
                case .added(let text): result.append(painted("+" + text, .added))
                }
            }
        }
        return result
    }

    private func hunks() -> [Range<Int>] {
        var hunks: [Range<Int>] = []
        for index in lines.indices {
            if case .same = lines[index] { continue }
            let range =
                max(
                    0, index - LineDifference.context)..<min(
                    lines.count, index + LineDifference.context + 1)
            if let last = hunks.last, last.upperBound >= range.lowerBound {
                hunks[hunks.count - 1] = last.lowerBound..<range.upperBound
            } else {
                hunks.append(range)
            }
        }
        return hunks
    }

    private func header(of hunk: Range<Int>) -> String {
        let before = counts(in: lines[..<hunk.lowerBound])
        let inside = counts(in: lines[hunk])
        func place(_ start: Int, _ count: Int) -> String {
            // A side without lines is named by the line in front of it.
            "\(count == 0 ? start : start + 1)" + (count == 1 ? "" : ",\(count)")
        }
        return "@@ -\(place(before.old, inside.old)) +\(place(before.new, inside.new)) @@"
    }

    private func counts(in lines: ArraySlice<Line>) -> (old: Int, new: Int) {
        lines.reduce(into: (old: 0, new: 0)) { counts, line in
            switch line {
            case .same:
                counts.old += 1
                counts.new += 1
            case .removed: counts.old += 1
            case .added: counts.new += 1
            }
        }
    }
}
