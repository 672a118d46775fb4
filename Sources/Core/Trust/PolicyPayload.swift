package import Model

/// What a policy bundle says: the head that the checks need, and the policy itself.
///
/// Written as lines of text in one order, each value in one spelling, so that a text has one meaning and
/// a meaning one text: a person can read what was signed, and nothing can be changed without trace.
package struct PolicyPayload: Hashable, Sendable {
    package var role: String
    package var reference: PolicyReference
    package var issuedAt: WallTime
    /// After it the bundle is taken by nobody. It stays in force where it was taken before.
    package var notAfter: WallTime
    package var spec: PolicySpec

    package init(
        role: String = TrustedKey.policyRole, reference: PolicyReference, issuedAt: WallTime,
        notAfter: WallTime, spec: PolicySpec
    ) {
        self.role = role
        self.reference = reference
        self.issuedAt = issuedAt
        self.notAfter = notAfter
        self.spec = spec
    }

    /// The longest text that is looked at.
    package static let bytesMax = 512 << 10
    /// What a store can hold.
    package static let versions = 1...UInt64(Int64.max)
    static let firstLine = "skerry.dev/v1 PolicyBundle"

    package var lines: [String] { head + ["digest \(digest(of: content))"] + content }

    private var head: [String] {
        var lines = [
            PolicyPayload.firstLine, "role \(role)", "name \(reference.name)",
            "version \(reference.version)", "issued \(issuedAt)", "expires \(notAfter)",
        ]
        lines += spec.scope.sites.map { "site \($0)" }
        if let canary = spec.scope.canary {
            lines.append("canary \(canary.percent ?? 0)%")
            lines += canary.nodes.map { "canary-node \($0)" }
        }
        return lines
    }

    private var content: [String] {
        var lines: [String] = []
        if let pattern = spec.pattern { lines.append("pattern \(pattern.rawValue)") }
        if let bound = spec.stalenessBound { lines.append("staleness-bound \(bound)") }
        if let window = spec.autonomyWindow { lines.append("autonomy-window \(window)") }
        lines += spec.authority.map { "authority \($0.words)" }
        lines += spec.roleBindings.map { "role-binding \($0.words)" }
        guard let cedar = spec.cedar else { return lines }
        return lines
            + cedar.split(separator: "\n", omittingEmptySubsequences: false).map { "cedar \($0)" }
    }
}

extension RoleBinding {
    fileprivate var words: String {
        let users = users.map { "user=\($0)" }
        return (["role=\(role.rawValue)"] + users + sites.map { "site=\($0)" })
            .joined(separator: " ")
    }

    /// What is not written in this order comes out otherwise when it is written again.
    fileprivate init?(words text: Substring) {
        var role: Role?
        var users: [String] = []
        var sites: [SiteID] = []
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let parts = word.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            let value = String(parts[1])
            switch parts[0] {
            case "role": role = Role(rawValue: value)
            case "user" where isDNSLabel(value): users.append(value)
            case "site" where isDNSLabel(value): sites.append(SiteID(value))
            default: return nil
            }
        }
        guard let role else { return nil }
        self.init(role: role, users: users, sites: sites)
    }
}

extension AuthorityOverride {
    fileprivate var words: String {
        var words = ["domain=\(domain.rawValue)"]
        if let staleness { words.append("staleness=\(staleness.rawValue)") }
        if let tier { words.append("tier=\(tier.rawValue)") }
        if let reach { words.append("reach=\(reach.rawValue)") }
        words.append("verdict=\(verdict.rawValue)")
        if let by { words.append("by=\(by.rawValue)") }
        return words.joined(separator: " ")
    }

    fileprivate init?(words text: Substring) {
        var values: [Substring: String] = [:]
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let parts = word.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, values[parts[0]] == nil else { return nil }
            values[parts[0]] = String(parts[1])
        }
        guard let domain = values["domain"].flatMap(Domain.init),
            let verdict = values["verdict"].flatMap(Verdict.init)
        else { return nil }
        // A word that is not one of its kind comes out as nil, and then is missing when it is written
        // again: the comparison with what was read tells.
        self.init(
            domain: domain, staleness: values["staleness"].flatMap(Staleness.init),
            tier: values["tier"].flatMap { Int($0) }.flatMap(Tier.init),
            reach: values["reach"].flatMap(Reach.init), verdict: verdict,
            by: values["by"].flatMap(Authority.init))
    }
}

