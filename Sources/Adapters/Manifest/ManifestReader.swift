package import Model

/// A file as it was read, with the name to show in messages.
package struct ManifestSource: Hashable, Sendable {
    package var name: String
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// Reads objects from YAML or JSON. All files are checked whole: either every object of all of
/// them, or every mistake.
package enum ManifestReader {
    package enum Reading: Hashable, Sendable {
        case objects([Object])
        /// By place. `omitted` counts those beyond the 200 that are kept.
        case mistakes([ManifestMistake], omitted: Int)
    }

    package static func read(_ sources: [ManifestSource]) -> Reading {
        var reading = Pass()
        for (index, source) in sources.enumerated() { reading.read(source, at: index) }
        return reading.finish(sources)
    }

    /// Mistakes that were found in what the files mean, with their place in the files. `objects` of the
    /// mistakes count as `read` answered.
    package static func placed(
        _ mistakes: [Mistake], in sources: [ManifestSource]
    ) -> [ManifestMistake] {
        var reading = Pass()
        for (index, source) in sources.enumerated() { reading.read(source, at: index) }
        return reading.placed(mistakes)
    }
}

/// One reading of a set of files, on its way.
private struct Pass {
    /// An object that is right in itself, and where its parts stand.
    struct Found {
        let source: Int
        let text: SourceText
        let document: Written
        let object: Object
    }

    private var findings = Findings(limit: Limits.mistakesShown)
    private var found: [Found] = []
    /// Where each kind and name was first given, also by objects with mistakes.
    private var names: [String: String] = [:]
    private var documentCount = 0

    mutating func read(_ source: ManifestSource, at index: Int) {
        findings.source = index
        guard source.bytes.count <= Limits.fileBytes else {
            return reject(
                source, .tooLarge,
                "the file has \(source.bytes.count) bytes, and at most "
                    + "\(Limits.fileBytes) are allowed",
                fix: "split it into several files")
        }
        guard let text = decode(source) else { return }
        let file = SourceText(name: source.name, text: text)
        for document in file.documents {
            documentCount += 1
            guard documentCount <= Limits.documents else {
                return reject(
                    source, .tooMany, at: document.firstLine,
                    "more than \(Limits.documents) documents", fix: "apply them in several parts")
            }
            read(document, of: file)
        }
    }

    mutating func finish(_ sources: [ManifestSource]) -> ManifestReader.Reading {
        findCycles()
        if documentCount == 0, findings.count == 0 {
            let source = sources.first ?? ManifestSource(name: "(no file)", bytes: [])
            findings.source = 0
            reject(
                source, .nothingToApply, "there is no object in what was given",
                fix: "write at least one document with apiVersion, kind, metadata and spec")
        }
        let (mistakes, omitted) = findings.result()
        return mistakes.isEmpty
            ? .objects(found.map(\.object)) : .mistakes(mistakes, omitted: omitted)
    }

    func placed(_ mistakes: [Mistake]) -> [ManifestMistake] {
        var findings = Findings(limit: Limits.mistakesShown)
        for mistake in mistakes where found.indices.contains(mistake.object) {
            let found = found[mistake.object]
            findings.source = found.source
            var checker = Checker(source: found.text, findings: findings)
            checker.object = found.object.reference
            checker.add(
                .refused, found.document.deepest(along: mistake.field), at: mistake.field,
                mistake.message, fix: mistake.fix)
            findings = checker.findings
        }
        return findings.result().shown
    }

    // MARK: - Bytes to documents

    private mutating func decode(_ source: ManifestSource) -> String? {
        var bytes = source.bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let offset = validPrefix(of: bytes)
        let line = bytes.prefix(offset).count { $0 == 10 } + 1
        let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        reject(
            source, .notUTF8, at: line,
            "byte \(offset + source.bytes.count - bytes.count) is not UTF-8",
            fix: isUTF16 ? "the file is UTF-16: save it as UTF-8" : "save the file as UTF-8")
        return nil
    }

    /// How many bytes are UTF-8 before the first that is not.
    private func validPrefix(of bytes: ArraySlice<UInt8>) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var count = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) {
            count += UTF8.width(scalar)
        }
        return count
    }

    private mutating func read(_ document: DocumentText, of file: SourceText) {
        guard document.text.utf8.count <= Limits.documentBytes else {
            var checker = Checker(source: file, findings: findings)
            checker.add(
                .tooLarge, at: Place(line: document.firstLine, column: 1), path: "",
                "a document of \(document.text.utf8.count) bytes, and at most "
                    + "\(Limits.documentBytes) are allowed",
                fix: "mount large content as a file instead of writing it here")
            findings = checker.findings
            return
        }
        let before = findings.count
        var composer = Composer(file, document, findings)
        let written = composer.compose()
        findings = composer.findings
        if let written { check(written, of: file, isSound: findings.count == before) }
    }

    // MARK: - Documents to objects

    private mutating func check(_ written: Written, of file: SourceText, isSound: Bool) {
        var checker = Checker(source: file, findings: findings)
        let before = findings.count
        let header = checker.readHeader(written)
        let value = header.flatMap { header in
            checker.read(written, as: .record(Schema.record(of: header)), at: "")
        }
        findings = checker.findings
        guard let kind = header else { return }
        noteName(kind, written, of: file)
        if let value, isSound, findings.count == before {
            found.append(
                Found(
                    source: findings.source, text: file, document: written,
                    object: Object(kind, value)))
        }
    }

    private mutating func noteName(_ kind: Kind, _ written: Written, of file: SourceText) {
        guard let place = written["metadata"]?["name"], let name = place.text else { return }
        let reference = "\(kind.rawValue)/\(shown(name))"
        guard let first = names[reference] else {
            names[reference] = "\(file.name):\(place.place.line)"
            return
        }
        var checker = Checker(source: file, findings: findings)
        checker.object = reference
        checker.add(
            .duplicateObject, place, at: "metadata.name",
            "\(kind.rawValue) \(quoted(name)) is given twice; first at \(first)",
            fix: "give one of them another name, or delete it")
        findings = checker.findings
    }

    private mutating func reject(
        _ source: ManifestSource, _ code: MistakeCode, at line: Int = 1, _ message: String,
        fix: String
    ) {
        findings.add(
            ManifestMistake(
                code: code, file: source.name, line: line, column: 1, width: 1, object: nil,
                field: "", message: message, fix: fix))
    }

    // MARK: - Between objects

    private mutating func findCycles() {
        var workloads: [String: Found] = [:]
        var edges: [String: [String]] = [:]
        for found in found {
            guard case .workload(let workload) = found.object else { continue }
            workloads[workload.metadata.name] = found
            edges[workload.metadata.name] = workload.spec.dependsOn.map(\.text)
        }
        for cycle in cycles(in: edges) {
            guard let first = cycle.first, let found = workloads[first] else { continue }
            let items = found.document["spec"]?["dependsOn"]?.items ?? []
            guard let index = items.firstIndex(where: { $0.text == cycle.dropFirst().first })
            else { continue }
            findings.source = found.source
            var checker = Checker(source: found.text, findings: findings)
            checker.object = found.object.reference
            checker.add(
                .dependencyCycle, items[index], at: "spec.dependsOn[\(index)]",
                "a circle of dependencies: \((cycle + [first]).joined(separator: " → "))",
                fix: "delete one of these dependencies")
            findings = checker.findings
        }
    }
}

