import Glibc

// One node of a mesh on its own: what the mesh benchmark starts in each of its namespaces.

struct Mistake: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// `--name value` pairs.
struct Words {
    private var values: [String: String] = [:]

    init(_ words: ArraySlice<String>) throws(Mistake) {
        var words = words
        while let name = words.popFirst() {
            guard name.hasPrefix("--"), let value = words.popFirst() else {
                throw Mistake("\(name) is no option with a value")
            }
            values[name] = value
        }
    }

    subscript(name: String) -> String {
        get throws(Mistake) {
            guard let value = values[name] else { throw Mistake("\(name) is missing") }
            return value
        }
    }

    func optional(_ name: String) -> String? { values[name] }
}

func run(_ arguments: ArraySlice<String>) throws(Mistake) {
    var arguments = arguments
    switch arguments.popFirst() {
    case "run":
        var node = try Node(try Words(arguments))
        try node.run()
    case "event":
        guard let name = arguments.first else { throw Mistake("an event needs a name") }
        guard try Node.publish(name) else { throw Mistake("the node did not take the event") }
    default:
        throw Mistake(
            "usage: mesh-node run --node NAME --bind IP:PORT [--seeds IP:PORT,...] [--state FILE]\n"
                + "       mesh-node event NAME")
    }
}

do throws(Mistake) {
    try run(CommandLine.arguments.dropFirst())
} catch {
    say(error.text)
    exit(1)
}
