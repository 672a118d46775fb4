/// What the house forbids and a reader could miss. Each rule looks at one file.
enum Rules {
    /// Imports that the file's room may not have; or a file that is in no room.
    static func imports(_ file: SourceFile, rooms: [Room] = Room.all) -> [Breach] {
        guard file.isSwift, file.path.hasPrefix("Sources/") else { return [] }
        guard let room = rooms.first(where: { file.path.hasPrefix($0.path) }) else {
            return [Breach(path: file.path, line: 1, problem: "is in no room of Rooms.swift")]
        }
        let tokens = file.tokens
        let kinds = ["struct", "class", "enum", "protocol", "func", "typealias", "let", "var"]
        return tokens.indices.dropLast().compactMap { index in
            guard tokens[index].text == "import" else { return nil }
            var name = tokens[index + 1].text
            if kinds.contains(name), index + 2 < tokens.count { name = tokens[index + 2].text }
            guard !room.imports.contains(name) else { return nil }
            return Breach(
                path: file.path, line: tokens[index].line,
                problem: "\(room.path) may not import \(name)")
        }
    }

    /// The world inside a pure room.
    static func purity(_ file: SourceFile) -> [Breach] {
        guard file.isSwift, Room.of(file.path)?.isPure == true else { return [] }
        let banned: Set<String> = [
            "async", "await", "Task", "ContinuousClock", "SuspendingClock",
            "SystemRandomNumberGenerator", "nonisolated", "print", "CommandLine", "readLine",
        ]
        let chance: Set<String> = ["random", "randomElement", "shuffle", "shuffled"]
        let tokens = file.tokens
        return tokens.indices.compactMap { index in
            let word = tokens[index].text
            let isMember = index > 0 && tokens[index - 1].text == "."
            let isActor =
                word == "actor" && index + 1 < tokens.count
                && tokens[index + 1].text.first?.isUppercase == true
            let isCall = index + 1 < tokens.count && tokens[index + 1].text == "("
            let isChance =
                chance.contains(word) && isMember && isCall && !uses(tokens, from: index + 1)
            guard isActor || isChance || (banned.contains(word) && !isMember) else { return nil }
            return Breach(
                path: file.path, line: tokens[index].line,
                problem: "'\(word)' in a pure room: time, chance and the world are inputs")
        }
    }

    /// Whether the arguments that open at `index` have the label `using`.
    private static func uses(_ tokens: [Token], from index: Int) -> Bool {
        var depth = 0
        for token in tokens[index...] {
            if token.text == "(" { depth += 1 }
            if token.text == ")" { depth -= 1 }
            if depth == 1, token.text == "using" { return true }
            if depth == 0 { return false }
        }
        return false
    }

    /// Phrases that occur nowhere in Swift code.
    static let phrases: [(words: [String], problem: String)] = [
        (["public"], "the default access is package"),
        (["@", "testable"], "tests see what other rooms see"),
        (["try", "?"], "hides what went wrong"),
        (["catch", "{", "}"], "an empty catch hides what went wrong"),
        (["Task", "{"], "unstructured: nobody waits for it or ends it"),
        (["Task", "(", "priority"], "unstructured: nobody waits for it or ends it"),
        (["Task", ".", "detached"], "unstructured: nobody waits for it or ends it"),
        (["Task", ".", "sleep"], "sleeping: wait for what should happen instead"),
        (["Thread", ".", "sleep"], "sleeping: wait for what should happen instead"),
        (["usleep", "("], "sleeping: wait for what should happen instead"),
        (["@", "unchecked", "Sendable"], "needs a reason in Allowed.swift"),
    ]

