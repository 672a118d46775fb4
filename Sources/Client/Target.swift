package import Model

/// What a verb is about, as written on the command line: a kind, or one object of it.
package struct Target: Hashable, Sendable {
    package var kind: Kind
    /// Nil means all of them.
    package var name: String?

    package init(_ kind: Kind, _ name: String? = nil) {
        self.kind = kind
        self.name = name
    }

    /// Reads `all`, `nodes,sites`, `node a b` and `node/a workload/b`.
    package static func parse(_ words: [String]) throws(Failure) -> [Target] {
        guard let first = words.first else {
            throw Failure(.usage, "say what: \(Target.kinds), or KIND/NAME")
        }
        if words.contains(where: { $0.contains("/") }) {
            return try words.map { word throws(Failure) in try Target.pair(word) }
        }
        let kinds = try Target.kinds(first)
        let names = words.dropFirst()
        if names.isEmpty { return kinds.map { Target($0) } }
        guard kinds.count == 1 else {
            throw Failure(
                .usage, "names need one kind, not '\(first)'; write KIND/NAME for several")
        }
        return try names.map { name throws(Failure) in Target(kinds[0], try Target.checked(name)) }
    }

    /// As `parse`, where every target must be one object.
    package static func objects(_ words: [String]) throws(Failure) -> [(kind: Kind, name: String)] {
        var objects: [(kind: Kind, name: String)] = []
        for target in try parse(words) {
            guard let name = target.name else {
                throw Failure(.usage, "say which \(target.kind.word): \(target.kind.word)/NAME")
            }
            objects.append((target.kind, name))
        }
        return objects
    }

    private static func pair(_ word: String) throws(Failure) -> Target {
        let parts = word.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw Failure(.usage, "'\(word)' is not KIND/NAME, such as node/rural-1")
        }
        return Target(try kind(String(parts[0])), try checked(String(parts[1])))
    }

    private static func kinds(_ word: String) throws(Failure) -> [Kind] {
        if word == "all" { return [.site, .node, .workload, .instance] }
        return try word.split(separator: ",", omittingEmptySubsequences: false)
            .map { word throws(Failure) in try kind(String(word)) }
    }

    package static func kind(_ word: String) throws(Failure) -> Kind {
        guard let kind = Kind(word: word) else {
            throw Failure(.usage, "'\(word)' is no kind of object; there are: \(kinds)")
        }
        return kind
    }

    private static var kinds: String {
        Kind.allCases.map(\.plural).sorted().joined(separator: ", ")
    }

    /// Names travel in paths, so nothing else gets through.
    private static func checked(_ name: String) throws(Failure) -> String {
        guard
            !name.isEmpty, name.utf8.count <= 128,
            name.utf8.allSatisfy({
                ($0 | 32 >= 97 && $0 | 32 <= 122) || (45...46).contains($0)
                    || (48...57).contains($0)
            })
        else {
            throw Failure(
                .usage, "'\(name)' is no name; names have lower case letters, digits and hyphens")
        }
        return name
    }
}
