package import Model

/// What a live hub holds of a fleet: its sites, nodes, workloads and policies as they are asked for, without
/// what nodes observed.
package struct LiveFleet: Sendable {
    package var sites: [Site] = []
    package var nodes: [Node] = []
    package var workloads: [Workload] = []
    /// The newest version of each, as a person would write it.
    package var policies: [Policy] = []

    package init() {}

    /// Asks the server of a session; where that cannot be reached, what it said last will do, and
    /// that is remarked.
    package static func read(in session: Session) async throws -> LiveFleet {
        guard session.vantage == .hub else {
            throw Failure(
                .usage,
                "this context is a node, which knows its own part alone; name a hub's with "
                    + "--context")
        }
        var fleet = LiveFleet()
        var heard: [Session.Heard] = []
        for kind in [Kind.site, .node, .workload, .policy] {
            let answer = try await session.hear(kind, Selector())
            heard.append(answer)
            for object in answer.list.items {
                switch object {
                case .site(var site):
                    site.status = nil
                    fleet.sites.append(site)
                case .node(var node):
                    node.status = nil
                    fleet.nodes.append(node)
                case .workload(var workload):
                    workload.status = nil
                    fleet.workloads.append(workload)
                case .policy(let policy):
                    fleet.policies.append(Policy(metadata: policy.metadata, spec: policy.spec))
                case .instance, .secret: break
                }
            }
        }
        _ = try session.remarkSilence(heard)
        return fleet
    }
}
