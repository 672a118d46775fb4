/// The command line in the order that the parser takes it.
enum Arguments {
    /// Options that kubectl also takes in front of the verb, each with a value.
    private static let movable: Set<String> = ["--context", "--config"]

    /// Moves options from in front of the verb to behind it, and spells `--dry-run=server` as the
    /// flag it is here.
    static func inOrder(_ arguments: [String]) -> [String] {
        var front: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if movable.contains(first), rest.count >= 2 {
                front += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if movable.contains(where: { first.hasPrefix($0 + "=") }) {
                front.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        let spelled = rest[..<end].map { $0 == "--dry-run=server" ? "--dry-run" : $0 }
        // In front of a terminator, so that they never become part of a command to run.
        return spelled + front + rest[end...]
    }
}
