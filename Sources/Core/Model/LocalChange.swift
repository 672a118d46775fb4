/// What a person at a node changed there, without the hub: in force on that node alone until somebody
/// at the hub takes it over for all or drops it.
package struct LocalChange: Hashable, Codable, Sendable {
    package var workload: WorkloadID
    package var at: WallTime
    /// Its place in the node's log.
    package var sequence: UInt64
    /// The decision that let it pass.
    package var decision: DecisionID
    /// The hub's word on the workload here when the person changed it; nil where there was none.
    package var base: WorkloadSpec?
    /// What the person wants; nil for that it does not run here.
    package var spec: WorkloadSpec?
    /// The copies that this is about.
    package var ordinals: [Int]

    package init(
        workload: WorkloadID, at: WallTime, sequence: UInt64, decision: DecisionID,
        base: WorkloadSpec?, spec: WorkloadSpec?, ordinals: [Int]
    ) {
        self.workload = workload
        self.at = at
        self.sequence = sequence
        self.decision = decision
        self.base = base
        self.spec = spec
        self.ordinals = ordinals
    }

    package enum Effect: String, Codable, Sendable { case added, changed, removed }

    package var effect: Effect { base == nil ? .added : spec == nil ? .removed : .changed }

    /// What it asks for, to the letter, of a workload on which the hub's word is `word`.
    package func assignment(over word: Assignment?) -> Assignment {
        let workload = Workload(
            metadata: word?.workload.metadata
                // Its number in the log may change.
                ?? Metadata(name: workload.text, generation: decision.number),
            spec: spec ?? word?.workload.spec ?? base ?? WorkloadSpec(containers: []))
        return Assignment(workload: workload, ordinals: spec == nil ? [] : ordinals)
    }
}

/// Whose word goes on where two differ.
package enum Side: String, Codable, CaseIterable, Sendable { case hub, node }

/// A change made at a node, and how it stands beside the hub's word.
package struct LocalChangeReport: Hashable, Codable, Sendable {
    package var node: NodeID
    package var site: SiteID
    package var change: LocalChange
    /// What the person changed: `containers[web].env`.
    package var fields: [String]
    /// What the hub changed meanwhile as well, to something else.
    package var conflicts: [String]
    /// Whose word is in force on the node where they differ.
    package var standing: Side
    /// The hub's word now; nil where it has none for this node.
    package var hub: WorkloadSpec?
    /// Whether the hub has it.
    package var isHandedOver: Bool

    package init(
        node: NodeID, site: SiteID, change: LocalChange, fields: [String], conflicts: [String],
        standing: Side, hub: WorkloadSpec?, isHandedOver: Bool
    ) {
        self.node = node
        self.site = site
        self.change = change
        self.fields = fields
        self.conflicts = conflicts
        self.standing = standing
        self.hub = hub
        self.isHandedOver = isHandedOver
    }
}

/// The answer to a question for local changes.
package struct LocalChangeList: Hashable, Codable, Sendable {
    package var items: [LocalChangeReport]
    package var asOf: WallTime

    package init(items: [LocalChangeReport], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

/// What a person says about a change made at a node: whose word shall hold from now on.
package struct Resolution: Hashable, Codable, Sendable {
    package var node: NodeID
    package var workload: WorkloadID
    package var keep: Side

    package init(node: NodeID, workload: WorkloadID, keep: Side) {
        self.node = node
        self.workload = workload
        self.keep = keep
    }
}
