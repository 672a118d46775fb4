/// How certificates name whom they are for: one URI, with a node in its host part, since a name
/// constraint binds that and nothing else (RFC 5280, section 4.2.1.10).
package enum SubjectName {
    package static let domain = "skerry"
    package static let scheme = "spiffe://"

    /// The host part of a node's URI, to which its authority is confined.
    package static func host(of node: NodeID, at site: SiteID) -> String {
        "\(node).\(site).\(domain)"
    }

    package static func node(_ node: NodeID, at site: SiteID) -> String {
        "\(scheme)\(host(of: node, at: site))/node/\(node)"
    }

    package static func user(_ name: String) -> String { "\(scheme)\(domain)/user/\(name)" }
    package static func hub(_ name: String) -> String { "\(scheme)\(domain)/hub/\(name)" }
}

extension Revocation {
    package func isOfNode(_ node: NodeID) -> Bool { subject.hasSuffix("/node/\(node)") }
}
