import Yams

/// Turns one document's text into `Written`, with every place counted in the whole file.
///
/// Yams stops at the first fault of a document. What can be told apart is therefore done around
/// it: documents are split before, so that a fault in one does not hide those of the next, and a
/// repeated key is renamed in a copy of the text so that reading goes on.
struct Composer {
    let source: SourceText
    private let text: String
    /// Lines of the file before this document.
    let linesBefore: Int
    /// Keys that were renamed since they occur again, with the scalar that was there.
    private var renamed: [Place: Unicode.Scalar] = [:]
    /// Anchors that were refused: each once, however often it is referred to.
    private var anchors: Set<Place> = []
    private var isTooDeep = false
    private(set) var findings: Findings

    init(_ source: SourceText, _ document: DocumentText, _ findings: Findings) {
        self.source = source
        self.findings = findings
        text = document.text
        linesBefore = document.firstLine - 1
    }

    /// The document, or nil if it is empty or beyond reading; `findings` says which.
    mutating func compose() -> Written? {
        if let alias = aliasBomb(in: text, allowed: Limits.aliases) {
            add(
                .alias, at: alias, "YAML aliases are not read",
                fix: "write the value out at each place")
            return nil
        }
        guard let (node, parser) = parse() else { return nil }
        // Nodes refer to their anchors weakly; the parser holds them.
        let written = withExtendedLifetime(parser) { convert(node, depth: 1) }
        guard !written.isNull else { return nil }
        return written
    }

    // MARK: - Parsing

    private mutating func parse() -> (Node, Parser)? {
        var text = text
        // Each round reads the document again, so the work is bounded, not the rounds.
        var budget = Limits.rereadBytes
        while true {
            do {
                let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
                return try parser.nextRoot().map { ($0, parser) }
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                budget -= text.utf8.count + 1024
                let place = Place(line: context.mark.line, column: context.mark.column)
                guard budget > 0, let next = renaming(keyAt: place, in: text) else {
                    add(
                        .duplicateKey, at: place,
                        "the key \(quoted(names.first ?? "")) is given twice in one block",
                        fix: "delete one of them")
                    return nil
                }
                text = next
            } catch let error as YamlError {
                report(error)
                return nil
            } catch {
                add(.syntax, at: Place(line: 1, column: 1), "\(error)", fix: "correct the YAML")
                return nil
            }
        }
    }

    /// The text with the first scalar of the key at `place` replaced by one for private use, which
    /// makes it another key without moving anything; nil where the key is not plain to see.
    private mutating func renaming(keyAt place: Place, in text: String) -> String? {
        let scalars = text.unicodeScalars
        guard var index = index(of: place, in: scalars) else { return nil }
        let isQuoted = scalars[index] == "\"" || scalars[index] == "'"
        if isQuoted { index = scalars.index(after: index) }
        let privateUse = UInt32(0xE000 + renamed.count)
        guard index < scalars.endIndex, privateUse < 0xF8FF,
            let stand = Unicode.Scalar(privateUse)
        else { return nil }
        let first = scalars[index]
        let ends: [Unicode.Scalar] =
            isQuoted
            ? ["\"", "'", "\\"]
            : Array("[]{},:?-&*!|>'\"%@` \n")
                .flatMap(\.unicodeScalars)
        guard !ends.contains(first), renamed[place] == nil else { return nil }
        renamed[place] = first
        var result = String.UnicodeScalarView(scalars[..<index])
        result.append(stand)
        result.append(contentsOf: scalars[scalars.index(after: index)...])
        return String(result)
    }

