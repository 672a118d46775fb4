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
            throw SettingsMistakes(lines: ["\(file): \(error)"])
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
                mistakes.append(
                    "\(place): there is no setting '\(key.scalar?.string ?? "?")'; known are: "
                        + names.joined(separator: ", "))
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
}

/// Everything wrong with a configuration file, one sentence a mistake.
package struct SettingsMistakes: Error, Hashable, Sendable {
    package var lines: [String]
}
