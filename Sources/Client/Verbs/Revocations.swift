import Model
import Trust

/// Lists the identities that are no longer good.
package struct Revocations: Sendable {
    private let format: Format
    private let headings: Bool

    package init(format: Format, headings: Bool) {
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let report = try await session.connection.revocations()
        let console = session.console
        try console.list(
            report, "revocations are", as: format, headings: headings, table: table(report),
            names: report.items.map(\.subject), absence: "nothing is revoked")
        if format.isTable { try console.remark(standing(of: report)) }
    }

    private func standing(of report: RevocationReport) -> String {
        var words = "version \(report.version)"
        if let issued = report.issuedAt {
            words += ", signed \(Age.text(of: issued, asOf: report.asOf)) ago"
        }
        if let end = report.expiresAt {
            words += end > report.asOf ? ", good until \(end)" : ", not renewed since \(end)"
        }
        if let allowance = report.allowance {
            words += "; \(allowance) more without a second key"
        }
        return words
    }

    private func table(_ report: RevocationReport) -> TextTable {
        TextTable(
            [
                .init("SUBJECT", rank: 0), .init("REVOKED", rank: 1), .init("DEVICE", rank: 3),
                .init("REASON", rank: 2, widthMin: 12),
            ],
            rows: report.items.map { item in
                [
                    .init(item.subject), .init(Age.text(of: item.at, asOf: report.asOf)),
                    .init(
                        item.device.map { String(fingerprint(ofDevice: $0).prefix(19)) } ?? "any"),
                    .init(item.reason),
                ]
            })
    }
}

/// Says that identities are no longer good.
package struct Revoke: Sendable {
    private let subjects: [String]
    private let reason: String
    private let key: String?

    /// - Parameters:
    ///   - words: `node/NAME`, `user/NAME`, or the bare name of a node.
    ///   - key: the file of a policy key, for more than the brake lets through.
    package init(_ words: [String], reason: String, key: String?) throws(Failure) {
        var subjects: [String] = []
        for word in words {
            let parts = (word.contains("/") ? word : "node/\(word)")
                .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, ["node", "user"].contains(parts[0]), isDNSLabel(parts[1]) else {
                throw Failure(.usage, "'\(word)' cannot be revoked; write node/NAME or user/NAME")
            }
            subjects.append(parts.joined(separator: "/"))
        }
        guard !subjects.isEmpty else { throw Failure(.usage, "say whom: revoke node/NAME") }
        self.subjects = subjects
        self.reason = reason
        self.key = key
    }

    package func run(in session: Session) async throws {
        var request = RevocationRequest(subjects: subjects, reason: reason)
        if let key {
            do {
                request.warrant = try PolicyFiles.secretKey(key).warrant(
                    revoking: subjects, at: Session.now())
            } catch let fault as KeyFault {
                throw Failure(.usage, "the key \(key) cannot be used: \(fault)")
            }
        }
        let report = try await session.connection.revoke(request)
        for subject in subjects { try session.console.say(visible("\(subject) revoked")) }
        try session.console.remark("revocations are at version \(report.version)")
    }
}
