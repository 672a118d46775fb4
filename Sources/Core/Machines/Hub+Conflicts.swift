import Authority
package import Model
import Replication

/// What a person sees of a node that holds another word than the hub, and what becomes of it.
extension Hub {
    /// Everything about which hub and nodes differ, and that waits for a person.
    package var conflicts: [Conflict] {
        nodes.rows.flatMap { member -> [Conflict] in
            guard case .paused(_, let held, _) = member.timeline else { return [] }
            let node = NodeID(member.node.metadata.name)
            return differingKeys(held, member.feed).compactMap { key in
                let atNode = held.first { $0.key == key }?.content
                let atHub = member.feed[key]
                guard let kind = atNode?.kind ?? atHub?.kind else { return nil }
                return Conflict(
                    node: node, kind: kind, name: key.name, atHub: atHub?.object,
                    atNode: atNode?.object, copiesAtHub: atHub?.ordinals ?? [],
                    copiesAtNode: atNode?.ordinals ?? [])
            }
        }
    }

    /// The keys about which `held` says something else than the feed, whatever their numbers are.
    func differingKeys(_ held: [Document], _ feed: Feed) -> [DocumentKey] {
        var contents: Table<DocumentKey, Document.Content> = Table()
        for document in held { contents.insert(document.content, for: document.key) }
        let wanted = feed.keys.filter { feed[$0] != .deleted }
        let changed = held.map(\.key).filter { key in
            contents[key]?.unnumbered != feed[key].map(\.unnumbered)
        }
        // How far a node's changes were taken in is a position, and nobody's wish.
        return Set(changed + wanted.filter { contents[$0] == nil }).filter(\.isIntent).sorted()
    }

    /// Where hub and node say the same, the higher number holds: a node never goes back.
    mutating func takeGenerations(of held: [Document], for node: NodeID, at now: Moment) {
        for document in held {
            switch document.content {
            case .assignment(let assignment):
                let generation = assignment.workload.metadata.generation
                raiseWorkload(assignment.workload.id, to: generation)
            case .site(let site):
                guard var own = sites[SiteID(site.metadata.name)],
                    own.metadata.generation < site.metadata.generation
                else { continue }
                own.metadata.generation = site.metadata.generation
                putSite(own, at: now)
            case .node(let seen):
                guard let own = nodes[node]?.node,
                    own.metadata.generation < seen.metadata.generation
                else { continue }
                nodes.update(node) { $0.node.metadata.generation = seen.metadata.generation }
                if let raised = nodes[node]?.node { journal.writes.append(.node(raised)) }
            case .changes, .policy, .secret, .unknown, .deleted: continue
            }
        }
    }

    private mutating func raiseWorkload(_ id: WorkloadID, to generation: UInt64) {
        guard var workload = workloads[id], workload.metadata.generation < generation else {
            return
        }
        workload.metadata.generation = generation
        workloads.insert(workload, for: id)
        journal.writes.append(.workload(workload))
    }

    // MARK: - A person chooses

    /// Ends the conflict with a node by a person's word.
    mutating func resolve(
        _ kind: Kind, _ name: String, keep: Side, at now: Moment
    ) throws(Refusal) -> Object {
        guard kind == .node else {
            throw Refusal(.invalid, "only nodes can be resolved, not \(kind.plural)")
        }
        let node = NodeID(name)
        guard let member = nodes[node] else { throw missing(kind, name) }
        let (held, through, keys) = try dispute(with: node, member, keep: keep)
        if keep == .node { try take(held.filter { keys.contains($0.key) }, of: node, at: now) }
        numberAbove(held, at: now)
        setTimeline(.shared, of: node)
        nodes.update(node) { $0.feed.raise(to: through) }
        reconcile(because: .applied, at: now)
        restate(keys, to: node, above: through)
        restateNumbers(of: held, to: node, above: through)
        rejoin(node, through: through, at: now)
        let names = keys.map(\.description).joined(separator: ", ")
        tell(
            .normal, "ConflictResolved", .node, name,
            "by a person: the \(keep.rawValue)'s word holds about \(names)", at: now)
        return .node(nodes[node]?.node ?? member.node)
    }

    /// What is in dispute: what the node holds, up to which revision, and what differs.
    private func dispute(
        with node: NodeID, _ member: Member, keep: Side
    ) throws(Refusal) -> (held: [Document], through: UInt64, keys: [DocumentKey]) {
        switch member.timeline {
        case .shared:
            throw Refusal(
                .conflict, "node '\(node)' and this hub are of one mind: nothing to resolve")
        case .paused(_, let held, let through):
            return (held, through, differingKeys(held, member.feed))
        case .awaited:
            guard let session = member.session, let through = sessions[session]?.greetedWith else {
                throw Refusal(
                    .conflict,
                    "node '\(node)' was not heard from since this hub was restored; what it holds is "
                        + "compared when it is")
            }
            // What only the node holds would stay there, and no greeting would tell.
            guard member.gathered == nil else {
                throw Refusal(
                    .conflict,
                    "node '\(node)' is about to say what it holds; choose once that was compared, in a "
                        + "moment")
            }
            guard keep == .hub else {
                throw Refusal(
                    .conflict,
                    "node '\(node)' has not said what it holds, so only the hub's word can be kept")
            }
            return ([], through, member.feed.keys)
        }
    }

