import Authority
import Foundation
package import Model
import Trust

/// Keys and bundles as files. None of this needs a hub.
enum PolicyFiles {
    private static let keyBytesMax = 4096
    /// A bundle is JSON that a person can read, and that `apply` and `verify` read again.
    private struct Bundle: Encodable {
        struct Name: Encodable { var name: String }
        var apiVersion = Model.apiVersion
        var kind = Kind.policy.rawValue
        var metadata: Name
        var signed: PolicyBundle
    }

    static func json(_ bundle: PolicyBundle, named name: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(Bundle(metadata: .init(name: name), signed: bundle))
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// Makes a key of a role, and its public half beside it.
    static func newKey(_ role: String, at path: String) throws -> TrustedKey {
        for file in [path, path + ".pub"] where FileManager.default.fileExists(atPath: file) {
            throw Failure(
                .usage, "\(file) is there already, and a key is never replaced; name another file")
        }
        // The system's entropy, as everywhere in the standard library.
        var system = SystemRandomNumberGenerator()
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &system) }
        let key = try SigningKey(role: role, seed: seed)
        try replace(path, with: Array((key.text + "\n").utf8))
        try replace(path + ".pub", with: Array((key.trusted.text + "\n").utf8))
        return key.trusted
    }

    static func secretKey(_ path: String) throws(Failure) -> SigningKey {
        let text = try text(path)
        do {
            return try SigningKey(text: text)
        } catch {
            throw Failure(.usage, "the key \(path) cannot be used: \(error)")
        }
    }

    static func publicKey(_ path: String) throws(Failure) -> TrustedKey {
        let text = try text(path)
        do {
            return try TrustedKey(text: text)
        } catch {
            throw Failure(.usage, "the key \(path) cannot be used: \(error)")
        }
    }

    private static func text(_ path: String) throws(Failure) -> String {
        String(
            decoding: try bytes(of: path, bytesMax: keyBytesMax) ?? [], as: UTF8.self)
    }

    /// The one policy that the files hold.
    static func policy(_ files: ManifestFiles) throws(Failure) -> Policy {
        let objects = try files.objects()
        guard objects.count == 1, case .policy(let policy) = objects[0] else {
            throw Failure(
                .usage,
                "give one Policy, and nothing else; there \(objects.count == 1 ? "is" : "are") "
                    + objects.map(\.name).joined(separator: ", "))
        }
        return policy
    }
}

/// Makes a key that signs policy, and its public half beside it.
package struct PolicyKeyCreation: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    package func run(on console: Console) throws {
        let key = try PolicyFiles.newKey(TrustedKey.policyRole, at: path)
        try console.say(visible("key \(key.id)"))
        try console.remark(
            "\(path) signs policy: keep it off the hub. \(path).pub is for "
                + "'skerry hub --policy-keys \(path).pub'")
    }
}

/// How a bundle is numbered and how long it may be taken.
package struct PolicyIssue: Sendable {
    package let key: String
    /// Nil takes the time of day: it grows, and needs nobody to ask.
    package let version: UInt64?
    package let validFor: Interval
    /// Where to write the bundle; nil for standard output.
    package let output: String?

    package init(key: String, version: UInt64?, validFor: Interval, output: String?) {
        self.key = key
        self.version = version
        self.validFor = validFor
        self.output = output
    }

    func payload(_ name: String, _ spec: PolicySpec, above: UInt64 = 0) throws -> PolicyPayload {
        let now = Session.now()
        let number = version ?? max(PolicyIssue.version(at: now), above + 1)
        guard number > 0, number <= UInt64(Int64.max) else {
            throw Failure(.usage, "--version is a number from 1 to \(Int64.max)")
        }
        guard validFor.duration > .zero else {
            throw Failure(.usage, "--valid-for \(validFor) is over at once; write for example 90d")
        }
        return PolicyPayload(
            reference: PolicyReference(name: name, version: number), issuedAt: now,
            notAfter: now + validFor.duration, spec: spec)
    }

    /// `20261123051244`: readable, and above every earlier one.
    static func version(at time: WallTime) -> UInt64 {
        let digits = time.description.prefix(19).filter(\.isNumber)
        return UInt64(digits) ?? 0
    }
}

