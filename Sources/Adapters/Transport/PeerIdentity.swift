package import Model
import SwiftASN1
import X509

/// Who a certificate of this fleet speaks for.
///
/// Written as one URI: `spiffe://NODE.SITE.skerry/node/NODE`, `spiffe://skerry/user/NAME` or
/// `spiffe://skerry/hub/NAME`. A node stands in the host part, since a name constraint binds that
/// and nothing else (RFC 5280, section 4.2.1.10).
package enum PeerIdentity: Hashable, Sendable {
    case node(NodeID, site: SiteID)
    case user(String)
    case hub(String)

    /// Accepts the canonical form only: no case folding, escapes, user, port, query or trailing
    /// slash, so that two texts never name the same peer.
    package init?(uri: String) {
        guard uri.utf8.count <= 256, uri.hasPrefix(PeerIdentity.scheme) else { return nil }
        let parts = uri.dropFirst(PeerIdentity.scheme.count)
            .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, isDNSLabel(parts[2]) else { return nil }
        switch (parts[0], parts[1]) {
        case (PeerIdentity.domain, "user"): self = .user(parts[2])
        case (PeerIdentity.domain, "hub"): self = .hub(parts[2])
        case (let host, "node"):
            let labels = host.split(separator: ".", omittingEmptySubsequences: false)
                .map(String.init)
            guard labels.count == 3, labels[0] == parts[2], isDNSLabel(labels[1]),
                labels[2] == PeerIdentity.domain
            else { return nil }
            self = .node(NodeID(labels[0]), site: SiteID(labels[1]))
        default: return nil
        }
    }

    package var uri: String {
        switch self {
        case .node(let node, let site): SubjectName.node(node, at: site)
        case .user(let name): SubjectName.user(name)
        case .hub(let name): SubjectName.hub(name)
        }
    }

    /// The host part of the URI; for a node what its authority is confined to.
    package var host: String {
        switch self {
        case .node(let node, let site): SubjectName.host(of: node, at: site)
        case .user, .hub: PeerIdentity.domain
        }
    }

    private static let scheme = SubjectName.scheme
    private static let domain = SubjectName.domain
}

extension PeerIdentity {
    /// The node that a certificate of old names: `spiffe://skerry/site/SITE/node/NODE`, issued for a
    /// year by what is the root today.
    init?(oldURI uri: String) {
        let parts = uri.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard uri.utf8.count <= 256, parts.count == 7,
            Array(parts[0..<4]) == ["spiffe:", "", PeerIdentity.domain, "site"],
            parts[5] == "node", isDNSLabel(parts[4]), isDNSLabel(parts[6])
        else { return nil }
        self = .node(NodeID(parts[6]), site: SiteID(parts[4]))
    }

    /// Nil unless the certificate carries exactly one alternative name and that is one of ours: a
    /// second name would leave open for whom the bearer speaks.
    init?(of certificate: Certificate) throws {
        guard let uri = try certificate.onlyURI else { return nil }
        self.init(uri: uri)
    }

    /// As above, of a certificate of old. The verifier says whether that is accepted.
    init?(old certificate: Certificate) throws {
        guard let uri = try certificate.onlyURI else { return nil }
        self.init(oldURI: uri)
    }

    var names: [String] {
        switch self {
        case .node(let node, let site): [node.text, site.text]
        case .user(let name), .hub(let name): [name]
        }
    }
}

extension Certificate {
    /// The alternative name, where there is exactly one and it is a URI.
    var onlyURI: String? {
        get throws {
            guard let names = try extensions.subjectAlternativeNames, names.count == 1,
                case .uniformResourceIdentifier(let uri) = names[names.startIndex]
            else { return nil }
            return uri
        }
    }
}
