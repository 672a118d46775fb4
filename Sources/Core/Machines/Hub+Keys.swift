import Model
import Trust

/// The keys that the nodes of a site share in pairs, for today and three more days.
extension Hub {
    /// The nodes of a site that talk to each other, by name.
    struct Circle: Equatable, Sendable {
        let nodes: [NodeID]
        let digest: UInt64
    }

    /// Days for which a node gets keys, besides today.
    package static let keyDaysAhead: UInt32 = 3

    /// Hands a node what it does not have yet, as far as it said or was sent.
    mutating func dealKeys(to node: NodeID, at now: Moment, into effects: inout [Effect]) {
        let found = nodes.read(node) { ($0.session, $0.node.spec.site, $0.keys) }
        guard let (current, site, keys) = found, let session = current,
            sessions[session]?.state == .greeted
        else { return }
        let circle = circle(of: site)
        let last = KeyDay(of: now.wall).advanced(by: Hub.keyDaysAhead)
        let hand = KeyHand(day: last.number, roster: circle.digest)
        guard keys != hand, circle.nodes.count > 1, circle.nodes.contains(node) else { return }
        nodes.update(node) { $0.keys = hand }
        let peers = circle.nodes.filter { $0 != node }
        effects.append(.dealKeys(session, node, peers: peers, hand))
    }

    /// A day has begun, or a site has other nodes: those in contact hear of it here.
    mutating func dealKeys(at now: Moment, into effects: inout [Effect]) {
        for session in sessions.rows where session.state == .greeted {
            dealKeys(to: session.node, at: now, into: &effects)
        }
    }

    private mutating func circle(of site: SiteID) -> Circle {
        if let circle = circles[site] { return circle }
        let members = nodes.filter { $1.node.spec.site == site && !isRevoked($1) }.map(\.0)
        let names = Array(members.prefix(limits.meshMembers))
        // It only has to tell one circle from the next.
        var digest = StableHash()
        for name in names {
            digest.add(name.text)
            digest.add(0)
        }
        let circle = Circle(nodes: names, digest: digest.value)
        circles.insert(circle, for: site)
        return circle
    }
}