    static func words(_ file: SourceFile, allowed: [Allowance] = Allowance.all) -> [Breach] {
        guard file.isSwift, !file.isGenerated else { return [] }
        let tokens = file.tokens
        var breaches: [Breach] = []
        for (words, problem) in phrases {
            let phrase = words.joined()
            if allowed.contains(where: { $0.phrase == phrase && $0.path == file.path }) { continue }
            for index in tokens.indices.dropLast(words.count - 1)
            where tokens[index].text == words[0]
                && tokens[index..<(index + words.count)].map(\.text) == words
            {
                breaches.append(
                    Breach(
                        path: file.path, line: tokens[index].line,
                        problem: "'\(phrase)': \(problem)"))
            }
        }
        return breaches
    }

    /// Types named after a role instead of what they are.
    static func names(_ file: SourceFile) -> [Breach] {
        guard file.isSwift, !file.isGenerated else { return [] }
        let roles = ["Manager", "Helper", "Util", "Utils", "Service", "Handler", "Wrapper", "Impl"]
        let kinds: Set<String> = ["class", "struct", "enum", "actor", "protocol", "typealias"]
        let tokens = file.tokens
        return tokens.indices.dropLast().compactMap { index in
            let name = tokens[index + 1].text
            guard kinds.contains(tokens[index].text), roles.contains(where: name.hasSuffix) else {
                return nil
            }
            return Breach(
                path: file.path, line: tokens[index].line,
                problem: "'\(name)' says what it does for others; call it what it is")
        }
    }

    /// Files that grew past a conversation.
    static func length(_ file: SourceFile, allowed: [String: String] = Allowance.long) -> [Breach] {
        let limit = file.path == "ARCHITECTURE.md" ? 300 : 600
        let isLimited = file.isSwift || file.path.hasPrefix("bin/") || file.path.hasSuffix(".md")
        guard isLimited, !file.isGenerated, file.path != "LICENSE", file.lineCount > limit,
            allowed[file.path] == nil
        else { return [] }
        return [
            Breach(
                path: file.path, line: limit + 1,
                problem: "\(file.lineCount) lines, \(limit) are allowed: split it by concept")
        ]
    }

    /// Notes to oneself, and paths that exist on one machine only.
    static func text(_ file: SourceFile) -> [Breach] {
        // This directory names what it forbids.
        guard !file.path.hasPrefix("Tests/TidyTests/"), !file.isGenerated else { return [] }
        let notes = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK:"]
        let places = ["work", "home", "root", "Users"].map { "/\($0)/" }
        var breaches: [Breach] = []
        for (index, line) in file.text.split(
            separator: "\n", omittingEmptySubsequences: false
        ).enumerated() {
            for note in notes where line.utf8.count >= note.utf8.count && line.contains(note) {
                breaches.append(
                    Breach(path: file.path, line: index + 1, problem: "'\(note)': do it, or not"))
            }
            for place in places where line.contains(place) && isPath(line, place) {
                breaches.append(
                    Breach(
                        path: file.path, line: index + 1,
                        problem: "'\(place)' is a place on somebody's machine"))
            }
        }
        return breaches
    }

    /// `/home/x` is a path of a machine; `https://host/home/` and `a/work/b` are not.
    private static func isPath(_ line: Substring, _ place: String) -> Bool {
        guard let range = line.firstRange(of: place) else { return false }
        guard range.lowerBound > line.startIndex else { return true }
        let before = line[line.index(before: range.lowerBound)]
        return !before.isLetter && !before.isNumber && !")}]._-*".contains(before)
    }

    /// Decisions that nobody would find.
    static func decisions(_ files: [SourceFile]) -> [Breach] {
        let folder = "docs/decisions/"
        let index = files.first { $0.path == folder + "README.md" }?.text ?? ""
        return files.compactMap { file in
            let name = String(file.path.dropFirst(folder.count))
            guard file.path.hasPrefix(folder), name.hasSuffix(".md"), name != "README.md",
                !index.contains("(\(name))")
            else { return nil }
            return Breach(
                path: file.path, line: 1, problem: "is not linked from \(folder)README.md")
        }
    }
}
