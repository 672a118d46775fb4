import Manifest
import Model

/// Shows what `apply` would change, field by field.
package struct Diff: Sendable {
    private let sources: ManifestFiles

    package init(files: [String]) { sources = ManifestFiles(files) }

    /// - Returns: whether something differs.
    package func run(in session: Session) async throws -> Bool {
        var differs = false
        for wanted in try sources.objects() {
            let live = try await live(wanted, in: session)
            let difference = LineDifference(
                from: live.map(Diff.text) ?? "", to: Diff.text(wanted))
            guard !difference.isEmpty else { continue }
            differs = true
            try session.console.say(
                difference.unified(
                    old: live == nil ? "(nothing)" : "\(session.context.name): \(wanted.name)",
                    new: "manifest: \(wanted.name)", colours: session.console.colours))
        }
        return differs
    }

    private func live(_ wanted: Object, in session: Session) async throws -> Object? {
        do {
            return try await session.connection.object(wanted.kind, wanted.metadata.name)
        } catch let failure as Failure where failure.code == .notFound {
            return nil
        }
    }

    /// What people decided about an object, without defaults and what only the server says.
    private static func text(_ object: Object) -> String {
        ManifestWriter.yaml([object.asWritten], compact: true)
    }
}

extension Object {
    /// The object as a person would write it: no status, no generation, no time of creation.
    var asWritten: Object {
        var metadata = metadata
        metadata.generation = 0
        metadata.createdAt = nil
        switch self {
        case .site(let site): return .site(Site(metadata: metadata, spec: site.spec))
        case .node(let node): return .node(Node(metadata: metadata, spec: node.spec))
        case .workload(let workload):
            return .workload(Workload(metadata: metadata, spec: workload.spec))
        case .policy(let policy):
            let isSigned = policy.signed != nil
            return .policy(
                Policy(
                    metadata: metadata, spec: isSigned ? PolicySpec() : policy.spec,
                    signed: policy.signed))
        case .secret(let secret):
            // What the hub has cannot be seen, so only what the values are called is compared.
            return .secret(
                Secret(
                    metadata: metadata, type: secret.type,
                    status: SecretStatus(keys: secret.status?.keys ?? secret.data.keys.sorted())))
        case .instance: return self
        }
    }
}
