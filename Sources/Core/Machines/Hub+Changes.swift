package import Authority
package import Model
import Replication

/// What people changed at nodes that were theirs to change: kept apart from the hub's own word, node by
/// node, until a person settles it.
extension Hub {
    /// Every change that stands, and how it stands beside the hub's word.
    package var localChanges: [LocalChangeReport] {
        nodes.flatMap { id, member in
            member.changes.rows.map { change in
                let (variant, side) = variant(of: change, at: id)
                return LocalChangeReport(
                    node: id, site: member.node.spec.site, change: change, fields: variant.fields,
                    conflicts: variant.conflicts, standing: side,
                    hub: workloads[change.workload]?.spec, isHandedOver: true)
            }
        }
    }

    /// Takes in what a person changed at a node. A second change of one workload continues the first.
    mutating func take(_ change: LocalChange, from node: NodeID, at now: Moment) {
        guard let member = nodes[node] else { return }
        let earlier = member.changes[change.workload]
        nodes.update(node) { $0.changesThrough = change.sequence }
        if let change = standing(change, after: earlier, on: node) {
            guard earlier != nil || member.changes.count < limits.instancesPerNode else { return }
            nodes.update(node) { $0.changes.insert(change, for: change.workload) }
            journal.writes.append(.localChange(node, change))
            warn(ofConflictIn: change, at: node, now)
        } else if earlier != nil {
            nodes.update(node) { _ = $0.changes.remove(change.workload) }
            journal.writes.append(.removeLocalChange(node, change.workload))
        }
    }

    /// The change as it stands beside the hub's word, from what the node knew first; nil where it comes
    /// to what the hub says anyway.
    private func standing(
        _ change: LocalChange, after earlier: LocalChange?, on node: NodeID
    ) -> LocalChange? {
        var change = change
        if let earlier {
            change.base = earlier.base
            change.ordinals = earlier.ordinals
        }
        let word = word(on: change.workload, for: node)
        let isGiven = word?.ordinals.isEmpty == false
        guard let spec = change.spec else { return isGiven ? change : nil }
        if isGiven { return spec == word?.workload.spec || spec == change.base ? nil : change }
        // As it was before, where the hub has taken it away meanwhile: it is the node's own by now.
        if spec == change.base { change.base = nil }
        return change
    }

    private mutating func warn(ofConflictIn change: LocalChange, at node: NodeID, _ now: Moment) {
        let (variant, side) = variant(of: change, at: node)
        guard !variant.conflicts.isEmpty else { return }
        tell(
            .warning, "Conflict", .workload, change.workload.text,
            "node '\(node)' and the hub both changed \(variant.conflicts.joined(separator: ", ")); on "
                + "that node the \(side.rawValue)'s word stands until somebody settles it: "
                + "skerry resolve workload/\(change.workload) --node \(node) --keep hub|node",
            at: now)
    }

    /// The table that rules on a node.
    package func table(at node: NodeID) -> AuthorityTable { regime(at: ground(of: node)).table }

    /// The hub's own word on a workload for a node: without copies where it gives it none, nil where
    /// there is no such workload.
    private func word(on id: WorkloadID, for node: NodeID) -> Assignment? {
        workloads[id].map {
            Assignment(workload: $0, ordinals: placements[id]?[node] ?? [])
        }
    }

    /// What a node is to run of the workloads that were changed there.
    func variants(for node: NodeID) -> [Assignment] {
        (nodes[node]?.changes.rows ?? []).map { variant(of: $0, at: node).0.assignment }
    }

    /// A change beside the hub's word, and whose stands where they differ.
    private func variant(of change: LocalChange, at node: NodeID) -> (Variant, Side) {
        let word = word(on: change.workload, for: node)
        let side = table(at: node).side(for: change, on: word)
        return (Variant(of: change, on: word, favouring: side), side)
    }

    // MARK: - Settling

    /// A person's word on a change: the hub's stays for all, or the node's becomes the hub's.
    mutating func resolve(_ resolution: Resolution, at now: Moment) throws(Refusal) {
        guard let change = nodes[resolution.node]?.changes[resolution.workload] else {
            throw Refusal(
                .notFound,
                "nobody changed workload '\(resolution.workload)' at node '\(resolution.node)', or it "
                    + "is settled; see: skerry get changes")
        }
        if resolution.keep == .node { try adopt(change, from: resolution.node, at: now) }
        nodes.update(resolution.node) { _ = $0.changes.remove(resolution.workload) }
        journal.writes.append(.removeLocalChange(resolution.node, resolution.workload))
        tell(
            .normal, "Resolved", .workload, resolution.workload.text,
            resolution.keep == .hub
                ? "what was changed at node '\(resolution.node)' is dropped"
                : "what was changed at node '\(resolution.node)' holds for all", at: now)
        reconcile(because: .applied, at: now)
    }

    private mutating func adopt(
        _ change: LocalChange, from node: NodeID, at now: Moment
    ) throws(Refusal) {
        let known = workloads[change.workload]
        guard let wished = change.spec else {
            let elsewhere = (placements[change.workload] ?? [:]).keys.filter { $0 != node }
            guard elsewhere.isEmpty else {
                throw Refusal(
                    .conflict,
                    "workload '\(change.workload)' also runs on \(elsewhere.sorted()[0]), so its "
                        + "removal from one node cannot hold for all; change its selector, or delete it"
                )
            }
            guard known != nil else { return }
            remove(change.workload)
            return
        }
        var workload =
            known ?? Workload(metadata: Metadata(name: change.workload.text), spec: wished)
        if let known {
            try checkUpdate(of: known, at: now.wall)
            workload.spec =
                SpecMerge(
                    base: change.base, hub: known.spec, node: wished, favouring: .node
                ).spec
        } else {
            // It was made for this node, and stays there.
            workload.spec.selector["node"] = node.text
            guard sites.count + workloads.count < limits.objects else {
                throw Refusal(
                    .invalid, "this hub holds at most \(limits.objects) sites and workloads")
            }
        }
        store(.workload(workload), at: now)
    }
}

extension AuthorityTable {
    /// Whose word stands on a node where a person's change there and the hub's word differ: theirs whom
    /// the table names when all are in contact.
    package func side(for change: LocalChange, on word: Assignment?) -> Side {
        let isUpdate = change.effect == .changed && word != nil
        let tier = change.spec?.tier ?? change.base?.tier ?? .optional
        let ruling = self[Cell(isUpdate ? .update : .placement, .fresh, tier, .hub)]
        return ruling.verdict == .permit && ruling.by != .central ? .node : .hub
    }
}
