package import Model

/// The mesh of each site, seen from the hub: who belongs to it, and what its nodes say they see.
extension Hub {
    /// How a node last said that it sees its mesh.
    struct Seen: Equatable, Sendable {
        let view: MeshView
        let at: Instant
    }

    /// What keeps a node that this hub does not hear from being taken for lost.
    struct Vouch: Equatable, Sendable {
        /// The peers that see it, by name.
        let peers: [NodeID]
        let seenAt: WallTime

        var sentence: String {
            let names = peers.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
            let more = peers.count > 3 ? " and \(peers.count - 3) more" : ""
            return "not heard from, and seen by \(names)\(more) of its mesh"
        }
    }

    // MARK: - The roster

    /// Takes down where a node is in its mesh and by which key it signs, and deals the roster to
    /// whoever lacks it.
    mutating func noteMesh(_ contact: MeshContact?, of node: NodeID) {
        guard let site = nodes[node]?.node.spec.site else { return }
        guard let contact, contact.isWellFormed else {
            nodes.update(node) { $0.roster = nil }
            return leaveMesh(node, at: site)
        }
        nodes.update(node) {
            $0.roster = contact.roster
            $0.vouch = nil
        }
        var roster = rosters[site] ?? Roster(site: site, version: .none)
        let member = Roster.Member(node: node, key: contact.key, address: contact.address)
        if let index = roster.members.firstIndex(where: { $0.node >= node }) {
            if roster.members[index].node == node {
                roster.members[index] = member
            } else if roster.members.count < limits.meshMembers {
                roster.members.insert(member, at: index)
            }
        } else if roster.members.count < limits.meshMembers {
            roster.members.append(member)
        }
        // A hub that was restored counts on above what its nodes have; a number that no hub came to is
        // a lie.
        let lead = contact.roster.number.subtractingReportingOverflow(roster.version.number)
        let isAhead =
            contact.roster > roster.version && contact.roster.epoch <= max(epoch, metEpoch)
            && (lead.overflow || lead.partialValue < 1 << 20)
        renew(roster, above: isAhead ? contact.roster : roster.version, isForced: isAhead)
    }

    /// A node is a member no more.
    mutating func leaveMesh(_ node: NodeID, at site: SiteID) {
        guard var roster = rosters[site], roster.members.contains(where: { $0.node == node })
        else { return }
        roster.members.removeAll { $0.node == node }
        renew(roster, above: roster.version, isForced: false)
    }

    /// Gives a roster a higher version where it says something new. It leaves once it is durable.
    private mutating func renew(_ roster: Roster, above version: RosterVersion, isForced: Bool) {
        var roster = roster
        if isForced || rosters[roster.site]?.members != roster.members {
            roster.version = RosterVersion(
                epoch: max(epoch, version.epoch), number: version.number + 1)
            rosters.insert(roster, for: roster.site)
            journal.writes.append(.roster(roster))
        }
        journal.followUps.removeAll { if case .roster(roster.site) = $0 { true } else { false } }
        journal.followUps.append(.roster(roster.site))
    }

    /// Sends the roster of a site to its members in contact that have an older one.
    mutating func dealRoster(of site: SiteID, into effects: inout [Effect]) {
        guard let roster = rosters[site] else { return }
        for member in roster.members {
            guard let node = nodes[member.node], let session = node.session,
                sessions[session]?.state == .greeted, let known = node.roster,
                known < roster.version
            else { continue }
            nodes.update(member.node) { $0.roster = roster.version }
            effects.append(.dealRoster(session, roster))
        }
    }

    // MARK: - What nodes see

    /// A node speaks for itself: whatever its view says, it is the view of that node of its site, and
    /// holds nobody who is no member.
    mutating func take(_ view: MeshView, from node: NodeID, at now: Moment) {
        guard let site = nodes[node]?.node.spec.site, let roster = rosters[site] else { return }
        let members = Set(roster.members.map(\.node))
        var view = view
        if view.isChanges == true {
            // Changes of nothing: the view before went with a hub that was restarted.
            guard let before = nodes[node]?.view?.view else { return }
            view = before.merged(with: view)
        }
        view.node = node
        view.site = site
        view.peers = Array(
            view.peers.filter { members.contains($0.node) && $0.node != node }
                .prefix(limits.meshMembers))
        view.claims = view.claims.map { Array($0.prefix(limits.instancesPerNode)) }
        nodes.update(node) { $0.view = Seen(view: view, at: now.monotonic) }
        for peer in view.peers { vouch(for: peer.node, at: now) }
        adopt(view.claims ?? [], of: node, at: now)
    }

    mutating func vouch(at now: Moment) {
        for node in nodes.keys { vouch(for: node, at: now) }
    }

