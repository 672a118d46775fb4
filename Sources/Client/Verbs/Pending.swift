import Model

/// Lists the machines without a token that ask to become nodes.
package struct Pending: Sendable {
    private let format: Format
    private let headings: Bool

    package init(format: Format, headings: Bool) {
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let list = try await session.connection.pending()
        try session.console.list(
            list, "who asks is", as: format, headings: headings, table: table(list),
            names: list.items.map(\.node.text), absence: "nobody asks to join")
    }

    private func table(_ list: PendingList) -> TextTable {
        TextTable(
            [
                .init("NAME", rank: 0), .init("SITE", rank: 3), .init("STATE", rank: 2),
                .init("ASKED", rank: 4), .init("FINGERPRINT", rank: 1),
            ],
            rows: list.items.map { item in
                [
                    .init(item.node.text), .init(item.site.text),
                    .init(item.state.rawValue, item.state == .denied ? .bad : .caution),
                    .init(Age.text(of: item.firstAsked, asOf: list.asOf)),
                    .init(fingerprint(ofDevice: item.device)),
                ]
            })
    }
}

/// Lets a machine that asks become a node, or tells it no.
package struct AnswerPending: Sendable {
    private let name: String
    private let answer: PendingAnswer

    package init(
        _ name: String, isApproved: Bool, fingerprint: String?, site: String?
    ) throws(Failure) {
        guard isDNSLabel(name) else { throw Failure(.usage, "'\(name)' is no name of a node") }
        if let site, !isDNSLabel(site) { throw Failure(.usage, "'\(site)' is no name of a site") }
        self.name = name
        answer = PendingAnswer(
            isApproved: isApproved, fingerprint: fingerprint, site: site.map { SiteID($0) })
    }

    package func run(in session: Session) async throws {
        let item = try await session.connection.answer(pending: name, answer)
        let word = item.state == .denied ? "denied" : "approved"
        try session.console.say(
            visible(
                "node/\(item.node) \(word): \(fingerprint(ofDevice: item.device)), site \(item.site)"
            ))
    }
}
