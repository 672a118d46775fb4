import Machines
import Model

/// A second machine that begins with a copy of a node's disk, and so with its identity.
extension World {
    func isClone(_ node: Int) -> Bool { places[node].original != nil }

    /// Whether two machines speak in the name of this one.
    func isShared(_ node: Int) -> Bool { isClone(node) || clone(of: node) != nil }

    private func clone(of node: Int) -> Int? {
        places.indices.first { places[$0].original == node }
    }

    /// Copies a disk and starts an agent on it. One clone of a node is enough.
    mutating func clone(_ node: Int) {
        let original = places[node]
        guard original.isEnrolled, original.store.appliedRevision > 0, clone(of: node) == nil else {
            return
        }
        let place = Place(
            id: original.id, site: original.site, drift: rates.drift, random: &random,
            limits: agentLimits)
        place.original = node
        place.deviceKey = original.deviceKey
        original.wasShared = true
        place.store = original.store
        place.papers = original.papers
        place.papers.madeBy = -1
        place.acknowledged = original.acknowledged
        place.configuration.boot = World.foreignBoot + UInt64(node)
        place.configuration.machine = World.foreignBoot + UInt64(node)
        place.isEnrolled = true
        places.append(place)
        let clone = places.count - 1
        queue.add(.startAgent(clone, life: place.life), at: time + draw(0.1, 5))
        queue.add(.inspectClone(clone), at: seconds(5))
    }

    /// A person finds the clone and stops it for good.
    mutating func removeClone(of node: Int) {
        guard let clone = clone(of: node) else { return }
        wipe(clone)
        places[clone].isEnrolled = false
        places[clone].original = clone
    }

    /// The hub heard a greeting. From here on it has what it takes, if the original comes as well.
    mutating func noteGreeting(of node: Int) {
        guard let original = places[node].original, original != node,
            let session = places[original].session, sessions[session].isWhole
        else { return }
        places[node].sharedSince = places[node].sharedSince ?? time
    }

    /// Once both were in talks with the hub and nothing was in their way, the hub says that there are
    /// two.
    mutating func inspectClone(_ clone: Int) {
        guard let original = places[clone].original, original != clone else { return }
        queue.add(.inspectClone(clone), at: seconds(5))
        guard let hub = centre.hub, isWell(clone), isWell(original), time > disturbedAt else {
            places[clone].sharedSince = nil
            return
        }
        guard let since = places[clone].sharedSince, time - since > World.cloneBound,
            !isFlagged(places[clone].id, by: hub)
        else { return }
        violate(
            .oneIdentity,
            "two machines speak as \(places[clone].id), and the hub does not say so after "
                + "\((time - since) / 1_000_000_000) s")
    }

    private func isWell(_ node: Int) -> Bool {
        let place = places[node]
        return place.isUp && !place.isCut && place.isEnrolled && !place.isMisled
            && time >= place.pausedUntil
    }

    /// At the end nothing is in anybody's way.
    func unnoticedClone(of node: Int, by hub: Hub) -> String? {
        // A hub that died before it had written down that there are two learns it again when the one
        // that it turned away comes back, after its wait and a back-off of its own.
        guard let clone = clone(of: node),
            time >= places[clone].unwelcomeUntil + World.cloneBound + World.longestBackoff,
            !isFlagged(places[node].id, by: hub)
        else { return nil }
        return "\(places[node].id) has a clone, and the hub does not say so"
    }

    private func isFlagged(_ id: NodeID, by hub: Hub) -> Bool {
        hub.objects(.node, at: WallTime(milliseconds: 0)).contains { object in
            guard case .node(let node) = object, node.metadata.name == id.text else { return false }
            return node.status?.conditions.contains { $0.type == "Cloned" && $0.isTrue } ?? false
        }
    }

    /// A number that no boot of a true node has, and no machine.
    private static let foreignBoot: UInt64 = 1 << 32
    /// As long as the issue gives the hub.
    private static let cloneBound: Int64 = 60_000_000_000
    private static let longestBackoff: Int64 = 60_000_000_000
}