/// Reads the lines of a payload one after the other.
struct PayloadReader {
    private let lines: [String]
    private var next = 0

    init(_ lines: [String]) { self.lines = lines }

    /// The head, and the digest that it promises of the rest.
    mutating func head() throws(BundleRefusal) -> (PolicyPayload, digest: String) {
        guard lines.first == PolicyPayload.firstLine else { throw fault("no policy bundle") }
        next = 1
        let role = try value(of: "role") { isDNSLabel($0) ? $0 : nil }
        let name = try value(of: "name") { isDNSLabel($0) ? $0 : nil }
        let version = try value(of: "version") { text in
            UInt64(text).flatMap { PolicyPayload.versions.contains($0) ? $0 : nil }
        }
        let issuedAt = try value(of: "issued", WallTime.init)
        let notAfter = try value(of: "expires", WallTime.init)
        var scope = PolicyScope()
        scope.sites = try values(of: "site") { isDNSLabel($0) ? SiteID($0) : nil }
        if isAt("canary") {
            let percent = try value(of: "canary") { text in
                text.hasSuffix("%") ? Int(text.dropLast()) : nil
            }
            let nodes = try values(of: "canary-node") { isDNSLabel($0) ? NodeID($0) : nil }
            guard (0...100).contains(percent) else { throw fault("canary \(percent)%") }
            scope.canary = Canary(nodes: nodes, percent: percent == 0 ? nil : percent)
        }
        let digest = try value(of: "digest") { $0 }
        let payload = PolicyPayload(
            role: role, reference: PolicyReference(name: name, version: version),
            issuedAt: issuedAt, notAfter: notAfter, spec: PolicySpec(scope: scope))
        return (payload, digest)
    }

    var rest: [String] { Array(lines[next...]) }

    /// What follows the head, into `payload`; then every line must be as `payload` would be written.
    mutating func content(of payload: inout PolicyPayload) throws(BundleRefusal) {
        if isAt("pattern") { payload.spec.pattern = try value(of: "pattern", Pattern.init) }
        if isAt("staleness-bound") {
            payload.spec.stalenessBound = try value(of: "staleness-bound", interval)
        }
        if isAt("autonomy-window") {
            payload.spec.autonomyWindow = try value(of: "autonomy-window", interval)
        }
        payload.spec.authority = try values(of: "authority") {
            AuthorityOverride(words: Substring($0))
        }
        payload.spec.roleBindings = try values(of: "role-binding") {
            RoleBinding(words: Substring($0))
        }
        let cedar = try values(of: "cedar") { $0 }
        if !cedar.isEmpty { payload.spec.cedar = cedar.joined(separator: "\n") }
        guard next == lines.count else { throw unknownLine() }
        for (index, line) in payload.lines.enumerated()
        where !lines.indices.contains(index) || lines[index] != line {
            next = index
            throw unknownLine()
        }
    }

    private func interval(_ text: String) -> Interval? {
        Interval(text).flatMap { $0.duration > .zero ? $0 : nil }
    }

    private func isAt(_ word: String) -> Bool {
        next < lines.count && lines[next].hasPrefix(word + " ")
    }

    private mutating func value<Value>(
        of word: String, _ read: (String) -> Value?
    ) throws(BundleRefusal) -> Value {
        guard isAt(word) else { throw unknownLine() }
        guard let value = read(String(lines[next].dropFirst(word.count + 1))) else {
            throw unknownLine()
        }
        next += 1
        return value
    }

    private mutating func values<Value>(
        of word: String, _ read: (String) -> Value?
    ) throws(BundleRefusal) -> [Value] {
        var values: [Value] = []
        while isAt(word) { values.append(try value(of: word, read)) }
        return values
    }

    private func unknownLine() -> BundleRefusal {
        fault(next < lines.count ? "'\(lines[next].prefix(80))'" : "the end of the text")
    }

    private func fault(_ what: String) -> BundleRefusal { .unreadable(line: next + 1, what: what) }
}
