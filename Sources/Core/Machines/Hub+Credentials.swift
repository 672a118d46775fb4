package import Model
import Trust

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

    /// Until when each node can make certificates by itself, as far as this hub gave it leave.
    package var authorityEnds: [(NodeID, WallTime)] {
        nodes.compactMap { node, member in
            member.credential.authorityEnds.map { (node, $0) }
        }
    }

    /// The device key that came first stays: whoever stole an authority does not gain more than that.
    mutating func certify(
        _ request: CertificationRequest, of node: NodeID, on session: SessionID, at now: Moment,
        into effects: inout [Effect]
    ) {
        guard let member = nodes[node] else { return }
        let device = member.credential.device ?? request.deviceKey.map(digest(ofDeviceKey:))
        noteCertified(node, device: device, at: now)
        effects.append(
            .certify(
                session, node, member.node.spec.site, request, device: device,
                life: authorityLife(of: node)))
    }

    /// Gives a node a new authority after any absence, unless it was deleted or another machine
    /// enrolled under its name.
    mutating func readmit(
        _ node: NodeID, device: String, at now: Moment
    ) throws(Refusal) -> Reply {
        guard let member = nodes[node] else {
            throw Refusal(
                .denied,
                "node \(node) is not known here; to enrol it again, remove 'identity' in its state "
                    + "directory and start it with a new token")
        }
        guard member.credential.device == device else {
            throw Refusal(
                .denied,
                "node \(node) is another machine here; to enrol this one, remove 'identity' in its "
                    + "state directory and start it with a new token")
        }
        guard !isRevoked(member) else {
            throw Refusal(
                .denied,
                "the identity of node \(node) was revoked; to take this machine back, delete the "
                    + "node at the hub, empty 'identity' in its state directory and start it with a "
                    + "new token")
        }
        noteCertified(node, device: device, at: now)
        tell(
            .normal, "Readmitted", .node, node.text,
            "it came back after its certificates had expired, and proved who it is by its device key",
            at: now)
        return .enrolled(node, member.node.spec.site, life: authorityLife(of: node))
    }

    mutating func noteCertified(_ node: NodeID, device: String?, at now: Moment) {
        let credential = NodeCredential(
            device: device, certifiedAt: now.wall,
            authorityEnds: now.wall + authorityLife(of: node),
            secretsKey: nodes[node]?.credential.secretsKey)
        nodes.update(node) { $0.credential = credential }
        journal.writes.append(.credential(node, credential))
    }
}

extension Hub.Member {
    /// Whether a certificate that was made for this device is this node's. One for no device is of
    /// old, and good until the node was given an authority.
    func isOwn(_ device: String?) -> Bool {
        device.map { $0 == credential.device } ?? (credential.certifiedAt == nil)
    }
}
