import Foundation
import Manifest
import Model

/// Makes objects be as the manifests say, or says what that would do.
package struct Apply: Sendable {
    private let sources: ManifestFiles
    private let isTrial: Bool
    private let format: Format

    package init(files: [String], isTrial: Bool, format: Format = .table) {
        sources = ManifestFiles(files)
        self.isTrial = isTrial
        self.format = format
    }

    package func run(in session: Session) async throws {
        let results = try await results(in: session)
        switch format {
        case .json: try session.console.sayJSON(["results": results])
        case .name: try session.console.say(results.map { visible("\($0.kind.word)/\($0.name)") })
        case .table, .wide, .yaml:
            try session.console.say(
                results.map {
                    visible("\($0.kind.word)/\($0.name) \($0.outcome.rawValue)")
                        + (isTrial ? " (dry run)" : "")
                })
        }
    }
}

extension Apply {
    private func results(in session: Session) async throws -> [ApplyResult] {
        let (objects, texts) = try sources.read()
        do {
            return try await session.connection.apply(objects, dryRun: isTrial)
        } catch let failure as Failure where !failure.mistakes.isEmpty {
            // What the server found has a line too.
            var shown = ManifestFiles.failure(ManifestReader.placed(failure.mistakes, in: texts))
            shown.code = failure.code
            throw shown
        }
    }
}

/// Removes objects, by name or as manifests name them.
package struct Delete: Sendable {
    package enum Choice: Sendable {
        case words([String])
        case files([String])
    }

    private let choice: Choice
    private let ignoresMissing: Bool

    package init(_ choice: Choice, ignoresMissing: Bool) {
        self.choice = choice
        self.ignoresMissing = ignoresMissing
    }

    package func run(in session: Session) async throws {
        var worst: Failure?
        for (kind, name) in try objects() {
            do {
                if let waiting = try await session.connection.delete(kind, name) {
                    try session.console.remark(
                        visible(
                            "\(kind.word)/\(name) is not deleted yet: until \(waiting.expiresAt) "
                                + "somebody else may approve it with: skerry approve approval/"
                                + waiting.id))
                    worst = Failure(.denied, "")
                    continue
                }
                try session.console.say(visible("\(kind.word)/\(name) deleted"))
            } catch let failure as Failure where failure.code == .notFound {
                guard !ignoresMissing else { continue }
                try session.console.remark(failure.message)
                worst = Failure(.notFound, "")
            }
        }
        if let worst { throw worst }
    }

    private func objects() throws -> [(kind: Kind, name: String)] {
        switch choice {
        case .words(let words): return try Target.objects(words)
        case .files(let files):
            // In reverse: what stands last may rest on what stands first.
            return try ManifestFiles(files).objects().reversed().map { ($0.kind, $0.metadata.name) }
        }
    }
}

/// Sets and removes labels: `zone=north`, `zone-`.
package struct Label: Sendable {
    private let objects: [(kind: Kind, name: String)]
    private let labels: [String: String?]

    /// `words` are the target, as KIND NAME or KIND/NAME, and then the changes.
    package init(_ words: [String]) throws(Failure) {
        let isPair = words.first?.contains("/") == true && words.first?.contains("=") == false
        let count = isPair ? 1 : 2
        guard words.count > count else {
            throw Failure(.usage, "write: label KIND NAME key=value key- …")
        }
        objects = try Target.objects(Array(words[..<count]))
        var labels: [String: String?] = [:]
        for word in words[count...] {
            let (key, value) = try Label.change(word)
            if let mistake = Schema.mistake(inLabel: key, value: value ?? "") {
                throw Failure(.usage, mistake)
            }
            if value != nil,
                let kind = objects.first(where: { $0.kind.factNames.contains(key) })?.kind
            {
                throw Failure(
                    .usage,
                    "'\(key)' of a \(kind.word) is a fact that selectors match, and would hide a "
                        + "label of that name; choose another key")
            }
            guard labels.updateValue(value, forKey: key) == nil else {
                throw Failure(.usage, "label '\(key)' is changed twice")
            }
        }
        self.labels = labels
    }

    private static func change(_ word: String) throws(Failure) -> (String, String?) {
        if let equals = word.firstIndex(of: "="), equals > word.startIndex {
            return (String(word[..<equals]), String(word[word.index(after: equals)...]))
        }
        guard word.hasSuffix("-"), word.count > 1 else {
            throw Failure(.usage, "'\(word)' is neither key=value nor key-")
        }
        return (String(word.dropLast()), nil)
    }

    package func run(in session: Session) async throws {
        for (kind, name) in objects {
            let object = try await session.connection.edit(kind, name, .labels(labels))
            try session.console.say(visible("\(object.name) labeled"))
        }
    }
}

/// Keeps new work from a node, or lets it in again.
package struct Cordon: Sendable {
    private let nodes: [String]
    private let isCordoned: Bool

    package init(_ words: [String], isCordoned: Bool) throws(Failure) {
        // Written by habit of the other verbs: cordon node rural-1.
        let names =
            words.count > 1 && Kind(word: words[0]) == .node ? words.dropFirst() : words[...]
        let words = names.map { $0.contains("/") ? $0 : "node/\($0)" }
        nodes = try Target.objects(words).map { object throws(Failure) in
            guard object.kind == .node else {
                throw Failure(.usage, "only nodes can be cordoned, not \(object.kind.plural)")
            }
            return object.name
        }
        self.isCordoned = isCordoned
    }

    package func run(in session: Session) async throws {
        for node in nodes {
            let object = try await session.connection.edit(.node, node, .cordon(isCordoned))
            try session.console.say(
                visible("\(object.name) \(isCordoned ? "cordoned" : "uncordoned")"))
        }
    }
}
