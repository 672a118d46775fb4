import Model

/// Tells which policies decided a request, or would decide one: by id, where they stand, what they say.
package struct AuthWhy: Sendable {
    private enum Question: Sendable {
        case request(String)
        case verb(Verb, String?, as: String?)
    }

    private let question: Question
    private let format: Format

    /// - Parameter words: the id of a request, or an action and with what.
    package init(_ words: [String], as user: String?, format: Format) throws(Failure) {
        self.format = format
        guard let first = words.first, words.count <= 2 else {
            throw Failure(
                .usage, "say which request, by its id; or an action, such as: exec instance/shop-0")
        }
        if let verb = Verb(rawValue: first) {
            question = .verb(verb, words.dropFirst().first, as: user)
        } else if words.count == 1, first.utf8.count == 16, first.allSatisfy(\.isHexDigit) {
            question = .request(first)
        } else if words.count == 1, first.contains("/") {
            throw Failure(
                .usage,
                "'\(first)' names no request; for what a machine decided use: skerry get decisions, "
                    + "and skerry why KIND/NAME")
        } else {
            let verbs = Verb.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(
                .usage,
                "'\(first)' is neither the id of a request (16 digits, in the message that refused "
                    + "it) nor an action: \(verbs)")
        }
    }

    package func run(in session: Session) async throws {
        let explanation =
            switch question {
            case .request(let id): try await session.connection.accessWhy(request: id)
            case .verb(let verb, let target, let user):
                try await session.connection.accessWhy(verb, target, as: user)
            }
        switch format {
        case .json: return try session.console.sayJSON(explanation)
        case .yaml, .name, .wide:
            throw Failure(.usage, "the answer is shown in words or as json")
        case .table: break
        }
        for record in explanation.items { try show(record, on: session.console) }
        for excerpt in explanation.excerpts {
            try session.console.say("")
            try session.console.say(visible("\(excerpt.id)  (\(excerpt.place))"))
            for line in excerpt.text.split(separator: "\n", omittingEmptySubsequences: false) {
                try session.console.say(visible("  " + line))
            }
        }
    }

    private func show(_ record: AccessRecord, on console: Console) throws {
        let report = record.report
        let answer = report.isAllowed ? "may" : "may not"
        try console.say(
            visible(
                "\(record.who) (by \(record.credential)) \(answer) \(record.verb.rawValue) "
                    + "\(record.target)"))
        let versions = report.policies.map(\.description).joined(separator: ", ")
        let reasons =
            report.reasons.isEmpty
            ? "no policy permits it"
            : (report.isAllowed ? "permitted by " : "forbidden by ")
                + report.reasons.joined(separator: ", ")
        try console.say(
            visible(
                "  \(reasons); decided by \(versions.isEmpty ? "no policy of the fleet" : versions)"
            ))
        for error in report.errors { try console.say(visible("  not worked out: \(error)")) }
    }
}

/// Lists all that somebody may do.
package struct ListRights: Sendable {
    private let user: String?
    private let format: Format

    package init(of user: String?, format: Format) {
        self.user = user
        self.format = format
    }

    package func run(in session: Session) async throws {
        let rights = try await session.connection.rights(of: user)
        let console = session.console
        switch format {
        case .json: return try console.sayJSON(rights)
        case .yaml, .name: throw Failure(.usage, "rights are shown as a table or as json")
        case .table, .wide: break
        }
        var targets: [String] = []
        for right in rights.items where !targets.contains(right.target) {
            targets.append(right.target)
        }
        let verbs = Verb.allCases.filter { verb in rights.items.contains { $0.verb == verb } }
        let columns =
            [TextTable.Column("ACTION", rank: 0)]
            + targets.enumerated().map { index, target in
                TextTable.Column(
                    target == AccessTarget.fleet.reference ? "FLEET" : target, rank: index + 1)
            }
        let rows = verbs.map { verb -> [TextTable.Cell] in
            [.init(verb.rawValue)]
                + targets.map { target in
                    let right = rights.items.first { $0.verb == verb && $0.target == target }
                    return right?.isAllowed == true ? "yes" : "-"
                }
        }
        let table = TextTable(columns, rows: rows)
        try console.say(table, headings: true)
        let versions = rights.policies.map(\.description).joined(separator: ", ")
        try console.remark(
            "\(rights.who), by \(versions.isEmpty ? "no policy of the fleet" : versions); "
                + "rules in Cedar may say otherwise of single objects")
    }
}

/// Tells who the server takes the caller for.
package struct ShowWhoAmI: Sendable {
    private let format: Format

    package init(format: Format) { self.format = format }

    package func run(in session: Session) async throws {
        let who = try await session.connection.whoAmI()
        if format == .json { return try session.console.sayJSON(who) }
        let end = who.expiresAt.map { " until \($0)" } ?? ""
        try session.console.say(
            visible("\(who.user ?? "the local console"), by \(who.credential)\(end)"))
    }
}
