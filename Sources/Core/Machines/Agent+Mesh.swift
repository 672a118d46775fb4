import Claiming
import Model

/// The node in its mesh.
extension Agent {
    /// Takes up how the mesh looks from here, and tells the hub at once where somebody's standing
    /// changed: on that it decides who is lost.
    mutating func see(_ view: MeshView, at now: Moment, into effects: inout [Effect]) {
        let before = mesh
        mesh = view
        if claimant?.plan != nil { mesh?.claims = shownTenures }
        claimant?.see(view.standings, isIsolated: view.isIsolated, at: now.monotonic)
        guard before?.standings != view.standings || before?.isIsolated != view.isIsolated else {
            return
        }
        tellNeighbours(before, view, at: now)
        reportMesh(into: &effects)
        // Whom a node can ask is part of what it may decide.
        if before?.isInCompany != view.isInCompany { advance(at: now, into: &effects) }
    }

    /// A quiet neighbour is told of once it is called failed: on a lossy link many are quiet for a while.
    private mutating func tellNeighbours(_ before: MeshView?, _ view: MeshView, at now: Moment) {
        let earlier = before?.standings ?? [:]
        for peer in view.peers where earlier[peer.node] != peer.liveness {
            if peer.liveness == .failed {
                tell(
                    .warning, "NeighbourFailed", .node, peer.node.text,
                    "most of the mesh no longer hear of it", at: now)
            } else if peer.liveness == .alive, lostNeighbours.contains(peer.node) {
                tell(.normal, "NeighbourBack", .node, peer.node.text, "heard of again", at: now)
            }
            if peer.liveness == .failed { lostNeighbours.insert(peer.node) }
            if peer.liveness == .alive { lostNeighbours.remove(peer.node) }
        }
        if view.isIsolated, before?.isIsolated != true {
            tell(
                .warning, "Isolated", .node, configuration.node.text,
                "half of the mesh or more is not heard of: likely this node is cut off", at: now)
        }
    }

    /// Tells neighbours what serves here, by what the engine and the probes say.
    mutating func register(into effects: inout [Effect]) {
        guard meshContact != nil else { return }
        let healthy = held.rows.filter(\.isReady).map {
            Registration(instance: $0.record.id, ports: $0.record.ports)
        }
        guard healthy != registered else { return }
        registered = healthy
        effects.append(.register(healthy))
    }

    /// Says how the mesh looks, whole once on each link and then only what changed: among 250 nodes
    /// little else goes with a heartbeat.
    mutating func reportMesh(into effects: inout [Effect]) {
        guard link.isUp, let mesh else { return }
        let changes = toldMesh.flatMap { mesh.changes(since: $0) }
        if hubMergesViews { toldMesh = changes.flatMap { toldMesh?.merged(with: $0) } ?? mesh }
        effects.append(.send(.mesh(changes ?? mesh)))
    }
}
