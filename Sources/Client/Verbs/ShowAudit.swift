import Foundation
package import Model
import Synchronization

/// Shows the newest records of an audit log, oldest first; with `follows` also what is appended from
/// here on.
package struct ShowAudit: Sendable {
    private static let limitMax = 1_000

    private let limit: Int
    private let follows: Bool
    private let format: Format
    private let headings: Bool

    package init(limit: Int, follows: Bool, format: Format, headings: Bool) throws(Failure) {
        guard (1...ShowAudit.limitMax).contains(limit) else {
            throw Failure(.usage, "-n is from 1 to \(ShowAudit.limitMax); see also: audit export")
        }
        self.limit = limit
        self.follows = follows
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let page = try await session.connection.audit(from: nil, limit: limit)
        try show(page, on: session.console)
        guard follows else { return }
        let next = (page.items.last?.index ?? 0) + 1
        let console = session.console
        try await session.connection.watchAudit(from: next, limit: ShowAudit.limitMax) { entry in
            switch format {
            case .json: try console.say(AuditExport.line(entry))
            case .name: try console.say("\(entry.index)")
            default: try console.say(AuditLine(entry).sentence)
            }
        }
    }

    package func show(_ page: AuditPage, on console: Console) throws {
        switch format {
        case .json where follows: try console.say(page.items.map(AuditExport.line))
        case .json: try console.sayJSON(page)
        case .name: try console.say(page.items.map { "\($0.index)" })
        case .yaml: throw Failure(.usage, "records are shown as a table, wide, json or name")
        case .table, .wide:
            guard !page.items.isEmpty else { return try console.remark("no records") }
            try console.say(table(page), as: format, headings: headings)
        }
    }

    private func table(_ page: AuditPage) -> TextTable {
        TextTable(
            [
                .init("RECORD", rank: 0), .init("AGE", rank: 3), .init("WHO", rank: 1),
                .init("ACTION", rank: 1), .init("ON", rank: 1, widthMin: 12),
                .init("DECISION", rank: 0), .init("BY", rank: 4), .init("POLICY", rank: 5),
                .init("MODE", rank: 6), .init("REQUEST", rank: 7), .init("NOTE", rank: 8),
            ],
            rows: page.items.map { AuditLine($0).cells(asOf: page.asOf) })
    }
}

/// One record for people. A row that is no record is shown as what it is.
struct AuditLine {
    private let entry: AuditEntry
    private let record: AuditRecord?

    init(_ entry: AuditEntry) {
        self.entry = entry
        do {
            record = try JSONDecoder().decode(AuditRecord.self, from: Data(entry.text.utf8))
        } catch {
            record = nil
        }
    }

    func cells(asOf: WallTime) -> [TextTable.Cell] {
        guard let record else {
            return [.init("\(entry.index)"), .init("?"), .init("unreadable", .bad)]
                + Array(repeating: .init(""), count: 8)
        }
        return [
            .init("\(entry.index)"), .init(Age.text(of: record.at, asOf: asOf)), .init(record.who),
            .init(record.action), .init(record.target),
            .init(
                record.decision == .allow ? "allowed" : "denied",
                record.decision == .allow ? .good : .bad),
            .init(record.reasons.joined(separator: ",")), .init(basis(record)),
            .init(record.mode.rawValue), .init(record.request),
            .init(
                [record.approval.map { "approval \($0)" }, record.note].compactMap { $0 }
                    .joined(separator: "; ")),
        ]
    }

    private func basis(_ record: AuditRecord) -> String {
        let versions = record.policies.map(\.description).joined(separator: ",")
        let age =
            record.staleness == .fresh ? "" : " \(record.staleness.rawValue) \(record.policyAge)"
        return versions + age
    }

    var sentence: String {
        guard let record else { return "\(entry.index)  cannot be read" }
        let decision = record.decision == .allow ? "allowed" : "denied"
        let by = record.reasons.isEmpty ? "" : " by \(record.reasons.joined(separator: ", "))"
        let note = record.note.map { " (\($0))" } ?? ""
        return visible(
            "\(record.at)  \(record.index)  \(record.who) \(record.action) \(record.target): "
                + "\(decision)\(by)\(note)")
    }
}

