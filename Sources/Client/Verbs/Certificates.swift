import Model

/// Lists the certificates of hub and nodes, as the server knows them.
package struct Certificates: Sendable {
    private let format: Format
    private let headings: Bool

    package init(format: Format, headings: Bool) {
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let list = try await session.connection.certificates()
        let console = session.console
        try console.list(
            list, "certificates are", as: format, headings: headings, table: table(list),
            names: list.items.map(\.name), absence: "no certificates yet")
        if format.isTable { try console.remark("by the clock there, \(list.asOf) (\(list.clock))") }
    }

    private func table(_ list: CertificateList) -> TextTable {
        var columns: [TextTable.Column] = [
            .init("NAME", rank: 0), .init("LEFT", rank: 1), .init("NOT-AFTER", rank: 4),
            .init("ISSUED-BY", rank: 3), .init("RENEWAL", rank: 2), .init("SEEN", rank: 6),
            .init("FINGERPRINT", rank: 5, widthMin: 12),
        ]
        if format == .wide {
            columns += [.init("SUBJECT", rank: 7), .init("ISSUER", rank: 8)]
        }
        return TextTable(columns, rows: list.items.map { row($0, asOf: list.asOf) })
    }

    private func row(_ item: CertificateReport, asOf now: WallTime) -> [TextTable.Cell] {
        var cells: [TextTable.Cell] = [
            .init(item.name), item.remaining(asOf: now), .init("\(item.facts.notAfter)"),
            .init(item.issuer), .init(item.renewalWords),
            .init(item.seenAt.map { Age.text(of: $0, asOf: now) } ?? "here"),
            .init(
                format == .wide
                    ? item.facts.fingerprint : String(item.facts.fingerprint.prefix(16))),
        ]
        if format == .wide { cells += [.init(item.facts.subject), .init(item.facts.issuer)] }
        return cells
    }
}

/// Tells all that is known about one certificate, or about those of one node.
package struct DescribeCertificate: Sendable {
    private let name: String
    private let format: Format

    package init(_ name: String, format: Format) {
        self.name = name
        self.format = format
    }

    package func run(in session: Session) async throws {
        let list = try await session.connection.certificates()
        let found = list.items.filter { $0.name == name || $0.node?.text == name }
        guard !found.isEmpty else {
            let names = list.items.prefix(20).map(\.name).joined(separator: ", ")
            throw Failure(.notFound, "there is no certificate '\(name)'; there are: \(names)")
        }
        if format == .json {
            return try session.console.sayJSON(
                CertificateList(items: found, asOf: list.asOf, clock: list.clock))
        }
        for (index, item) in found.enumerated() {
            if index > 0 { try session.console.say("") }
            for (title, text) in lines(of: item, in: list) {
                let label = title + ":"
                let gap = String(repeating: " ", count: max(1, 14 - label.count))
                try session.console.say(label + gap + visible(text))
            }
        }
    }

    private func lines(
        of item: CertificateReport, in list: CertificateList
    ) -> [(String, String)] {
        var lines = [
            ("Name", item.name), ("Role", item.role.rawValue), ("Subject", item.facts.subject),
            ("Issuer", item.facts.issuer), ("Issued by", item.issuer),
            ("Serial", item.facts.serial), ("Not before", "\(item.facts.notBefore)"),
            ("Not after", "\(item.facts.notAfter)"), ("Left", item.remaining(asOf: list.asOf).text),
            ("Fingerprint", "SHA-256 \(item.facts.fingerprint)"), ("Renewal", item.renewalWords),
        ]
        if let device = item.facts.device {
            lines.append(("Device", fingerprint(ofDevice: device)))
        }
        if let seen = item.seenAt {
            lines.append(("Last shown", Age.text(of: seen, asOf: list.asOf) + " ago"))
        }
        if let revoked = item.revokedAt { lines.append(("Revoked", "\(revoked)")) }
        lines.append(("Clock", "\(list.asOf), \(list.clock)"))
        return lines
    }
}

extension CertificateReport {
    fileprivate func remaining(asOf now: WallTime) -> TextTable.Cell {
        if revokedAt != nil { return .init("revoked", .bad) }
        let left = facts.notAfter - now
        guard left > .zero else { return .init("expired", .bad) }
        let isLate = left < (facts.notAfter - facts.notBefore) / 5
        return .init("\(Age(left))", isLate ? .caution : .good)
    }

    fileprivate var issuer: String {
        switch (issuedBy, facts.mode) {
        case (.root, _): "root"
        case (.hub, _): "hub"
        case (.node, .local?): "node, cut off"
        case (.node, _): "node"
        }
    }

    fileprivate var renewalWords: String {
        switch renewal {
        case .byHand: "by hand"
        case .byHub: "by the hub"
        case .byContact: "at contact"
        case .byNode: "by the node"
        }
    }
}
