/// The verbs below `config`: which hubs and nodes there are, and which is the current one.
package struct Contexts: Sendable {
    private let path: String
    private let environment: [String: String]
    private let console: Console

    package init(file path: String?, environment: [String: String], console: Console) {
        self.path = path ?? ContextFile.path(environment)
        self.environment = environment
        self.console = console
    }

    package func list(headings: Bool) throws {
        let file = try ContextFile.read(path)
        let current = file.currentName ?? Context.localName
        let names = file.names + (file.names.contains(Context.localName) ? [] : [Context.localName])
        let rows = try names.map { name -> [TextTable.Cell] in
            let context = try file.context(named: name, environment: environment)
            return [
                .init(name == current ? "*" : ""), .init(name), .init(context.endpoint.text),
            ]
        }
        let table = TextTable(
            [
                .init("CURRENT", rank: 1), .init("NAME", rank: 0),
                .init("SERVER", rank: 2, widthMin: 12),
            ],
            rows: rows)
        try console.say(table, headings: headings)
    }

    package func current() throws {
        try console.say(visible(try ContextFile.read(path).currentName ?? Context.localName))
    }

    package func use(_ name: String) throws {
        var file = try ContextFile.read(path)
        try file.use(name)
        try file.write()
        try console.say(visible("switched to context \(name)"))
    }

    package func view() throws {
        let file = try ContextFile.read(path)
        try console.say(
            file.text.split(separator: "\n").map { visible(String($0)) })
    }
}