/// Asks whether a log is what was once written. Ends with 1 where it is not.
package struct VerifyAudit: Sendable {
    private let format: Format

    package init(format: Format) { self.format = format }

    package func run(in session: Session) async throws {
        try show(try await session.connection.auditVerdict(), on: session.console)
    }

    package func show(_ verdict: AuditVerdict, on console: Console) throws {
        switch format {
        case .json: try console.sayJSON(verdict)
        case .table: if verdict.fault == nil { try console.say(visible(sentence(verdict))) }
        case .yaml, .name, .wide:
            throw Failure(.usage, "the verdict is shown as a sentence or as json")
        }
        guard let fault = verdict.fault else { return }
        throw Failure(
            .failed,
            "the audit log \(verdict.log) is not what was written: first bad record \(fault.index), "
                + "\(fault.kind.rawValue): \(fault.message)")
    }

    private func sentence(_ verdict: AuditVerdict) -> String {
        let pruned = verdict.first > 1 ? "; those before were pruned, as it says itself" : ""
        let signed = verdict.newest.map { ", the newest of \($0.at)" } ?? ""
        let witness =
            verdict.witnessed.map { "; the hub has witnessed it up to record \($0)" } ?? ""
        let neighbours = (verdict.neighbours ?? [:]).sorted { $0.key < $1.key }
            .map { "; neighbour \($0.key) up to record \($0.value)" }.joined()
        return
            "the audit log \(verdict.log) is whole: records \(verdict.first) to \(verdict.last), "
            + "\(verdict.checkpoints) signed checkpoints\(signed)\(pruned)\(witness)\(neighbours)"
    }
}

/// Writes a log out, record by record.
package struct AuditExport: Sendable {
    package enum Form: String, CaseIterable, Sendable {
        case jsonLines = "json-lines"
        case syslog
    }

    private static let pageRecords = 1_000

    private let form: Form
    private let first: UInt64

    package init(_ form: Form, from first: UInt64) {
        self.form = form
        self.first = max(1, first)
    }

    package func run(in session: Session) async throws {
        try await run(on: session.console) { index in
            try await session.connection.audit(from: index, limit: AuditExport.pageRecords)
        }
    }

    package func run(
        on console: Console, _ page: (UInt64) async throws -> AuditPage
    ) async throws {
        var next = first
        while true {
            let items = try await page(next)
            guard let last = items.items.last else { return }
            try console.say(
                items.items.map {
                    switch form {
                    case .jsonLines: AuditExport.line($0)
                    case .syslog: AuditExport.syslog($0, of: items.log)
                    }
                })
            next = last.index + 1
        }
    }

    /// The canonical text as it is, and the hash of the chain up to it: enough to go through the chain
    /// again without Skerry.
    static func line(_ entry: AuditEntry) -> String {
        let record = entry.text.contains(where: \.isNewline) ? "null" : entry.text
        return "{\"hash\":\"\(entry.hash)\",\"record\":\(record)}"
    }

    /// RFC 5424, facility 13 (log audit): notice for what was allowed, warning for what was denied.
    private static func syslog(_ entry: AuditEntry, of log: String) -> String {
        let record: AuditRecord?
        do {
            record = try JSONDecoder().decode(AuditRecord.self, from: Data(entry.text.utf8))
        } catch {
            record = nil
        }
        let name = log.split(separator: "/").last.map(String.init) ?? log
        let priority = 13 * 8 + (record?.decision == .allow ? 5 : 4)
        let time = record.map(\.at.description) ?? "-"
        let identifier = record.map { printable($0.action) } ?? "-"
        let text = visible(entry.text)
        return "<\(priority)>1 \(time) \(printable(name)) skerry - \(identifier) "
            + "[record@32473 index=\"\(entry.index)\" hash=\"\(entry.hash)\"] \(text)"
    }

    /// A field of the header: printable ASCII without spaces, at most 32 of them.
    private static func printable(_ text: String) -> String {
        let field = text.unicodeScalars.prefix(32).map { (33...126).contains($0.value) ? $0 : "_" }
        return field.isEmpty ? "-" : String(String.UnicodeScalarView(field))
    }
}
