import Model

/// Lists what people asked for and another person has to approve.
package struct Approvals: Sendable {
    private let format: Format
    private let headings: Bool

    package init(format: Format, headings: Bool) {
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let list = try await session.connection.approvals()
        try session.console.list(
            list, "approvals are", as: format, headings: headings, table: table(list),
            names: list.items.map { "approval/\($0.id)" },
            absence: "nothing waits for an approval, nor did lately")
    }

    private func table(_ list: ApprovalList) -> TextTable {
        TextTable(
            [
                .init("ID", rank: 0), .init("STATE", rank: 1), .init("WHAT", rank: 2),
                .init("ASKED BY", rank: 3), .init("ASKED", rank: 5), .init("UNTIL", rank: 6),
                .init("ANSWERED BY", rank: 4), .init("NOTE", rank: 7),
            ],
            rows: list.items.map { item in
                [
                    .init(item.id),
                    .init(
                        item.state.rawValue,
                        item.state == .waiting ? .caution : item.state == .done ? .good : .plain),
                    .init(item.what),
                    .init(item.requestedBy),
                    .init(Age.text(of: item.requestedAt, asOf: list.asOf)),
                    .init(item.state == .waiting ? item.expiresAt.description : "-"),
                    .init(item.answeredBy ?? "-"), .init(item.note ?? "-"),
                ]
            })
    }
}

/// Says yes or no to what somebody else asked for.
package struct AnswerApproval: Sendable {
    private let id: String
    private let answer: ApprovalAnswer

    /// The id in `approval/ID`; nil for a word that names something else.
    package static func id(in word: String) -> String? {
        let parts = word.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, ["approval", "approvals"].contains(parts[0]) else { return nil }
        return String(parts[1])
    }

    package init(_ id: String, isApproved: Bool, note: String?) throws(Failure) {
        guard isDNSLabel(id) else {
            throw Failure(.usage, "'\(id)' names no approval; skerry get approvals lists them")
        }
        self.id = id
        answer = ApprovalAnswer(isApproved: isApproved, note: note)
    }

    package func run(in session: Session) async throws {
        let approval = try await session.connection.answer(approval: id, answer)
        let what = approval.what
        guard approval.state != .failed else {
            throw Failure(
                .failed,
                visible(
                    "approval/\(id) was approved, and could not be done any more: \(what): "
                        + (approval.note ?? "")))
        }
        try session.console.say(
            visible("approval/\(approval.id) \(approval.state.rawValue): \(what)"))
    }
}
