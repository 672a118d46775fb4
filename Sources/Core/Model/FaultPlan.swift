/// What a person wants to see go wrong in a rehearsal, and what has to hold all the same.
package struct FaultPlan: Equatable, Sendable {
    package var name: String
    /// How long the story lasts; nil for until its last fault is over.
    package var length: Interval?
    package var steps: [Step]
    package var expectations: Expectations

    package init(
        name: String = "", length: Interval? = nil, steps: [Step],
        expectations: Expectations = Expectations()
    ) {
        self.name = name
        self.length = length
        self.steps = steps
        self.expectations = expectations
    }

    /// One fault at its moment. Times count from the begin of the story.
    package struct Step: Equatable, Sendable {
        package var at: Interval
        /// Nil for as long as the story lasts, and for what takes no time.
        package var length: Interval?
        package var fault: Fault

        package init(_ fault: Fault, at: Interval = .seconds(0), for length: Interval? = nil) {
            self.at = at
            self.length = length
            self.fault = fault
        }
    }

    package enum Fault: Equatable, Sendable {
        case cut(Target, Way)
        /// The path comes and goes, half of each period there.
        case flap(Target, every: Interval)
        /// Of the messages, so many in a hundred are lost and sent again.
        case loss(Target, percent: Double)
        case latency(Target, Interval)
        /// Of the messages, so many in a hundred come twice, late and out of order.
        case duplication(Target, percent: Double)
        /// The machine is off: its containers are gone.
        case loseNode(NodeID)
        case reboot(Target)
        /// What a node had on its disk is gone; its identity is not.
        case loseStore(NodeID)
        case loseHub
        case setClock(Target, ahead: Interval, back: Interval)
        case fillDisk(Target)
        case slowDisk(Target)
        /// The engine dies with all its containers, and is back after a while.
        case crashEngine(Target)
        /// Every path is mended, and every node and the hub are on.
        case reconnect
        case change(WorkloadID, Change)
    }

    /// Whom a fault concerns.
    package enum Target: Equatable, Sendable {
        case everywhere
        case site(SiteID)
        case node(NodeID)
    }

    /// Which direction of a path is cut.
    package enum Way: String, CaseIterable, Equatable, Sendable {
        case both
        case toHub = "to-hub"
        case toNode = "to-node"
    }

    /// What a person changes about a workload.
    package struct Change: Equatable, Sendable {
        /// The node where it is asked for; nil for the hub.
        package var node: NodeID?
        package var image: String?
        package var replicas: Replicas?
        package var tier: Tier?

        package init(
            at node: NodeID? = nil, image: String? = nil, replicas: Replicas? = nil,
            tier: Tier? = nil
        ) {
            self.node = node
            self.image = image
            self.replicas = replicas
            self.tier = tier
        }
    }

    /// What has to hold for the rehearsal to be called good.
    package struct Expectations: Equatable, Sendable {
        /// At the least, in a hundred of the time, at every site that has containers of the tier.
        package var availability: [Tier: Double]
        /// At the most, of all containers together.
        package var restarts: Int?

        package init(availability: [Tier: Double] = [:], restarts: Int? = nil) {
            self.availability = availability
            self.restarts = restarts
        }
    }
}

extension FaultPlan {
    /// When the last fault is over, as far as they say.
    package var end: Interval {
        Interval(steps.map { $0.at.duration + ($0.length?.duration ?? .zero) }.max() ?? .zero)
    }

    /// Whether anything happens to a site, or to all.
    package func concerns(_ site: SiteID, nodes: Set<NodeID>) -> Bool {
        steps.contains { step in
            switch step.fault {
            case .loseHub, .reconnect: true
            case .change: false
            case .loseNode(let node), .loseStore(let node): nodes.contains(node)
            default: step.fault.target?.concerns(site, nodes: nodes) ?? false
            }
        }
    }
}

extension FaultPlan.Target {
    package func concerns(_ site: SiteID, nodes: Set<NodeID>) -> Bool {
        switch self {
        case .everywhere: true
        case .site(let named): named == site
        case .node(let node): nodes.contains(node)
        }
    }
}

extension FaultPlan.Fault {
    /// Whom it concerns, for those that can concern any.
    package var target: FaultPlan.Target? {
        switch self {
        case .cut(let target, _), .flap(let target, _), .loss(let target, _),
            .latency(let target, _), .duplication(let target, _), .reboot(let target),
            .setClock(let target, _, _), .fillDisk(let target), .slowDisk(let target),
            .crashEngine(let target):
            target
        case .loseNode, .loseStore, .loseHub, .reconnect, .change: nil
        }
    }
}
