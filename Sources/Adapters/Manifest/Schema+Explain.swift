import Model

extension Schema {
    /// What `path` means, for people: `workload.spec.containers.ports`, `Workload` or a code such as
    /// `SK0102`. Nil where there is nothing of that name; `suggestion(for:)` then says what is near.
    package static func explain(_ path: String) -> String? {
        if let code = MistakeCode(rawValue: path.uppercased()) {
            return "\(code.rawValue)\n\n\(wrapped(code.explanation, indent: ""))\n"
        }
        guard let place = find(path), place.isComplete else { return nil }
        var lines = ["KIND:     \(place.kind)", "VERSION:  \(apiVersion)"]
        if let field = place.field {
            lines.append("FIELD:    \(place.found.joined(separator: ".")) <\(field.shape.title)>")
        }
        lines += ["", "DESCRIPTION:"]
        lines.append(wrapped(place.field?.about ?? place.record?.about ?? "", indent: "    "))
        if let field = place.field {
            if let record = place.record, record.about != field.about {
                lines.append(wrapped(record.about, indent: "    "))
            }
            lines += facts(of: field)
        }
        if let record = place.record {
            lines += ["", "FIELDS:"] + record.fields.flatMap(summary)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The path that was most likely meant by one that leads nowhere.
    package static func suggestion(for path: String) -> String? {
        guard let place = find(path) else {
            let words =
                Kind.allCases.flatMap { [$0.rawValue.lowercased(), $0.plural] } + ["scenario"]
            let parts = split(path)
            guard let first = parts.first, let near = nearest(to: first, among: words) else {
                return nil
            }
            return ([near] + parts.dropFirst()).joined(separator: ".")
        }
        guard !place.isComplete else { return nil }
        let found = [place.kind.lowercased()] + place.found
        let names = place.record?.fields.map(\.name) ?? []
        // People leave out what stands between: workload.containers for workload.spec.containers.
        for field in place.record?.fields ?? [] where field.shape.record?[place.missing] != nil {
            return (found + [field.name, place.missing]).joined(separator: ".")
        }
        let near = nearest(to: place.missing, among: names)
        return (found + (near.map { [$0] } ?? [])).joined(separator: ".")
    }

    // MARK: - Finding

    private struct Found {
        var kind: String
        var field: Field?
        var record: Record?
        /// The names that led here, and the first that did not lead on.
        var found: [String] = []
        var missing = ""

        var isComplete: Bool { missing.isEmpty }
    }

    private static func find(_ path: String) -> Found? {
        let parts = split(path)
        guard let first = parts.first else { return nil }
        var place: Found
        if first.lowercased() == scenarioKind.lowercased() {
            place = Found(kind: scenarioKind, record: scenario)
        } else if let kind = Kind(word: first) {
            place = Found(kind: kind.rawValue, record: record(of: kind))
        } else {
            return nil
        }
        for part in parts.dropFirst() {
            guard let field = place.record?[part] else {
                place.missing = part
                return place
            }
            place.field = field
            place.record = field.shape.record
            place.found.append(field.name)
        }
        return place
    }

    /// `Workload.spec.containers[0]` as names; what mistakes print can be pasted.
    private static func split(_ path: String) -> [String] {
        path.split(whereSeparator: { $0 == "." || $0 == "/" || $0 == " " }).map {
            String($0.prefix { $0 != "[" })
        }
    }

    // MARK: - Writing

    private static func facts(of field: Field) -> [String] {
        var lines: [String] = []
        switch field.presence {
        case .required: lines.append("REQUIRED: yes")
        case .standard(let text): lines.append("DEFAULT:  \(text)")
        case .reported: lines.append("Said by nodes or the hub; never written in a file.")
        case .optional: break
        }
        if let example = field.example { lines.append("EXAMPLE:  \(field.name): \(example)") }
        return lines.isEmpty ? [] : [""] + lines
    }

    private static func summary(of field: Field) -> [String] {
        let note =
            switch field.presence {
            case .required: "  required"
            case .standard(let text): "  default \(text)"
            case .optional, .reported: ""
            }
        return [
            "    \(field.name)  <\(field.shape.title)>\(note)",
            wrapped(field.about, indent: "        "),
        ]
    }

    private static func wrapped(_ text: String, indent: String) -> String {
        var lines: [String] = []
        var line = ""
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            if !line.isEmpty, indent.count + line.count + 1 + word.count > 80 {
                lines.append(indent + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty { lines.append(indent + line) }
        return lines.joined(separator: "\n")
    }
}
