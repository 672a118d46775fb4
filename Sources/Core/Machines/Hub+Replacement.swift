import Model
import Replication

/// Copies for nodes that are lost, and their end when these come back.
extension Hub {
    /// Places copies of what only lost nodes hold, and ends copies that several nodes in contact
    /// hold: what each workload's `disconnect` says. Level-based: it looks at the whole.
    func replaced(
        _ workload: Workload, at places: Placement.Places, load: [NodeID: Int], now: Moment
    ) -> Placement.Places {
        var places = places
        var claims = claims(on: workload.id, at: places)
        if let rule = workload.spec.disconnect, rule.replace {
            for ordinal in places.ordinals {
                let holders = claims[ordinal] ?? places.holders(of: ordinal)
                guard !isLeftToMesh(workload, ordinal),
                    holders.allSatisfy({ isLost($0, after: rule.lostAfter, at: now) }),
                    let node = substitute(
                        for: holders, of: workload.spec, places: places, load: load)
                else { continue }
                places[node] = ((places[node] ?? []) + [ordinal]).sorted()
                claims.insert(holders + [node], for: ordinal)
            }
        }
        for (ordinal, holders) in claims {
            let back = holders.filter(isBack)
            guard back.count > 1 else { continue }
            let id = InstanceID(workload: workload.id, ordinal: ordinal)
            let rule = workload.spec.disconnect?.reconcile ?? .keepOriginal
            guard let winner = winner(of: id, among: back, by: rule, load: load) else { continue }
            for node in back where node != winner {
                places[node]?.removeAll { $0 == ordinal }
                if places[node]?.isEmpty == true { places[node] = nil }
            }
        }
        return places
    }

    /// Writes down who holds what several nodes hold, as it came to be after the gate was asked.
    mutating func claim(_ workload: WorkloadID, at places: Placement.Places, now: Moment) {
        let before = replacements[workload] ?? []
        let claims = claims(on: workload, at: places)
        let after = claims.map { Replacement(ordinal: $0.0, holders: $0.1) }
            .filter { $0.holders.count > 1 }
        guard after != before else { return }
        for claim in after {
            guard !before.contains(claim), let substitute = claim.holders.last else { continue }
            tell(
                .warning, "Replaced", .workload, workload.text,
                "copy \(claim.ordinal) was started on node '\(substitute)' as well, since node "
                    + "'\(claim.holders[0])' is not heard from", at: now)
        }
        for claim in before where !after.contains(where: { $0.ordinal == claim.ordinal }) {
            let winner = places.holders(of: claim.ordinal).first?.text ?? ""
            tell(
                .normal, "Reconciled", .workload, workload.text,
                "copy \(claim.ordinal) goes on at node '\(winner)' alone", at: now)
        }
        if after.isEmpty {
            replacements.remove(workload)
        } else {
            replacements.insert(after, for: workload)
        }
        journal.writes.append(.replacements(workload, after))
    }

    /// Whether a look at the placements would change one because of silence.
    func findsLost(at now: Moment) -> Bool {
        workloads.contains { id, workload in
            guard let rule = workload.spec.disconnect, rule.replace, let places = placements[id],
                places.keys.contains(where: { isLost($0, after: rule.lostAfter, at: now) })
            else { return false }
            return replaced(workload, at: places, load: [:], now: now) != places
        }
    }

    /// Whether a node holds a copy that another one holds as well.
    func sharesCopies(_ node: NodeID) -> Bool {
        replacements.rows.joined().contains { $0.holders.contains(node) }
    }

    // MARK: - Facts

    /// Measured by the monotonic clock, and from the start of this hub at the earliest: a hub that was
    /// down itself knows nothing of who was silent.
    private func isLost(_ node: NodeID, after patience: Interval, at now: Moment) -> Bool {
        guard let member = nodes[node], member.session == nil, absence(of: node) != .expected,
            // Whoever is seen by its neighbours is cut off, not lost.
            member.vouch == nil, let quietSince = member.quietSince
        else { return false }
        return now.monotonic - quietSince >= patience.duration
    }

    /// In contact, and what it did while it was away is known here.
    private func isBack(_ node: NodeID) -> Bool {
        guard let member = nodes[node], member.session != nil else { return false }
        return member.inbox.last >= member.logHead
    }

    /// Who holds each copy, in the order in which it was given to them.
    private func claims(
        on workload: WorkloadID, at places: Placement.Places
    ) -> Table<Int, [NodeID]> {
        var claims: Table<Int, [NodeID]> = Table()
        for claim in replacements[workload] ?? [] {
            let holders = claim.holders.filter { places[$0]?.contains(claim.ordinal) == true }
            claims.insert(holders, for: claim.ordinal)
        }
        for ordinal in places.ordinals {
            let known = claims[ordinal] ?? []
            let new = places.holders(of: ordinal).filter { !known.contains($0) }
            if !new.isEmpty || known.count > 1 { claims.insert(known + new, for: ordinal) }
        }
        return claims
    }

    /// The node that a copy is started on as well: one in contact, as placement likes it best.
    private func substitute(
        for holders: [NodeID], of spec: WorkloadSpec, places: Placement.Places, load: [NodeID: Int]
    ) -> NodeID? {
        let open = nodes.filter { id, member in
            member.session != nil && !holders.contains(id)
                && Placement.obstacle(to: spec, on: member.node) == nil
        }
        return Placement.best(of: open.map(\.0), places: places, load: load)
    }

    private func winner(
        of id: InstanceID, among holders: [NodeID], by rule: Reconcile, load: [NodeID: Int]
    ) -> NodeID? {
        let ready = holders.filter { nodes[$0]?.instances[id]?.ready == true }
        let candidates = ready.isEmpty ? holders : ready
        switch rule {
        case .keepOriginal: return candidates.first
        case .keepReplacement: return candidates.last
        case .bestScore:
            return candidates.min { (load[$0] ?? 0, $0) < (load[$1] ?? 0, $1) }
        case .longestRunning:
            func start(_ node: NodeID) -> WallTime {
                nodes[node]?.instances[id]?.startedAt ?? WallTime(milliseconds: .max)
            }
            return candidates.min { (start($0), $0) < (start($1), $1) }
        }
    }
}

extension Placement.Places {
    /// Every copy that is placed somewhere, each once.
    fileprivate var ordinals: [Int] { Set(values.joined()).sorted() }

    fileprivate func holders(of ordinal: Int) -> [NodeID] {
        filter { $0.value.contains(ordinal) }.map(\.key).sorted()
    }
}
