package import Model
import SwiftASN1
import X509

/// Who a certificate of this hub's authority speaks for.
///
/// Written as one URI: `spiffe://skerry/site/SITE/node/NODE` or `spiffe://skerry/user/NAME`.
package enum PeerIdentity: Hashable, Sendable {
    case node(NodeID, site: SiteID)
    case user(String)

    /// Accepts the canonical form only: no case folding, escapes, port, query or trailing slash, so
    /// that two texts never name the same peer.
    package init?(uri: String) {
        guard uri.utf8.count <= 256, uri.hasPrefix(PeerIdentity.prefix) else { return nil }
        let parts = uri.dropFirst(PeerIdentity.prefix.count)
            .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 4 where parts[0] == "site" && parts[2] == "node":
            guard isDNSLabel(parts[1]), isDNSLabel(parts[3]) else { return nil }
            self = .node(NodeID(parts[3]), site: SiteID(parts[1]))
        case 2 where parts[0] == "user":
            guard isDNSLabel(parts[1]) else { return nil }
            self = .user(parts[1])
        default: return nil
        }
    }

    package var uri: String {
        switch self {
        case .node(let node, let site): "\(PeerIdentity.prefix)site/\(site)/node/\(node)"
        case .user(let name): "\(PeerIdentity.prefix)user/\(name)"
        }
    }

    private static let prefix = "spiffe://skerry/"
}

extension PeerIdentity {
    /// Nil unless the certificate carries exactly one alternative name and that is one of ours: a
    /// second name would leave open for whom the bearer speaks.
    init?(of certificate: Certificate) throws {
        guard let names = try certificate.extensions.subjectAlternativeNames, names.count == 1,
            case .uniformResourceIdentifier(let uri) = names[names.startIndex]
        else { return nil }
        self.init(uri: uri)
    }

    var names: [String] {
        switch self {
        case .node(let node, let site): [node.text, site.text]
        case .user(let name): [name]
        }
    }
}
