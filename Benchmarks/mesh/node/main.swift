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
    case "bulk-receive":
        try BulkTransfer.receive(at: try Words(arguments)["--bind"])
    case "bulk-send":
        let words = try Words(arguments)
        try BulkTransfer.send(
            Int(try words["--bytes"]) ?? 65_536, from: try words["--bind"], to: try words["--to"],
            kilobits: Int(words.optional("--kbit") ?? "4000") ?? 4000)
    default:
        throw Mistake(
            "usage: mesh-node run --node NAME --bind IP:PORT [--seeds IP:PORT,...] [--state FILE]\n"
                + "       mesh-node event NAME\n"
                + "       mesh-node bulk-receive --bind IP:PORT\n"
                + "       mesh-node bulk-send --bind IP:PORT --to IP:PORT --bytes N [--kbit 4000]")
    }
}

do throws(Mistake) {
    try run(CommandLine.arguments.dropFirst())
} catch {
    say(error.text)
    exit(1)
}
