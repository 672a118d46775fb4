import Manifest
package import Model

/// Why a verb did not do what it was asked: one sentence for a person, and the code to exit with.
package struct Failure: Error, Hashable, Sendable {
    /// What a script can tell apart by the exit code.
    package enum Code: Int32, Sendable {
        case failed = 1
        case usage = 2
        case notFound = 3
        case denied = 4
        case unreachable = 5
    }

    package var code: Code
    /// What was being done, what went wrong, what to do. May hold text of the server: whoever
    /// shows it makes it visible first.
    package var message: String
    /// What the server found wrong in what was sent, for whoever knows the files it came from.
    package var mistakes: [Mistake] = []

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package static func unknownVerb(_ word: String, among verbs: [String]) -> Failure {
        let near = SettingsFile.nearest(to: word, among: verbs).map { "did you mean '\($0)'?" }
        return Failure(
            .usage, "there is no verb '\(word)'; \(near ?? "skerry --help lists what there is")")
    }

    /// What the server answered instead of doing it.
    package init(_ refusal: Refusal, objects: [Object] = []) {
        var lines = [refusal.message]
        for mistake in refusal.mistakes {
            let place =
                objects.indices.contains(mistake.object)
                ? objects[mistake.object].reference + ": " : ""
            lines.append("  \(place)\(mistake.field): \(mistake.message); \(mistake.fix)")
        }
        self.init(Code(refusal.code), lines.joined(separator: "\n"))
        mistakes = refusal.mistakes
    }
}

extension Failure.Code {
    fileprivate init(_ code: Refusal.Code) {
        self =
            switch code {
            case .invalid: .usage
            case .notFound: .notFound
            case .denied, .unauthenticated: .denied
            case .conflict, .unavailable, .throttled: .failed
            }
    }
}
