package import Model
import Yams

/// Writes objects as the YAML that a person would write.
package enum ManifestWriter {
    /// The objects as documents of one file. `compact` leaves out what has its default, so that
    /// what remains is what somebody decided.
    package static func yaml(_ objects: [Object], compact: Bool = false) -> String {
        objects.map { yaml($0, compact: compact) }.joined(separator: "---\n")
    }

    private static func yaml(_ object: Object, compact: Bool) -> String {
        do {
            let tree = ordered(try Tree(coding: object), by: Schema.record(of: object.kind))
            let shown = compact ? withoutDefaults(tree, by: Schema.record(of: object.kind)) : tree
            return try Yams.serialize(node: node(shown), width: -1, allowUnicode: true)
        } catch {
            // Model values have only text, numbers, lists and maps, and all of those can be coded.
            preconditionFailure("\(object.reference) cannot be written as YAML: \(error)")
        }
    }

    // MARK: - Order and defaults

    /// Fields in the order of the schema; the keys of maps by name.
    private static func ordered(_ tree: Tree, by record: Record?) -> Tree {
        switch tree {
        case .list(let items): return .list(items.map { ordered($0, by: record) })
        case .map(let pairs):
            let positions = record?.fields.map(\.name) ?? []
            let sorted = pairs.filter { $0.value != .null }.sorted {
                let left = positions.firstIndex(of: $0.key) ?? Int.max
                let right = positions.firstIndex(of: $1.key) ?? Int.max
                return (left, $0.key) < (right, $1.key)
            }
            return .map(
                sorted.map {
                    Tree.Pair(
                        key: $0.key, value: ordered($0.value, by: record?[$0.key]?.shape.record))
                })
        default: return tree
        }
    }

    private static func withoutDefaults(_ tree: Tree, by record: Record?) -> Tree {
        switch tree {
        case .list(let items): return .list(items.map { withoutDefaults($0, by: record) })
        case .map(let pairs):
            guard let record else { return tree }
            return .map(
                pairs.compactMap { pair in
                    let field = record[pair.key]
                    let value = withoutDefaults(pair.value, by: field?.shape.record)
                    guard let field, isDefault(value, of: field) else {
                        return Tree.Pair(key: pair.key, value: value)
                    }
                    return nil
                })
        default: return tree
        }
    }

    private static func isDefault(_ value: Tree, of field: Field) -> Bool {
        guard case .standard(let text) = field.presence else { return false }
        switch value {
        case .text(let written), .literal(let written): return written == text
        case .list(let items): return items.isEmpty && text == "[]"
        case .map(let pairs): return pairs.isEmpty && text == "{}"
        case .null: return false
        }
    }

    // MARK: - YAML

    private static func node(_ tree: Tree) -> Yams.Node {
        switch tree {
        case .null: return Yams.Node("null", Tag(.str), .plain)
        case .literal(let text): return Yams.Node(text, Tag(.str), .plain)
        case .text(let text): return Yams.Node(text, Tag(.str), style(of: text))
        case .list(let items):
            return Yams.Node(items.map(node), Tag(.seq), items.isEmpty ? .flow : .block)
        case .map(let pairs):
            let nodes = pairs.map {
                (Yams.Node($0.key, Tag(.str), style(of: $0.key, isKey: true)), node($0.value))
            }
            return Yams.Node(nodes, Tag(.map), pairs.isEmpty ? .flow : .block)
        }
    }

    /// Quotes where any YAML reader, old or new, might see something else than text. What the
    /// syntax alone requires is left to the emitter.
    private static func style(of text: String, isKey: Bool = false) -> Yams.Node.Scalar.Style {
        let isPlain = text.unicodeScalars.allSatisfy { isPrintable($0) || $0 == "\n" }
        guard isPlain else { return .doubleQuoted }
        if text.contains("\n") {
            // A block shows lines as they are; leading blanks and trailing ones would be lost on
            // the reader's eye, so those stay in quotes.
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let isBlock =
                !isKey && lines.allSatisfy { !$0.hasSuffix(" ") }
                && lines.first.map { !$0.isEmpty && !$0.hasPrefix(" ") } ?? false
                && !text.hasSuffix("\n\n")
            return isBlock ? .literal : .doubleQuoted
        }
        return looksLikeAnotherType(text) ? .doubleQuoted : .plain
    }

    private static func looksLikeAnotherType(_ text: String) -> Bool {
        let words = [
            "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=",
            ".nan", ".inf", "-.inf", "+.inf",
        ]
        if words.contains(text.lowercased()) { return true }
        // Numbers, also as YAML 1.1 has them (1_000, 0x1F, 12:30:45), dates and versions.
        guard let first = text.utf8.first, isDigit(first) || [43, 45, 46].contains(first) else {
            return false
        }
        return text.utf8.allSatisfy {
            isDigit($0) || [43, 45, 46, 58, 95, 69, 101].contains($0)
        } || text.hasPrefix("0x") || text.hasPrefix("0o")
    }
}
