import Authority
import Machines
import Model
import Synchronization
import Trust

/// Whether policy lets a peer of the data plane speak with this node. What was said counts for a few
/// seconds, since it is asked at each datagram.
final class PeerGate: Sendable {
    private struct Answer {
        var isAdmitted: Bool
        var until: ContinuousClock.Instant
    }

    static let memory = Duration.seconds(5)
    private static let peersMax = 1024

    private let answers = Mutex<[NodeID: Answer]>([:])
    private let decision = Mutex<(@Sendable (NodeID) -> Bool)?>(nil)

    /// Until this is called nobody is let in.
    func decide(by decision: @escaping @Sendable (NodeID) -> Bool) {
        self.decision.withLock { $0 = decision }
    }

    func admits(_ peer: NodeID, at now: ContinuousClock.Instant = .now) -> Bool {
        if let known = answers.withLock({ $0[peer] }), now < known.until {
            return known.isAdmitted
        }
        guard let decide = decision.withLock({ $0 }) else { return false }
        let isAdmitted = decide(peer)
        answers.withLock { answers in
            if answers.count >= PeerGate.peersMax { answers = [:] }
            answers[peer] = Answer(isAdmitted: isAdmitted, until: now + PeerGate.memory)
        }
        return isAdmitted
    }
}

extension AgentHost {
    /// Peers get keys for nodes of their own site alone, so that is where they are.
    func admitsPeer(_ peer: NodeID) -> Bool {
        let moment = SystemClock.now()
        let (isBarred, point, here, node, site) = machine.withLock { agent in
            (
                agent.isBarred(peer),
                access.point(isCurrent: agent.isCurrent, make: agent.accessPoint),
                agent.circumstances(at: moment), agent.configuration.node,
                agent.configuration.site
            )
        }
        guard !isBarred else { return false }
        return point.decide(
            .node(peer, site: site), .peer, AccessTarget(.node, node.text, sites: [site]),
            in: .init(staleness: here.staleness, policyAge: here.policyAge)
        ).isAllowed
    }
}