    /// Whether those of its mesh that are in contact here see a node that is not.
    ///
    /// One voice is enough unless more say that it failed; nobody is believed who calls itself
    /// isolated, or has not spoken for three heartbeats.
    private mutating func vouch(for node: NodeID, at now: Moment) {
        guard let member = nodes[node] else { return }
        guard member.session == nil, let roster = rosters[member.node.spec.site],
            roster.members.contains(where: { $0.node == node })
        else {
            if member.vouch != nil { nodes.update(node) { $0.vouch = nil } }
            return
        }
        var peers: [NodeID] = []
        var opponents = 0
        var youngest: Duration?
        let patience = limits.heartbeatEvery * limits.heartbeatsMissed
        for other in roster.members where other.node != node {
            guard let observer = nodes[other.node], observer.session != nil,
                let seen = observer.view, now.monotonic - seen.at <= patience,
                !seen.view.isIsolated,
                let sight = seen.view.peers.first(where: { $0.node == node })
            else { continue }
            if sight.liveness == .failed { opponents += 1 }
            guard sight.liveness == .alive, let age = sight.age else { continue }
            peers.append(other.node)
            let total = max(.zero, age.duration) + (now.monotonic - seen.at)
            youngest = min(youngest ?? total, total)
        }
        // What was seen before this hub's own last word from it proves nothing since.
        let quiet = member.lastSeen.map { now.wall - $0 }
        let vouch = youngest.flatMap { age in
            peers.count > opponents && quiet.map { age < $0 } ?? true
                ? Vouch(
                    peers: peers, seenAt: now.wall + (.zero - age)) : nil
        }
        note(vouch, of: node, was: member.vouch, age: youngest, at: now)
    }

    private mutating func note(
        _ vouch: Vouch?, of node: NodeID, was: Vouch?, age: Duration?, at now: Moment
    ) {
        nodes.update(node) {
            $0.vouch = vouch
            // Its silence begins when nobody sees it any more.
            if vouch != nil, let age { $0.quietSince = now.monotonic + (.zero - age) }
        }
        guard (vouch == nil) != (was == nil) else { return }
        if let vouch {
            tell(.normal, "Vouched", .node, node.text, vouch.sentence, at: now)
        } else if let was {
            tell(
                .warning, "VouchLost", .node, node.text,
                "not heard from, and \(was.peers.map { "'\($0)'" }.joined(separator: ", ")) "
                    + "of its mesh no longer see it or are not in contact either", at: now)
        }
    }

    /// What nodes in contact, and those that their neighbours see, said that serves.
    package func services(at now: WallTime) -> [ServiceEndpoint] {
        var endpoints: [ServiceEndpoint] = []
        for (id, member) in nodes where member.session != nil || member.vouch != nil {
            let seen = member.session == nil ? member.vouch?.seenAt : now
            let address = rosters[member.node.spec.site]?.members.first { $0.node == id }?.address
            for status in member.instances.rows where status.ready {
                endpoints.append(
                    ServiceEndpoint(
                        service: status.id.workload, instance: status.id, node: id,
                        site: status.site, host: Hub.host(of: address ?? "127.0.0.1:0"),
                        ports: status.ports, isLocal: false,
                        load: Hub.load(member),
                        age: Interval(max(.zero, now - (seen ?? now)))))
            }
        }
        return endpoints.sorted(by: ServiceEndpoint.isPreferred)
    }

    /// Without the port, and without brackets.
    private static func host(of place: String) -> String {
        let host = place.split(separator: ":").dropLast().joined(separator: ":")
        return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    }

    private static func load(_ member: Member) -> Double {
        guard let usage = member.usage, let capacity = member.capacity else { return 0 }
        return min(1, Double(usage.cpu.millicores) / Double(max(1, capacity.cpu.millicores)))
    }

    /// Which node has which revision, as each said itself.
    package func meshHoldings(of site: SiteID?) -> [MeshHolding]? {
        if let site, sites[site] == nil { return nil }
        return nodes.rows.filter { site == nil || $0.node.spec.site == site }
            .flatMap { member -> [MeshHolding] in
                let node = NodeID(member.node.metadata.name)
                return (member.policies ?? []).map {
                    MeshHolding(node: node, subject: "Policy/\($0.name)", version: $0.version)
                }
            }
    }

    /// How the nodes of a site, or of all, said that they see their meshes. Nil where there is no such
    /// site.
    package func meshViews(of site: SiteID?) -> [MeshView]? {
        if let site, sites[site] == nil { return nil }
        return nodes.rows.compactMap { member in
            site.map { $0 == member.node.spec.site } ?? true ? member.view?.view : nil
        }
    }
}