    /// A number stands for one text. What the node had under a number that this hub never gave, or gave
    /// to something else, is counted past.
    private mutating func numberAbove(_ held: [Document], at now: Moment) {
        for document in held {
            switch document.content {
            case .assignment(let assignment):
                let seen = assignment.workload
                guard let own = workloads[seen.id] else {
                    raiseFloor(to: seen.metadata.generation)
                    continue
                }
                if own.unnumbered != seen.unnumbered {
                    raiseWorkload(seen.id, to: seen.metadata.generation + 1)
                } else {
                    raiseWorkload(seen.id, to: seen.metadata.generation)
                }
            case .site(let seen):
                let id = SiteID(seen.metadata.name)
                guard var own = sites[id] else { continue }
                let isSame = own.unnumbered == seen.unnumbered
                let generation = seen.metadata.generation + (isSame ? 0 : 1)
                guard own.metadata.generation < generation else { continue }
                own.metadata.generation = generation
                putSite(own, at: now)
            case .node, .changes, .policy, .secret, .unknown, .deleted: continue
            }
        }
    }

    /// Takes the node's word into intent. What only the hub has stays wanted: it may be needed
    /// elsewhere, and a person can delete it.
    private mutating func take(
        _ documents: [Document], of node: NodeID, at now: Moment
    ) throws(Refusal) {
        let assignments = documents.compactMap { document in
            if case .assignment(let assignment) = document.content { assignment } else { nil }
        }
        for assignment in assignments {
            try checkPlacement(of: assignment.workload, on: node, now: now.wall)
        }
        for document in documents {
            switch document.content {
            case .site(let seen): takeSite(seen, at: now)
            case .node(let seen):
                nodes.update(node) {
                    $0.node.metadata.labels = seen.metadata.labels
                    $0.node.metadata.annotations = seen.metadata.annotations
                    $0.node.metadata.generation = max(
                        $0.node.metadata.generation, seen.metadata.generation)
                    $0.node.spec.cordoned = seen.spec.cordoned
                }
                if let own = nodes[node]?.node { journal.writes.append(.node(own)) }
            // Its values are sealed for the node, so the hub's own stay.
            case .assignment, .changes, .policy, .secret, .unknown, .deleted: continue
            }
        }
        for assignment in assignments { take(assignment, of: node, at: now) }
    }

    private mutating func putSite(_ site: Site, at now: Moment) {
        sites.insert(site, for: SiteID(site.metadata.name))
        forgetRegimes(of: SiteID(site.metadata.name))
        keepVersion(of: site, since: now.wall)
        journal.writes.append(.site(site))
    }

    private mutating func takeSite(_ seen: Site, at now: Moment) {
        let id = SiteID(seen.metadata.name)
        guard
            case .success = Regime.build(seen.spec, generation: 0, under: [])
        else { return }
        var site = seen
        site.status = nil
        site.metadata.generation = max(
            seen.metadata.generation, (sites[id]?.metadata.generation ?? 0) + 1)
        putSite(site, at: now)
    }

    private mutating func take(_ assignment: Assignment, of node: NodeID, at now: Moment) {
        var workload = assignment.workload
        let id = workload.id
        let old = workloads[id]
        if old?.unnumbered != workload.unnumbered {
            workload.status = nil
            workload.metadata.generation = max(
                workload.metadata.generation, (old?.metadata.generation ?? generationFloor) + 1)
            workloads.insert(workload, for: id)
            journal.writes.append(.workload(workload))
        }
        let current = placements[id] ?? [:]
        var places = current
        if case .count = workload.spec.replicas {
            // A copy runs in one place.
            for other in places.keys where other != node {
                places[other]?.removeAll { assignment.ordinals.contains($0) }
                if places[other]?.isEmpty == true { places[other] = nil }
            }
        }
        places[node] = assignment.ordinals
        guard places != current else { return }
        let settled = settle(
            workload, at: places, from: current, load: [:], because: .applied, now: now.wall)
        journal.writes.append(.placement(id, settled))
    }

    /// Refuses before anything is changed what the gate would refuse in the middle.
    private mutating func checkPlacement(
        of workload: Workload, on node: NodeID, now: WallTime
    ) throws(Refusal) {
        if workloads[workload.id] != nil { try checkUpdate(of: workload, at: now) }
        let others = (placements[workload.id] ?? [:]).keys.map { ground(of: $0) }
        for ground in Set(others + [ground(of: node)]).sorted()
        where !mayPlace(workload, at: ground) {
            throw Refusal(
                .conflict,
                "site '\(ground.site)' holds the placement of workload '\(workload.id)': nothing was "
                    + "changed; change the site's authority table first")
        }
    }
}

extension Document.Content {
    fileprivate var kind: Kind? {
        switch self {
        case .assignment: .workload
        case .site: .site
        case .node: .node
        case .secret: .secret
        case .changes, .policy, .unknown, .deleted: nil
        }
    }

    fileprivate var object: Object? {
        switch self {
        case .assignment(let assignment): .workload(assignment.workload)
        case .site(let site): .site(site)
        case .node(let node): .node(node)
        case .secret, .changes, .policy, .unknown, .deleted: nil
        }
    }

    fileprivate var ordinals: [Int] {
        if case .assignment(let assignment) = self { assignment.ordinals } else { [] }
    }

    /// Without what only counts or dates.
    fileprivate var unnumbered: Document.Content {
        switch self {
        case .assignment(let assignment):
            .assignment(
                Assignment(
                    workload: assignment.workload.unnumbered, ordinals: assignment.ordinals))
        case .site(let site): .site(site.unnumbered)
        case .node(let node):
            .node(Node(metadata: node.metadata.unnumbered, spec: node.spec))
        case .changes, .policy, .secret, .unknown, .deleted: self
        }
    }
}

extension Workload {
    fileprivate var unnumbered: Workload {
        Workload(metadata: metadata.unnumbered, spec: spec)
    }
}

extension Site {
    fileprivate var unnumbered: Site { Site(metadata: metadata.unnumbered, spec: spec) }
}

extension Metadata {
    fileprivate var unnumbered: Metadata {
        Metadata(name: name, labels: labels, annotations: annotations)
    }
}
