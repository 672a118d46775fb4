import Model

/// Walks one document along its shape, collects every mistake and keeps what is right.
struct Checker {
    let source: SourceText
    var findings: Findings
    /// `Workload/shop`, once the header is read.
    var object: String?
    /// The name of the object that is read, for what must not refer to itself.
    var objectName: String?

    /// Reads `written` as `shape`, or adds mistakes and answers nil.
    mutating func read(_ written: Written, as shape: Shape, at path: String) -> Checked? {
        switch shape {
        case .record(let record): readRecord(written, record, at: path)
        case .list(let item, let limit): readList(written, of: item, limit: limit, at: path)
        case .map(let keys, let values, let limit):
            readMap(written, keys: keys, values: values, limit: limit, at: path)
        default: readScalar(written, as: shape, at: path)
        }
    }

    // MARK: - Records

    private mutating func readRecord(
        _ written: Written, _ record: Record, at path: String
    ) -> Checked? {
        guard case .map(let entries) = written.content else {
            wrongType(written, wanted: "a map of fields", at: path, fix: mapFix(record, at: path))
            return nil
        }
        let before = findings.count
        var fields: [String: Checked] = [:]
        // Fields that stand there under a wrong name, so that they are not called missing too.
        var meant: Set<String> = []
        for entry in entries {
            guard let field = record[entry.key] else {
                if let field = unknownField(entry, in: record, at: path) {
                    let isFirst = written[field.name] == nil && meant.insert(field.name).inserted
                    guard isFirst, !entry.value.isNull else { continue }
                    _ = read(entry.value, as: field.shape, at: join(path, shown(entry.key)))
                }
                continue
            }
            let below = join(path, entry.key)
            if case .reported = field.presence {
                reported(entry, at: below)
            } else if !entry.value.isNull {
                fields[entry.key] = read(entry.value, as: field.shape, at: below)
            }
        }
        for field in record.fields
        where (written[field.name]?.isNull ?? true) && !meant.contains(field.name) {
            absent(field, in: written, fields: &fields, at: path)
        }
        if let rule = record.rule { apply(rule, to: written, at: path) }
        return findings.count == before ? .record(fields) : nil
    }

    private mutating func absent(
        _ field: Field, in written: Written, fields: inout [String: Checked], at path: String
    ) {
        switch field.presence {
        case .optional, .reported: return
        case .standard(let text): fields[field.name] = field.shape.standard(text)
        case .required:
            let below = join(path, field.name)
            let entry = written.entries.first { $0.key == field.name }
            let said = entry == nil ? "is missing" : "has no value"
            let example = field.example ?? field.shape.placeholder
            let kind = object.map { "\($0.prefix { $0 != "/" })." } ?? ""
            add(
                .missingField, at: entry?.place ?? written.place,
                width: entry.map { source.width(of: $0) } ?? 1, path: below,
                "required field '\(field.name)' \(said)",
                fix: "write '\(field.name): \(example)'; `skerry explain \(kind)\(below)` says more"
            )
        }
    }

    /// Answers with the field that was most likely meant.
    private mutating func unknownField(
        _ entry: Written.Entry, in record: Record, at path: String
    ) -> Field? {
        let written = record.fields.filter {
            if case .reported = $0.presence { false } else { true }
        }.map(\.name)
        var fix = "the fields here are: \(written.joined(separator: ", "))"
        var replacement: String?
        let habit = record.habits[entry.key]
        if let habit {
            fix = habit
        } else if let near = nearest(to: entry.key, among: written) {
            fix = "did you mean '\(near)'?"
            replacement = source.isQuoted(at: entry.place) ? "\"\(near)\"" : near
        }
        let code: MistakeCode = entry.key == "<<" ? .alias : .unknownField
        add(
            code, at: entry.place, width: source.width(of: entry),
            path: join(path, shown(entry.key)),
            "unknown field \(quoted(entry.key)) in \(record.name)", fix: fix,
            replacement: replacement)
        let meant = written.first {
            fix == "did you mean '\($0)'?" || habit == "write '\($0)'"
        }
        return meant.flatMap { record[$0] }
    }

    private mutating func reported(_ entry: Written.Entry, at path: String) {
        add(
            .statusWritten, at: entry.place, width: source.width(of: entry), path: path,
            "'\(entry.key)' is said by nodes and cannot be written",
            fix: "delete '\(entry.key)' and everything below it from the file")
    }

    // MARK: - Lists and maps

    private mutating func readList(
        _ written: Written, of item: Shape, limit: Int, at path: String
    ) -> Checked? {
        guard case .list(let items) = written.content else {
            let asList = written.text.flatMap(flowList)
            let fix =
                asList.map { "write it as a list: \($0)" }
                ?? "write it as a list, with '- ' before each entry"
            wrongType(written, wanted: "a list", at: path, fix: fix, replacement: asList)
            return nil
        }
        let before = findings.count
        checkCount(items.count, limit: limit, of: written, at: path)
        var values: [Checked] = []
        for (index, entry) in items.enumerated().prefix(limit) {
            let below = "\(path)[\(index)]"
            if entry.isNull {
                wrongType(
                    entry, wanted: item.wanted, at: below,
                    fix: "write a value behind the '-', or delete the entry")
            } else if let value = read(entry, as: item, at: below) {
                values.append(value)
            }
        }
        return findings.count == before ? .list(values) : nil
    }

