import Authority
package import Model
import Replication
import Trust

/// What people may see of policies, and of who may decide by them. Reading changes nothing.
extension Hub {
    /// A policy as its newest version has it; nil where there is none.
    func view(_ versions: [Issued], at now: WallTime) -> Policy? {
        guard let newest = versions.last else { return nil }
        let name = newest.reference.name
        var wanted: [UInt64: Int] = [:]
        var inForce: [UInt64: Int] = [:]
        var ahead: [NodeID] = []
        for (node, member) in nodes {
            let mine = versions.last { $0.scope.includes(node, at: member.node.spec.site) }
            guard let version = mine?.reference.version else { continue }
            wanted[version, default: 0] += 1
            let held = member.policies?.first { $0.name == name }?.version
            if held == version { inForce[version, default: 0] += 1 }
            if let held, held > version { ahead.append(node) }
        }
        return Policy(
            metadata: Metadata(
                name: name, generation: newest.reference.version,
                createdAt: newest.payload.issuedAt),
            spec: newest.payload.spec, signed: newest.stored.bundle,
            status: PolicyStatus(
                versions: versions.reversed().map { issued in
                    let version = issued.reference.version
                    return PolicyStatus.Version(
                        version: version, issuedAt: issued.payload.issuedAt,
                        notAfter: issued.payload.notAfter, canary: issued.scope.canary,
                        wanted: wanted[version] ?? 0, inForce: inForce[version] ?? 0,
                        signed: issued.stored.bundle)
                },
                conditions: conditions(of: newest, ahead: ahead, at: now), observedAt: now))
    }

    private func conditions(
        of newest: Issued, ahead: [NodeID], at now: WallTime
    ) -> [Condition] {
        var conditions: [Condition] = []
        if now > newest.payload.notAfter {
            conditions.append(
                Condition(
                    type: "Expired", isTrue: true, reason: "NotAfter",
                    message: "nodes that have it keep it; a node that lacks it will not take it. "
                        + "Sign it again with a higher version", observedAt: now))
        }
        if let first = ahead.first {
            conditions.append(
                Condition(
                    type: "Ahead", isTrue: true, reason: "HubIsBehind",
                    message: "\(ahead.count) nodes, \(first) among them, hold a newer version than "
                        + "this hub: apply that bundle here again", observedAt: now))
        }
        return conditions
    }

    /// Without policies there is no need to build a table for one figure of it.
    func autonomyWindow(of member: Member) -> Interval {
        policies.isEmpty
            ? (sites[member.node.spec.site]?.spec ?? SiteSpec()).autonomyWindow
            : regime(at: ground(of: NodeID(member.node.metadata.name))).autonomyWindow
    }

    /// A node in contact that has all documents and yet not the policies it was given.
    func policyConditions(of member: Member, at now: WallTime) -> [Condition] {
        let wanted = ground(of: NodeID(member.node.metadata.name)).policies
        guard member.session != nil, member.applied == member.feed.head,
            let held = member.policies, held != wanted
        else { return [] }
        let words = { (policies: [PolicyReference]) in
            policies.isEmpty ? "none" : policies.map(\.description).joined(separator: ", ")
        }
        return [
            Condition(
                type: "Policy", isTrue: false, reason: "NotInForce",
                message:
                    "in force there: \(words(held)); given to it: \(words(wanted)). Its events "
                    + "named PolicyRefused say why", observedAt: now)
        ]
    }

    /// Who may decide at a site; nil where there is no such site.
    package func authority(of id: SiteID, at now: WallTime) -> AuthorityReport? {
        guard let site = sites[id] else { return nil }
        // A node that was never heard from has no policy that could have an age.
        let members = nodes.rows.filter { $0.node.spec.site == id && $0.lastSeen != nil }
        let main = Ground(site: id, policies: issued(for: nil, at: id).map(\.reference))
        let regime = regime(at: main)
        let variants = variants(at: id, but: main)
        return AuthorityReport(
            site: id, pattern: regime.pattern, policyVersion: site.metadata.generation,
            stalenessBound: regime.stalenessBound, autonomyWindow: regime.autonomyWindow,
            cells: regime.report, nodes: members.map { standing(of: $0, now) },
            policies: regime.policies.isEmpty ? nil : regime.policies,
            variants: variants.isEmpty ? nil : variants, asOf: now)
    }

    /// The tables of those that have other policies than a node to come would have.
    private func variants(at site: SiteID, but main: Ground) -> [AuthorityReport.Variant] {
        var canaries: Table<Ground, [NodeID]> = Table()
        for (node, member) in nodes where member.node.spec.site == site {
            let ground = ground(of: node)
            guard ground != main else { continue }
            canaries.insert((canaries[ground] ?? []) + [node], for: ground)
        }
        return canaries.map { ground, nodes in
            let regime = regime(at: ground)
            return AuthorityReport.Variant(
                nodes: nodes, policies: regime.policies, pattern: regime.pattern,
                stalenessBound: regime.stalenessBound, autonomyWindow: regime.autonomyWindow,
                cells: regime.report)
        }
    }

    /// Where a node stands, as far as can be known from here: out of contact it may be in a mesh.
    private func standing(of member: Member, _ now: WallTime) -> AuthorityReport.Standing {
        let isHere = member.session != nil
        let age = isHere ? Duration.zero : max(.zero, now - (member.lastSeen ?? now))
        let node = NodeID(member.node.metadata.name)
        let regime = regime(at: ground(of: node))
        return AuthorityReport.Standing(
            node: node, staleness: regime.staleness(ofAge: age), reach: isHere ? .hub : .alone,
            policyVersion: regime.generation, policyAge: Interval(age), policies: member.policies)
    }
}
