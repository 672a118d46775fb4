package import Model

/// Makes a token that speaks for a person, and shows it once.
package struct UserTokenCreation: Sendable {
    private let user: String
    private let validFor: Interval
    private let format: Format

    package init(user: String, validFor: Interval, format: Format) throws(Failure) {
        guard isDNSLabel(user) else {
            throw Failure(
                .usage, "'\(user)' is no name of a user: lower-case letters, digits and hyphens")
        }
        guard validFor.duration > .zero else {
            throw Failure(.usage, "--ttl \(validFor) is over at once; write for example 8h")
        }
        self.user = user
        self.validFor = validFor
        self.format = format
    }

    package func run(in session: Session) async throws {
        let issued = try await session.connection.vouch(for: user, validFor: validFor)
        if format == .json { return try session.console.sayJSON(issued) }
        try session.console.say(visible(issued.text))
        try session.console.remark(
            "speaks for \(issued.token.user) until \(issued.token.expiresAt); it is not shown again. "
                + "To use it: skerry login --token TOKEN; to end it: skerry token revoke "
                + issued.token.id
                + "; what it may do: skerry auth can-i --list --as \(issued.token.user)")
    }
}

/// Lists the tokens of people.
package struct ShowUserTokens: Sendable {
    private let format: Format
    private let headings: Bool

    package init(format: Format, headings: Bool) {
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let list = try await session.connection.userTokens()
        try session.console.list(
            list, "tokens are", as: format, headings: headings, table: table(list),
            names: list.items.map(\.id), absence: "no tokens yet")
    }

    private func table(_ list: UserTokenList) -> TextTable {
        TextTable(
            [
                .init("ID", rank: 0), .init("USER", rank: 1), .init("STATE", rank: 2),
                .init("EXPIRES", rank: 3), .init("BY", rank: 4), .init("AGE", rank: 5),
            ],
            rows: list.items.map { token in
                let state: TextTable.Cell =
                    token.revokedAt != nil
                    ? "revoked" : list.asOf < token.expiresAt ? "valid" : "expired"
                return [
                    .init(token.id), .init(token.user), state, .init("\(token.expiresAt)"),
                    .init(token.issuedBy),
                    .init(Age(of: token.issuedAt, asOf: list.asOf).map { "\($0)" } ?? "?"),
                ]
            })
    }
}

/// Ends tokens at once.
package struct UserTokenRevocation: Sendable {
    private let ids: [String]

    package init(_ ids: [String]) { self.ids = ids }

    package func run(in session: Session) async throws {
        for id in ids {
            let token = try await session.connection.revokeToken(id)
            try session.console.say(visible("token \(token.id) of \(token.user) is revoked"))
        }
    }
}