/// Signs the policy of a file, on whatever machine holds the key.
package struct PolicySigning: Sendable {
    private let files: ManifestFiles
    private let issue: PolicyIssue

    package init(files: [String], issue: PolicyIssue) {
        self.files = ManifestFiles(files)
        self.issue = issue
    }

    package func run(on console: Console) throws {
        let policy = try PolicyFiles.policy(files)
        guard policy.signed == nil else {
            throw Failure(
                .usage, "policy '\(policy.metadata.name)' is signed already; sign its spec instead")
        }
        try check(policy)
        let key = try PolicyFiles.secretKey(issue.key)
        let payload = try issue.payload(policy.metadata.name, policy.spec)
        let text = try PolicyFiles.json(try key.sign(payload), named: policy.metadata.name)
        guard let output = issue.output else {
            return try console.write(Array(text.utf8), to: console.output)
        }
        try replace(output, with: Array(text.utf8))
        try console.say(visible("\(payload.reference) signed by key \(key.trusted.id)"))
        try console.remark("apply it with: skerry apply -f \(output)")
    }

    /// What no site could make right is said here, where the file is at hand.
    private func check(_ policy: Policy) throws {
        let reference = PolicyReference(name: policy.metadata.name, version: 0)
        let access = DecisionPoint([(reference: reference, spec: policy.spec)])
        let mistakes =
            policy.spec.mistakes
            + access.faults.map {
                Mistake(object: 0, field: $0.field, message: $0.message, fix: $0.fix)
            }
        guard mistakes.isEmpty else {
            throw try files.failure(mistakes, so: "nothing was signed")
        }
    }
}

/// Checks a bundle against a key, and shows what it says.
package struct PolicyVerification: Sendable {
    private let file: String
    private let key: String

    package init(_ file: String, key: String) {
        self.file = file
        self.key = key
    }

    package func run(on console: Console) throws {
        let policy = try PolicyFiles.policy(ManifestFiles([file]))
        guard let bundle = policy.signed else {
            throw Failure(.failed, "\(file) is not signed; sign it with: skerry policy sign")
        }
        let key = try PolicyFiles.publicKey(key)
        do throws(BundleRefusal) {
            let payload = try bundle.admitted(
                to: .reader, trusting: [key], holding: { _ in nil }, at: Session.now())
            guard payload.reference.name == policy.metadata.name else {
                throw BundleRefusal.name(payload.reference, called: policy.metadata.name)
            }
            let lines = ["\(payload.reference) is signed by key \(key.id)", ""] + bundle.payload
            try say(lines, on: console)
        } catch {
            throw Failure(.failed, "\(file) is refused (\(error.word)): \(error)")
        }
    }

    private func say(_ lines: [String], on console: Console) throws(BundleRefusal) {
        do { try console.say(lines.map { visible($0) }) } catch { return }
    }
}

/// Makes an older version's content the newest: signed anew, with a higher number.
package struct PolicyRollback: Sendable {
    private let name: String
    private let target: UInt64
    private let issue: PolicyIssue

    package init(_ name: String, to target: UInt64, issue: PolicyIssue) {
        self.name = name
        self.target = target
        self.issue = issue
    }

    package func run(in session: Session) async throws {
        let key = try PolicyFiles.secretKey(issue.key)
        let object = try await session.connection.object(.policy, name)
        guard case .policy(let policy) = object, let versions = policy.status?.versions,
            let newest = versions.first
        else { throw Failure(.failed, "the hub does not say which versions '\(name)' had") }
        guard let old = versions.first(where: { $0.version == target }) else {
            throw Failure(
                .notFound,
                "version \(target) of '\(name)' is not kept; there are: "
                    + versions.map { "\($0.version)" }.joined(separator: ", "))
        }
        // What a hub calls an old version is signed again only if this key signed it before.
        let older = try content(old.signed, signedBy: key.trusted)
        let current = try content(newest.signed, signedBy: key.trusted)
        var spec = older.spec
        spec.scope = PolicyScope(sites: current.spec.scope.sites)
        let payload = try issue.payload(name, spec, above: newest.version)
        let bundle = try key.sign(payload)
        if let output = issue.output {
            try replace(output, with: Array(try PolicyFiles.json(bundle, named: name).utf8))
            return try session.console.say(visible("\(payload.reference) signed, not applied"))
        }
        let results = try await session.connection.apply(
            [.policy(Policy(metadata: Metadata(name: name), spec: spec, signed: bundle))],
            dryRun: false)
        try session.console.say(
            results.map {
                visible(
                    "\($0.kind.word)/\($0.name) \($0.outcome.rawValue): \(payload.reference) has the "
                        + "content of version \(target)")
            })
    }

    private func content(
        _ bundle: PolicyBundle, signedBy key: TrustedKey
    ) throws(Failure) -> PolicyPayload {
        do {
            // Long expired is as good: it is the content that counts.
            let payload = try bundle.admitted(
                to: .reader, trusting: [key], holding: { _ in nil },
                at: WallTime(milliseconds: 0))
            guard payload.reference.name == name else {
                throw BundleRefusal.name(payload.reference, called: name)
            }
            return payload
        } catch {
            throw Failure(.failed, "the hub's version of '\(name)' is not signed anew: \(error)")
        }
    }
}
