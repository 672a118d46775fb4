import Foundation
import Manifest
import Model

/// How a verb answers.
package enum Format: String, CaseIterable, Sendable {
    case table, wide, json, yaml, name

    var isTable: Bool { self == .table || self == .wide }
}

/// Lists objects, or follows how they change.
package struct Get: Sendable {
    package var targets: [Target]
    package var selector: Selector
    package var format: Format
    package var headings: Bool

    package init(
        _ targets: [Target], selector: Selector = Selector(), format: Format = .table,
        headings: Bool = true
    ) {
        self.targets = targets
        self.selector = selector
        self.format = format
        self.headings = headings
    }

    private var kinds: [Kind] {
        targets.reduce(into: []) { if !$0.contains($1.kind) { $0.append($1.kind) } }
    }

    package func run(in session: Session) async throws {
        // The state of an instance is only as young as the contact with its node.
        let asksNodes = format.isTable && kinds.contains(.instance) && session.vantage == .hub
        async let nodes = asksNodes ? session.hear(.node, Selector()) : nil
        let heard = try await lists(in: session)
        let known = try await nodes
        let silence = try session.remarkSilence(heard + (known.map { [$0] } ?? []))
        let (found, missing) = select(from: heard)
        let asOf = heard.map(\.list.asOf).min() ?? Session.now()
        if format.isTable {
            var tables = ObjectTables(
                picture: Picture(
                    asOf: asOf, vantage: session.vantage, nodes: known?.list.items ?? []))
            tables.isWide = format == .wide
            tables.namesKinds = kinds.count > 1
            try show(found, with: tables, on: session.console)
        } else {
            let isSingle = targets.count == 1 && targets[0].name != nil && found.count == 1
            try Printer(format).show(found, isSingle: isSingle, asOf: asOf, on: session.console)
        }
        for target in missing {
            try session.console.remark("\(target.kind.word) '\(target.name ?? "")' not found")
        }
        if let silence { throw silence }
        if !missing.isEmpty { throw Failure(.notFound, "") }
    }

    private func lists(in session: Session) async throws -> [Session.Heard] {
        try await withThrowingTaskGroup(of: (Int, Session.Heard).self) { group in
            for (index, kind) in kinds.enumerated() {
                group.addTask { (index, try await session.hear(kind, selector)) }
            }
            var lists: [(Int, Session.Heard)] = []
            for try await list in group { lists.append(list) }
            return lists.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func select(from heard: [Session.Heard]) -> (found: [Object], missing: [Target]) {
        var found: [Object] = []
        var missing: [Target] = []
        for (kind, heard) in zip(kinds, heard) {
            let wanted = targets.filter { $0.kind == kind }
            if wanted.contains(where: { $0.name == nil }) {
                found += heard.list.items
                continue
            }
            for target in wanted {
                if let object = heard.list.items.first(where: { $0.metadata.name == target.name }) {
                    found.append(object)
                } else {
                    missing.append(target)
                }
            }
        }
        return (found, missing)
    }

    private func show(_ found: [Object], with tables: ObjectTables, on console: Console) throws {
        var isFirst = true
        for kind in kinds {
            let objects = found.filter { $0.kind == kind }
            guard !objects.isEmpty else { continue }
            if !isFirst { try console.say("") }
            isFirst = false
            try console.say(tables.table(kind, objects), as: format, headings: headings)
        }
        if found.isEmpty, targets.contains(where: { $0.name == nil }) {
            let what = kinds.map(\.plural).joined(separator: ", ")
            try console.remark(
                selector.isEmpty ? "no \(what) yet" : "no \(what) with \(selector.text)")
        }
    }
}

/// Writes objects for other programs.
struct Printer: Sendable {
    private let format: Format

    init(_ format: Format) { self.format = format }

    func show(_ objects: [Object], isSingle: Bool, asOf: WallTime, on console: Console) throws {
        switch format {
        case .name: try console.say(objects.map { visible($0.name) })
        case .yaml: try console.sayYAML(objects)
        case .json, .table, .wide:
            if isSingle {
                try console.sayJSON(objects[0])
            } else {
                try console.sayJSON(
                    NamedList(
                        apiVersion: Model.apiVersion, kind: "List", asOf: asOf, items: objects))
            }
        }
    }

    private struct NamedList: Encodable {
        var apiVersion: String
        var kind: String
        var asOf: WallTime
        var items: [Object]
    }
}

extension Console {
    func sayYAML(_ objects: [Object]) throws {
        let text = ManifestWriter.yaml(objects)
        let shown = isTerminal ? visible(text, keeping: ["\n"]) : text
        try write(Array(shown.utf8), to: output)
    }

    /// JSON with sorted keys, so that two answers can be compared.
    package func sayJSON(_ value: some Encodable, isPretty: Bool = true) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
        let text = String(decoding: try encoder.encode(value), as: UTF8.self)
        try say(harmlessJSON(text))
    }
}

/// Writes treacherous characters as JSON escapes: the value stays the same, and shows.
func harmlessJSON(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { isTreacherous($0) && $0 != "\n" }) else {
        return text
    }
    var result = ""
    for scalar in text.unicodeScalars {
        guard isTreacherous(scalar), scalar != "\n" else {
            result.unicodeScalars.append(scalar)
            continue
        }
        for unit in UTF16.encode(scalar) ?? .init() {
            let digits = String(unit, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }
    return result
}
