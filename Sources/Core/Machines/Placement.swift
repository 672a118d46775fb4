package import Model

/// Which ordinals of a workload run where.
///
/// Sticky: an instance stays where it is for as long as its node matches, in contact or not, so
/// silence moves nothing. Deterministic: equal inputs give equal placements.
package enum Placement {
    package typealias Places = [NodeID: [Int]]

    package static func place(
        _ spec: WorkloadSpec, current: Places, on nodes: [Node], load: [NodeID: Int]
    ) -> Places {
        let matching = nodes.filter { matches($0, spec.selector) }
        let names = Set(matching.map { NodeID($0.metadata.name) })
        var places = current.filter { names.contains($0.key) && !$0.value.isEmpty }
        switch spec.replicas {
        case .perNode: spread(over: matching, &places)
        case .count(let count): fit(count, over: matching, load: load, &places)
        }
        return places
    }

    /// Every node carries its labels, and `site` and `node`.
    package static func matches(_ node: Node, _ selector: [String: String]) -> Bool {
        selector.allSatisfy { key, value in
            switch key {
            case "site": node.spec.site.text == value
            case "node": node.metadata.name == value
            default: node.metadata.labels[key] == value
            }
        }
    }

    /// Why a node cannot be given a copy; nil where it can.
    package static func obstacle(to spec: WorkloadSpec, on node: Node) -> String? {
        if !matches(node, spec.selector) { return "its labels do not match the selector" }
        return node.spec.cordoned ? "it is cordoned" : nil
    }

    private static func spread(over nodes: [Node], _ places: inout Places) {
        for (node, ordinals) in places { places[node] = [ordinals.min() ?? 0] }
        var used = Set(places.values.joined())
        for node in nodes.sorted(by: { $0.metadata.name < $1.metadata.name })
        where places[NodeID(node.metadata.name)] == nil && !node.spec.cordoned {
            let ordinal = lowestFree(used)
            used.insert(ordinal)
            places[NodeID(node.metadata.name)] = [ordinal]
        }
    }

    private static func fit(
        _ count: Int, over nodes: [Node], load: [NodeID: Int], _ places: inout Places
    ) {
        for (node, ordinals) in places {
            places[node] = ordinals.filter { $0 < count }
        }
        let open = nodes.filter { !$0.spec.cordoned }.map { NodeID($0.metadata.name) }
        var load = load
        let placed = Set(places.values.joined())
        for ordinal in 0..<max(0, count) where !placed.contains(ordinal) {
            guard let best = best(of: open, places: places, load: load) else { break }
            places[best, default: []].append(ordinal)
            load[best, default: 0] += 1
        }
        places = places.filter { !$0.value.isEmpty }.mapValues { $0.sorted() }
    }

    /// The node with the fewest copies of its own, then of others.
    static func best(of open: [NodeID], places: Places, load: [NodeID: Int]) -> NodeID? {
        open.min { left, right in
            let leftCost = (places[left]?.count ?? 0, load[left] ?? 0, left)
            return leftCost < (places[right]?.count ?? 0, load[right] ?? 0, right)
        }
    }

    private static func lowestFree(_ used: Set<Int>) -> Int {
        var ordinal = 0
        while used.contains(ordinal) { ordinal += 1 }
        return ordinal
    }
}
