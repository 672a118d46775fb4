/// The answer to a question for decisions.
package struct DecisionList: Hashable, Codable, Sendable {
    /// As they were taken, or as the hub heard of them.
    package var items: [Decision]
    package var asOf: WallTime

    package init(items: [Decision], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

/// What a request for decisions wants to know of.
package enum DecisionFilter: Hashable, Sendable, CustomStringConvertible {
    /// Everything about a workload, its instances included.
    case workload(WorkloadID)
    /// Everything about one instance, and where its workload was placed.
    case instance(InstanceID)
    /// Everything that a node decided.
    case node(NodeID)

    /// Reads `Workload/shop`, `Instance/shop-0` or `Node/rural-1`; nil for anything else.
    package init?(_ text: String) {
        if case .some(let subject) = Decision.Subject(text) {
            switch subject {
            case .workload(let id): self = .workload(id)
            case .instance(let id): self = .instance(id)
            }
        } else if text.hasPrefix("Node/") {
            self = .node(NodeID(String(text.dropFirst("Node/".count))))
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .workload(let id): "\(Kind.workload.rawValue)/\(id)"
        case .instance(let id): "\(Kind.instance.rawValue)/\(id)"
        case .node(let id): "\(Kind.node.rawValue)/\(id)"
        }
    }

    package func matches(_ decision: Decision) -> Bool {
        switch self {
        case .workload(let id): decision.subject.workload == id
        case .instance(let id):
            decision.subject == .instance(id) || decision.subject == .workload(id.workload)
        case .node(let id): decision.id.origin == id.text
        }
    }
}

/// Who may decide what at a site, and how that stands at the moment.
package struct AuthorityReport: Hashable, Codable, Sendable {
    /// One ruling of the table.
    package struct Cell: Hashable, Codable, Sendable {
        package var domain: Domain
        package var tier: Tier
        package var staleness: Staleness
        package var reach: Reach
        package var ruling: Ruling
        /// `site`, or the policy whose row set it; nil where the pattern did.
        package var source: String?

        package init(
            domain: Domain, tier: Tier, staleness: Staleness, reach: Reach, ruling: Ruling,
            source: String? = nil
        ) {
            self.domain = domain
            self.tier = tier
            self.staleness = staleness
            self.reach = reach
            self.ruling = ruling
            self.source = source
        }
    }

    /// Where one node of the site stands in the table.
    package struct Standing: Hashable, Codable, Sendable {
        package var node: NodeID
        package var staleness: Staleness
        package var reach: Reach
        package var policyVersion: UInt64
        package var policyAge: Interval
        /// The signed policies in force there; nil where that is not known.
        package var policies: [PolicyReference]?

        package init(
            node: NodeID, staleness: Staleness, reach: Reach, policyVersion: UInt64,
            policyAge: Interval, policies: [PolicyReference]? = nil
        ) {
            self.node = node
            self.staleness = staleness
            self.reach = reach
            self.policyVersion = policyVersion
            self.policyAge = policyAge
            self.policies = policies
        }
    }

    /// The table of those nodes of a site that have other policies than the rest: a canary.
    package struct Variant: Hashable, Codable, Sendable {
        package var nodes: [NodeID]
        package var policies: [PolicyReference]
        package var pattern: Pattern
        package var stalenessBound: Interval
        package var autonomyWindow: Interval
        package var cells: [Cell]

        package init(
            nodes: [NodeID], policies: [PolicyReference], pattern: Pattern,
            stalenessBound: Interval, autonomyWindow: Interval, cells: [Cell]
        ) {
            self.nodes = nodes
            self.policies = policies
            self.pattern = pattern
            self.stalenessBound = stalenessBound
            self.autonomyWindow = autonomyWindow
            self.cells = cells
        }
    }

    package var site: SiteID
    package var pattern: Pattern
    /// The generation of the Site that this is from.
    package var policyVersion: UInt64
    package var stalenessBound: Interval
    package var autonomyWindow: Interval
    package var cells: [Cell]
    package var nodes: [Standing]
    /// The signed policies that `cells` rests on, and the tables of canaries; nil where there are none.
    package var policies: [PolicyReference]?
    package var variants: [Variant]?
    package var asOf: WallTime

    package init(
        site: SiteID, pattern: Pattern, policyVersion: UInt64, stalenessBound: Interval,
        autonomyWindow: Interval, cells: [Cell], nodes: [Standing],
        policies: [PolicyReference]? = nil, variants: [Variant]? = nil, asOf: WallTime
    ) {
        self.site = site
        self.pattern = pattern
        self.policyVersion = policyVersion
        self.stalenessBound = stalenessBound
        self.autonomyWindow = autonomyWindow
        self.cells = cells
        self.nodes = nodes
        self.policies = policies
        self.variants = variants
        self.asOf = asOf
    }

    package subscript(
        _ domain: Domain, _ tier: Tier, _ staleness: Staleness, _ reach: Reach
    ) -> Ruling? {
        cells.first {
            $0.domain == domain && $0.tier == tier && $0.staleness == staleness
                && $0.reach == reach
        }?.ruling
    }
}