    private func index(
        of place: Place, in scalars: String.UnicodeScalarView
    ) -> String.Index? {
        var line = 1
        var index = scalars.startIndex
        while line < place.line, index < scalars.endIndex {
            let scalar = scalars[index]
            index = scalars.index(after: index)
            let isPair = scalar == "\r" && index < scalars.endIndex && scalars[index] == "\n"
            if !isPair, ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar) {
                line += 1
            }
        }
        guard line == place.line else { return nil }
        let end = scalars.index(index, offsetBy: place.column - 1, limitedBy: scalars.endIndex)
        return end.flatMap { $0 < scalars.endIndex ? $0 : nil }
    }

    // MARK: - Converting

    private mutating func convert(_ node: Node, depth: Int) -> Written {
        let place = place(node.mark)
        guard depth <= Limits.depth else {
            // One is enough: what is below the first is not looked at either.
            if !isTooDeep {
                add(
                    .tooDeep, at: local(node.mark),
                    "nested deeper than \(Limits.depth) levels",
                    fix: "no object needs it: look for brackets or indentation gone wrong")
            }
            isTooDeep = true
            return Written(place: place, content: .scalar("", isPlain: true))
        }
        if node.anchor != nil {
            // An alias is the anchored node again, with the anchor's place.
            if anchors.insert(local(node.mark)).inserted {
                add(
                    .alias, at: local(node.mark), "YAML anchors and aliases are not read",
                    fix: "delete the '&' name here and write the value out where '*' refers to it")
            }
            return Written(place: place, content: .scalar("", isPlain: true))
        }
        checkTag(node)
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain && writtenTag(of: node) == Tag.Name.implicit
            return Written(place: place, content: .scalar(scalar.string, isPlain: isPlain))
        case .sequence(let sequence):
            return Written(
                place: place, content: .list(sequence.map { convert($0, depth: depth + 1) }))
        case .mapping(let mapping):
            return Written(place: place, content: .map(entries(of: mapping, depth: depth)))
        case .alias:
            return Written(place: place, content: .scalar("", isPlain: true))
        }
    }

    private mutating func entries(of mapping: Node.Mapping, depth: Int) -> [Written.Entry] {
        var entries: [Written.Entry] = []
        var seen: [String: Place] = [:]
        for (key, value) in mapping {
            let local = local(key.mark)
            guard case .scalar(let scalar) = key else {
                add(
                    .wrongType, at: local,
                    "found a list or map where the name of a field is wanted",
                    fix: "put it in quotes if it is text")
                continue
            }
            if key.anchor != nil {
                add(
                    .alias, at: local, "YAML anchors and aliases are not read",
                    fix: "write the name of the field by itself")
            }
            checkTag(key)
            let name = restored(scalar.string, at: local)
            let keyPlace = place(key.mark)
            if let first = seen[name] {
                add(
                    .duplicateKey, at: local, width: name.unicodeScalars.count,
                    "the key \(quoted(name)) is given twice in one block; first at line "
                        + "\(first.line)",
                    fix: "delete one of them")
            } else {
                seen[name] = keyPlace
            }
            let value = convert(value, depth: depth + 1)
            entries.append(Written.Entry(key: name, place: keyPlace, value: value))
        }
        return entries
    }

    private func restored(_ key: String, at place: Place) -> String {
        guard let first = renamed[place] else { return key }
        var scalars = String.UnicodeScalarView([first])
        scalars.append(contentsOf: key.unicodeScalars.dropFirst())
        return String(scalars)
    }

    /// The tag as written. Yams' own `tag` of a node resolves it first, which forgets whether there
    /// was one.
    private func writtenTag(of node: Node) -> Tag.Name {
        let tag =
            switch node {
            case .scalar(let scalar): scalar.tag
            case .mapping(let mapping): mapping.tag
            case .sequence(let sequence): sequence.tag
            case .alias(let alias): alias.tag
            }
        return Tag.Name(rawValue: tag.rawValue)
    }

    private mutating func checkTag(_ node: Node) {
        let tag = writtenTag(of: node)
        guard ![.implicit, .str, .map, .seq].contains(tag) else { return }
        add(
            .alias, at: local(node.mark), "the YAML tag \(quoted(tag.rawValue)) is not read",
            fix: "delete the tag and write the plain value")
    }

    // MARK: - Places and mistakes

    /// Within the document's own text.
    private func local(_ mark: Mark?) -> Place {
        Place(line: max(1, mark?.line ?? 1), column: max(1, mark?.column ?? 1))
    }

    /// Within the file.
    private func place(_ mark: Mark?) -> Place {
        let local = local(mark)
        return Place(line: local.line + linesBefore, column: local.column)
    }

    mutating func add(
        _ code: MistakeCode, at local: Place, width: Int = 1, _ message: String, fix: String
    ) {
        // Faults at the end of a text are marked one line behind it.
        let line = min(max(1, local.line + linesBefore), source.lineCount)
        let place = Place(line: line, column: max(1, local.column))
        findings.add(
            ManifestMistake(
                code: code, file: source.name, line: place.line, column: place.column,
                width: max(1, width), object: nil, field: "", message: message, fix: fix),
            in: source)
    }
}
