import Model

/// Shows what serves, and where: the best instance of each service first.
package struct ShowServices: Sendable {
    private let name: String?
    private let format: Format
    private let headings: Bool

    package init(name: String?, format: Format, headings: Bool) {
        self.name = name
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        var list = try await session.connection.services()
        if let name { list.items.removeAll { $0.service.text != name } }
        if let name, list.items.isEmpty, format.isTable {
            throw Failure(.notFound, "nothing healthy serves '\(name)'")
        }
        try session.console.list(
            list, "services are", as: format, headings: headings, table: table(list.items),
            names: list.items.map { "instance/\($0.instance)" }, absence: "nothing healthy serves")
    }

    private func table(_ endpoints: [ServiceEndpoint]) -> TextTable {
        TextTable(
            [
                .init("SERVICE", rank: 0), .init("INSTANCE", rank: 3), .init("NODE", rank: 1),
                .init("ADDRESS", rank: 0), .init("LOAD", rank: 4), .init("HEARD", rank: 5),
                .init("NAME", rank: 6),
            ],
            rows: endpoints.map { endpoint in
                let places = endpoint.ports.sorted { $0.key < $1.key }
                    .map { "\($0.key)=\(bracketed(endpoint.host)):\($0.value)" }
                return [
                    .init(endpoint.service.text), .init(endpoint.instance.description),
                    .init(endpoint.node.text + (endpoint.isLocal ? " (here)" : "")),
                    .init(places.isEmpty ? endpoint.host : places.joined(separator: ",")),
                    .init("\(Int(endpoint.load * 100)) %"),
                    .init(endpoint.isLocal ? "-" : "\(Age(endpoint.age.duration)) ago"),
                    .init("\(endpoint.service).\(endpoint.site).skerry"),
                ]
            })
    }

    private func bracketed(_ host: String) -> String {
        host.contains(":") ? "[\(host)]" : host
    }
}
