import Manifest
package import Model

/// Tells what a field of a manifest means.
package struct Explain: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    package func run(on console: Console) throws {
        if let text = Schema.explain(path) {
            return try console.say(
                text.split(separator: "\n", omittingEmptySubsequences: false)
                    .dropLast(text.hasSuffix("\n") ? 1 : 0).map(String.init))
        }
        let near = Schema.suggestion(for: path).map { "; did you mean '\($0)'?" } ?? ""
        throw Failure(.notFound, "there is no field '\(path)'\(near)")
    }
}

/// Tells the versions of both sides.
package struct Version: Sendable {
    private let client: String
    private let format: Format

    package init(client: String, format: Format) {
        self.client = client
        self.format = format
    }

    private struct Report: Encodable {
        var clientVersion: String
        var server: ServerInfo?
    }

    package func run(in session: Session) async throws {
        var report = Report(clientVersion: client)
        var silence: Failure?
        do {
            report.server = try await session.connection.info()
        } catch let failure as Failure {
            silence = failure
        }
        if format == .json {
            try session.console.sayJSON(report)
        } else {
            try session.console.say("client: \(client)")
            if let server = report.server {
                try session.console.say(
                    visible("server: \(server.version) (\(server.role.rawValue) \(server.name))"))
            }
        }
        if let silence { throw silence }
    }

    /// Only this side; nothing is asked.
    package func runAlone(on console: Console) throws {
        if format == .json {
            try console.sayJSON(Report(clientVersion: client))
        } else {
            try console.say("client: \(client)")
        }
    }
}

/// Makes a join token for a new node, and shows it once.
package struct TokenCreation: Sendable {
    private let site: SiteID
    private let validFor: Interval
    private let format: Format

    package init(site: String, validFor: Interval, format: Format) throws(Failure) {
        guard isDNSLabel(site) else {
            throw Failure(.usage, "'\(site)' is no name of a site")
        }
        guard validFor.duration > .zero else {
            throw Failure(.usage, "--valid-for \(validFor) is over at once; write for example 15m")
        }
        self.site = SiteID(site)
        self.validFor = validFor
        self.format = format
    }

    package func run(in session: Session) async throws {
        let token = try await session.connection.issueToken(site: site, validFor: validFor)
        if format == .json { return try session.console.sayJSON(token) }
        try session.console.say(visible(token.text))
        try session.console.remark(
            "for one node of site \(token.site), until \(token.expiresAt); it is not shown again")
    }
}
