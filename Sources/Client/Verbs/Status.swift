import Model

/// Tells who answers, whether a node has its hub, and what a thief of its disk would learn.
package struct Status: Sendable {
    private let format: Format

    package init(format: Format) { self.format = format }

    package func run(in session: Session) async throws {
        let info = try await session.connection.info()
        if format == .json { return try session.console.sayJSON(info) }
        try session.console.say(Status.lines(info))
    }

    static func lines(_ info: ServerInfo) -> [String] {
        var lines = ["\(info.role.rawValue) \(info.name), version \(info.version)"]
        if let isInContact = info.hubInContact {
            let since = info.since.map { " since \($0)" } ?? ""
            lines.append("hub: " + (isInContact ? "in contact" : "out of contact") + since)
        }
        if let disk = info.disk {
            lines.append(
                "keys and secrets on disk: "
                    + (disk.sealedBy.map { "sealed, by '\($0)'" } ?? "not sealed"))
            lines.append("a stolen disk would reveal:")
            lines += disk.stolenDisk.map { "  - \($0)" }
        } else {
            lines.append("keys and secrets on disk: unknown; this server is of an older version")
        }
        return lines.map { visible($0) }
    }
}
