import Machines
import Model

/// Large fleets that are in order when their story begins: for size and for storms.
package struct Fleet: Sendable {
    package var nodes: Int
    package var sites: Int
    package var seed: UInt64

    package init(nodes: Int, sites: Int, seed: UInt64) {
        precondition(
            Scenario.nodeCounts.contains(nodes) && (1...nodes).contains(sites),
            "every site of a fleet has a node")
        self.nodes = nodes
        self.sites = sites
        self.seed = seed
    }

    /// Everything goes wrong that a seed draws, as often for each node as in a small fleet.
    package func live(hours: Double) -> Report {
        let scenario = scenario(.milliseconds(Int64(hours * 3_600_000)))
        return scenario.run(Script(seed: seed, scenario: scenario))
    }

    /// Every node loses its hub at one moment and finds it again at another.
    package func storm(outage: Duration) -> Report {
        let horizon = Fleet.calm * 2 + outage
        var scenario = scenario(horizon)
        // What runs is there to see that nothing of it moves; one on each node shows it.
        scenario.base = 1
        var script = Script(seed: seed, scenario: scenario)
        script.rates = Rates()
        script.rates.latency = 0.05
        script.rates.commit = 0.01
        script.rates.drift = 50
        script.mishaps = [
            Mishap(
                time: Fleet.calm.nanoseconds / 1_000_000, fault: .hubCrash, node: 0,
                length: outage.nanoseconds / 1_000_000, draw: 0)
        ]
        return scenario.run(script)
    }

    private func scenario(_ horizon: Duration) -> Scenario {
        var scenario = Scenario(nodes: nodes, workloads: 3, horizon: horizon, intensity: 1)
        scenario.sites = sites
        scenario.isSettled = true
        return scenario
    }

    /// Before a storm, for the fleet to come up, and after it.
    private static let calm = Duration.seconds(150)
}

/// How a fleet came back to a hub that had been away.
package struct Returns: Equatable, Sendable {
    /// When the hub was there again.
    package let begin: Duration
    /// Sessions that the hub admitted, by the second since then.
    package internal(set) var accepted: [Int] = []
    /// Attempts that cost the hub a handshake, and those of them that came to nothing.
    package internal(set) var handshakes = 0
    package internal(set) var wasted = 0
    /// Nodes that were welcomed, and when the last of them was.
    package internal(set) var back = 0
    package internal(set) var lastBack: Duration = .zero
    /// Containers that were running before; each start or stop beyond is one too many.
    package internal(set) var starts = 0
    package internal(set) var stops = 0

    init(begin: Duration) { self.begin = begin }

    /// Accepted in the busiest second, by the mean of all seconds until the last was accepted.
    package var peakToMean: Double {
        let total = accepted.reduce(0, +)
        guard total > 0 else { return 0 }
        return Double(accepted.max() ?? 0) * Double(accepted.count) / Double(total)
    }

    /// The part of the handshakes that led to a session.
    package var usefulShare: Double {
        handshakes > 0 ? Double(handshakes - wasted) / Double(handshakes) : 1
    }

    /// The fewest accepted in a second before nine in ten were back: a collapse shows here.
    package var slowest: Int {
        let total = accepted.reduce(0, +)
        var sum = 0
        var slowest = Int.max
        for count in accepted where sum * 10 < total * 9 {
            slowest = min(slowest, count)
            sum += count
        }
        return slowest == .max ? 0 : slowest
    }
}

// MARK: - A fleet in order

extension World {
    /// Puts everything in place as if people had enrolled each node and applied each workload, and
    /// all nodes had everything: what the hub would make of it is what it finds in its store.
    mutating func settleFleet() {
        let cast = scenario.cast ?? madeUpCast()
        for site in cast.sites {
            centre.store.apply(.site(site))
            ledger.settle("Site/\(site.metadata.name)", as: .site(site.spec))
        }
        let nodes = places.indices.map { index in
            let member = scenario.cast?.nodes[index]
            return Node(
                metadata: Metadata(
                    name: places[index].id.text, labels: member?.labels ?? [:], generation: 1),
                spec: NodeSpec(site: places[index].site, cordoned: member?.cordoned ?? false))
        }
        var load: [NodeID: Int] = [:]
        var assignments: [NodeID: [Assignment]] = [:]
        for workload in cast.workloads {
            let chosen = Placement.place(workload.spec, current: [:], on: nodes, load: load)
            for (node, ordinals) in chosen {
                load[node, default: 0] += ordinals.count
                assignments[node, default: []].append(
                    Assignment(workload: workload, ordinals: ordinals))
            }
            centre.store.apply(.workload(workload))
            centre.store.apply(.placement(workload.id, chosen))
            ledger.settle(
                "Workload/\(workload.id)",
                as: .workload(workload.spec, labels: workload.metadata.labels))
        }
        for index in places.indices {
            settleNode(index, nodes[index], assignments[places[index].id] ?? [])
        }
    }

    private mutating func madeUpCast() -> Cast {
        let sites = (0..<scenario.sites).map { index in
            Site(
                metadata: Metadata(name: "s\(index)", generation: 1),
                spec: SiteSpec(autonomyWindow: .hours(72)))
        }
        let workloads = (0..<scenario.base).map { index in
            var spec = workload(index)
            spec.dependsOn = []
            spec.containers[0].image = nil
            return Workload(metadata: Metadata(name: "w\(index)", generation: 1), spec: spec)
        }
        return Cast(sites: sites, nodes: [], workloads: workloads)
    }

    private mutating func settleNode(_ node: Int, _ object: Node, _ assignments: [Assignment]) {
        let place = places[node]
        centre.store.apply(.node(object))
        ledger.settle(
            nodeKey(node),
            as: .node(labels: object.metadata.labels, cordoned: object.spec.cordoned))
        var contents: [(DocumentKey, Document.Content)] = [(.node(place.id), .node(object))]
        if let site = centre.store.sites[place.site] {
            let life = site.spec.autonomyWindow.duration + Hub.authorityMargin
            place.papers.authorityEnd = life.nanoseconds
            let now = centre.clock.moment(at: 0).wall
            centre.store.apply(
                .credential(
                    place.id,
                    NodeCredential(
                        device: place.device, certifiedAt: now, authorityEnds: now + life)))
            contents.append((.site(place.site), .site(site)))
        }
        contents += assignments.map { (.assignment($0.workload.id), .assignment($0)) }
        for (index, (key, content)) in contents.enumerated() {
            let document = Document(key: key, revision: UInt64(index + 1), content: content)
            centre.store.apply(.document(place.id, document))
            place.store.apply(.document(document))
        }
        let head = UInt64(contents.count)
        centre.store.apply(.appliedRevision(place.id, head))
        place.store.apply(.appliedRevision(head))
        place.isEnrolled = true
        place.incarnation = 1
        // As long as admission needs for all of them, half as much again.
        let spread = Double(places.count) * 1.5 / Double(hubLimits.admissionsPerSecond)
        queue.add(.startAgent(node, life: 0), at: draw(0.1, 1 + spread))
    }
}