    private mutating func readMap(
        _ written: Written, keys: TextRule, values: TextRule, limit: Int, at path: String
    ) -> Checked? {
        guard case .map(let entries) = written.content else {
            wrongType(
                written, wanted: "a map of names to values", at: path,
                fix: written.items.isEmpty
                    ? "write 'NAME: value' lines below it"
                    : "write it as a map, without '-': NAME: value")
            return nil
        }
        let before = findings.count
        checkCount(entries.count, limit: limit, of: written, at: path)
        var result: [String: String] = [:]
        for entry in entries.prefix(limit) {
            let below = "\(path).\(shown(entry.key))"
            let key = Written(place: entry.place, content: .scalar(entry.key, isPlain: false))
            _ = readText(key, keys, at: below)
            // A name with nothing behind it is an empty text: `DEBUG:` sets an empty variable.
            let isEmpty = entry.value.isNull
            result[entry.key] = isEmpty ? "" : readText(entry.value, values, at: below)
        }
        return findings.count == before ? .map(result) : nil
    }

    private mutating func checkCount(
        _ count: Int, limit: Int, of written: Written, at path: String
    ) {
        guard count > limit else { return }
        add(
            .tooMany, at: written.place, path: path,
            "\(count) entries, and at most \(limit) are allowed",
            fix: "keep \(limit) of them, or spread them over several objects")
    }

    // MARK: - Mistakes

    mutating func add(
        _ code: MistakeCode, at place: Place, width: Int = 1, path: String, _ message: String,
        fix: String, replacement: String? = nil
    ) {
        findings.add(
            ManifestMistake(
                code: code, file: source.name, line: place.line, column: place.column,
                width: max(1, width), object: object, field: path, message: message, fix: fix,
                // A line of a Secret may hold a value, and a terminal may be a log.
                replacement: replacement),
            in: object?.hasPrefix(Kind.secret.rawValue + "/") == true ? nil : source)
    }

    mutating func add(
        _ code: MistakeCode, _ written: Written, at path: String, _ message: String, fix: String,
        replacement: String? = nil
    ) {
        add(
            code, at: written.place, width: source.width(of: written), path: path, message,
            fix: fix, replacement: replacement)
    }

    mutating func wrongType(
        _ written: Written, wanted: String, at path: String, fix: String,
        replacement: String? = nil
    ) {
        add(
            .wrongType, written, at: path,
            "found \(written.description) where \(wanted) is wanted", fix: fix,
            replacement: replacement)
    }

    /// A line of words as the list they would be in a shell, unless quoting decides more than spaces.
    private func flowList(_ text: String) -> String? {
        let words = text.split(separator: " ")
        let isSimple = text.utf8.allSatisfy {
            isLetter($0) || isDigit($0) || [32, 45, 46, 47, 61, 95].contains($0)
        }
        guard isSimple, !words.isEmpty, text.utf8.count <= 200 else { return nil }
        return "[\(words.joined(separator: ", "))]"
    }

    private func join(_ path: String, _ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }

    private func mapFix(_ record: Record, at path: String) -> String {
        let names = record.fields.prefix(4).map(\.name).joined(separator: ", ")
        return "write fields below it, such as \(names)"
    }
}

extension Shape {
    /// The default of a field, from its text in the schema.
    func standard(_ text: String) -> Checked {
        switch (self, text) {
        case (.list, _): return .list([])
        case (.map, _): return .map([:])
        case (.record(let record), _):
            var fields: [String: Checked] = [:]
            for field in record.fields {
                if case .standard(let text) = field.presence {
                    fields[field.name] = field.shape.standard(text)
                }
            }
            return .record(fields)
        default:
            let written = Written(
                place: Place(line: 1, column: 1), content: .scalar(text, isPlain: true))
            guard case .success(let value) = reading(written) else {
                preconditionFailure("the default '\(text)' is not a \(title)")
            }
            return value
        }
    }

    /// Something to write where a required value is missing and the schema has no example.
    var placeholder: String {
        switch self {
        case .choice(let words): words[0]
        case .list: "[...]"
        case .map, .record: "{...}"
        default: "..."
        }
    }

    /// The type with its article, for "where ... is wanted".
    var wanted: String {
        switch self {
        case .text(let rule): rule == .name ? "a name" : "text"
        case .flag: "true or false"
        case .whole: "a whole number"
        case .decimal: "a number"
        case .duration: "a duration"
        case .cpu: "processor time"
        case .bytes: "a size"
        case .choice(let words): "one of \(words.joined(separator: ", "))"
        case .replicas: "a whole number or perNode"
        case .time: "a time"
        case .list: "a list"
        case .map: "a map"
        case .record: "a map of fields"
        }
    }
}
