package import Model

/// The certificates of nodes, seen from the hub.
extension Hub {
    /// How long a node's authority outlives the window in which the node is to get by alone: so long
    /// a hub may take to notice that it does not renew.
    package static let authorityMargin: Duration = .seconds(24 * 3600)

    /// The life of an authority for this node; that of a node with the usual window if it is unknown.
    package func authorityLife(of node: NodeID) -> Duration {
        let window = nodes[node].map(autonomyWindow) ?? SiteSpec().autonomyWindow
        return window.duration + Hub.authorityMargin
    }

    func certify(
        _ request: CertificationRequest, of node: NodeID, on session: SessionID,
        into effects: inout [Effect]
    ) {
        guard let site = nodes[node]?.node.spec.site else { return }
        effects.append(
            .certify(session, node, site, request, life: authorityLife(of: node)))
    }
}
