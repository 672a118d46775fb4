package import Model

/// Who asks a workload for something, by the certificate that it shows.
package enum CallerIdentity: Hashable, Sendable {
    case workload(WorkloadID, on: NodeID, site: SiteID)
    case node(NodeID, site: SiteID)
    case user(String)

    /// Accepts the canonical form only, as `PeerIdentity` does: `spiffe://NODE.SITE.skerry/wl/NAME` for
    /// a workload.
    package init?(uri: String) {
        switch PeerIdentity(uri: uri) {
        case .node(let node, let site): self = .node(node, site: site)
        case .user(let name): self = .user(name)
        case .hub: return nil
        case nil:
            guard uri.utf8.count <= 256, uri.hasPrefix(SubjectName.scheme) else { return nil }
            let parts = uri.dropFirst(SubjectName.scheme.count)
                .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, parts[1] == "wl", isDNSLabel(parts[2]) else { return nil }
            let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false)
                .map(String.init)
            guard labels.count == 3, isDNSLabel(labels[0]), isDNSLabel(labels[1]),
                labels[2] == SubjectName.domain
            else { return nil }
            self = .workload(WorkloadID(parts[2]), on: NodeID(labels[0]), site: SiteID(labels[1]))
        }
    }

    package var principal: Principal {
        switch self {
        case .workload(let workload, _, let site): .workload(workload, site: site)
        case .node(let node, let site): .node(node, site: site)
        case .user(let name): .user(name)
        }
    }

    /// The node whose word the identity rests on; nil for a person.
    package var node: NodeID? {
        switch self {
        case .workload(_, let node, _), .node(let node, _): node
        case .user: nil
        }
    }

    /// As the node is called, whose word the identity rests on; nil for a person.
    var nodeSubject: String? {
        switch self {
        case .workload(_, let node, let site), .node(let node, let site):
            SubjectName.node(node, at: site)
        case .user: nil
        }
    }

    /// By which rules its certificate is judged.
    var expectation: PeerVerifier.Expectation {
        switch self {
        case .workload: .workload
        case .node: .node
        case .user: .user
        }
    }
}