extension Written {
    /// What stands at `spec.authority[2].by`, or at the longest part of it that is there.
    fileprivate func deepest(along path: String) -> Written {
        var place = self
        for part in path.split(whereSeparator: { ".[]".contains($0) }) {
            if let index = Int(part), place.items.indices.contains(index) {
                place = place.items[index]
            } else if let next = place[String(part)] {
                place = next
            } else {
                break
            }
        }
        return place
    }
}

/// Circles in a graph of names, none sharing a node with another; each starts at its least name.
private func cycles(in edges: [String: [String]]) -> [[String]] {
    var left = edges
    var cycles: [[String]] = []
    while true {
        // What depends on nothing that is left cannot be part of a circle.
        while case let free = left.filter({ !$0.value.contains { left[$0] != nil } }).keys,
            !free.isEmpty
        {
            for name in free { left[name] = nil }
        }
        guard var name = left.keys.min() else { return cycles }
        var path: [String] = []
        while !path.contains(name) {
            path.append(name)
            // Never absent: what has no way on was taken away above.
            guard let next = left[name]?.filter({ left[$0] != nil }).min() else { break }
            name = next
        }
        var cycle = Array(path.drop { $0 != name })
        if let least = cycle.min(), let start = cycle.firstIndex(of: least) {
            cycle = Array(cycle[start...] + cycle[..<start])
        }
        cycles.append(cycle)
        for name in cycle { left[name] = nil }
    }
}
