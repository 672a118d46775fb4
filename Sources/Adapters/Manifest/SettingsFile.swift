import Yams

/// A configuration file of a hub or an agent: one flat YAML mapping of names to values.
package enum SettingsFile {
    /// Reads `text`, taking only `names`. Throws every mistake at once, each with its line.
    package static func read(
        _ text: String, file: String, names: [String]
    ) throws(SettingsMistakes) -> [String: String] {
        let root: Yams.Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw SettingsMistakes(lines: ["\(file)\(place(of: error))"])
        }
        guard let root else { return [:] }
        guard case .mapping(let mapping) = root else {
            throw SettingsMistakes(lines: ["\(file): write one 'name: value' on each line"])
        }
        var values: [String: String] = [:]
        var mistakes: [String] = []
        for (key, value) in mapping {
            let place = "\(file):\(key.mark?.line ?? 1)"
            guard let name = key.scalar?.string, names.contains(name) else {
                let written = key.scalar?.string ?? "?"
                let advice =
                    nearest(to: written, among: names).map { "did you mean '\($0)'?" }
                    ?? "known are: " + names.joined(separator: ", ")
                mistakes.append("\(place): there is no setting '\(written)'; \(advice)")
                continue
            }
            guard let scalar = value.scalar?.string else {
                mistakes.append("\(place): '\(name)' takes one value")
                continue
            }
            values[name] = scalar
        }
        guard mistakes.isEmpty else { throw SettingsMistakes(lines: mistakes) }
        return values
    }

    /// The word of `words` that was most likely meant by `text`.
    package static func nearest(to text: String, among words: [String]) -> String? {
        Manifest.nearest(to: text, among: words)
    }

    /// The parser's own words are about YAML's grammar; a person needs the line.
    private static func place(of error: any Error) -> String {
        let line: Int? =
            switch error as? YamlError {
            case .scanner(_, _, let mark, _), .parser(_, _, let mark, _),
                .composer(_, _, let mark, _):
                mark.line
            case .duplicatedKeysInMapping(_, let context): context.mark.line
            default: nil
            }
        if case .duplicatedKeysInMapping? = error as? YamlError {
            return "\(line.map { ":\($0)" } ?? ""): a setting is given twice; delete one of them"
        }
        return
            "\(line.map { ":\($0)" } ?? ""): this is not YAML; write one 'name: value' on each line"
    }
}

/// Everything wrong with a configuration file, one sentence a mistake.
package struct SettingsMistakes: Error, Hashable, Sendable {
    package var lines: [String]
}
