import Authority
import Model
import Replication
import Trust

/// Signed policies that neighbours carry: a node whose own link is dead has them from those whose is
/// not. They are checked like the hub's; who brings one does not matter, who signed it does.
extension Agent {
    /// Tells the mesh which policies this node has, whenever they are others than before.
    mutating func announce(into effects: inout [Effect]) {
        guard meshContact != nil,
            announced?.policies != regime.policies
                || announced?.generation != regime.generation
        else { return }
        announced = Announcement(policies: regime.policies, generation: regime.generation)
        let bundles = replica.contents.compactMap { content in
            if case .policy(let bundle) = content { bundle } else { nil }
        }
        effects.append(.announce(bundles, siteGeneration: regime.generation))
    }

    /// What was told last.
    struct Announcement: Equatable, Sendable {
        let policies: [PolicyReference]
        let generation: UInt64
    }

    /// A neighbour has a policy.
    mutating func note(_ offer: PolicyOffer, into effects: inout [Effect]) {
        let name = offer.policy.name
        if let held = offers[name], held.policy.version >= offer.policy.version { return }
        guard offers.count < Agent.offersMax || offers[name] != nil else { return }
        offers.insert(offer, for: name)
        seekPolicies(into: &effects)
    }

    /// In contact the hub is asked for nothing and sends what is meant for this node; without it the
    /// neighbours are asked for what is newer than what is here.
    mutating func seekPolicies(into effects: inout [Effect]) {
        guard !link.isUp else { return }
        for (name, offer) in offers
        where offer.policy.version > version(of: name) ?? 0 && !declined.contains(offer.digest) {
            effects.append(.fetch(offer))
        }
    }

    /// A bundle came over the mesh, with the digest that was asked for.
    mutating func carry(
        _ bundle: PolicyBundle, digest: String, from neighbour: NodeID, at now: Moment
    ) {
        guard !link.isUp, let claimed = bundle.claimed else { return }
        let key = DocumentKey.policy(claimed.name)
        do throws(BundleRefusal) {
            try inspect(bundle, as: key, at: site, now)
        } catch {
            // Asked for once: it will not be better the next time.
            if declined.count < Agent.offersMax { declined.insert(digest) }
            switch error {
            // Meant for others, or overtaken meanwhile: nobody did anything wrong.
            case .scope, .version: return
            default: return refuse(claimed.name, "\(error) (brought by '\(neighbour)')", at: now)
            }
        }
        tell(
            .normal, "PolicyCarried", .node, configuration.node.text,
            "\(claimed) came from neighbour '\(neighbour)', with the hub out of reach", at: now)
        journal.writes.append(replica.carry(.policy(bundle), as: key))
        journal.followUps.removeAll { if case .documents = $0 { true } else { false } }
        journal.followUps.append(.documents(through: replica.through))
    }

    private static let offersMax = 256
}
