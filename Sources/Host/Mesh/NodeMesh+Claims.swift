package import Claiming
import Membership
import Model
import Transport
import Trust

/// A plan that was checked, with what proves it.
struct KeptPlan: Sendable {
    let plan: SitePlan
    let signed: SignedPlan
}

/// Claims between nodes of a mesh, and the plan that they are about. A claim is a datagram of its own on
/// the session of two members, so nobody speaks for another; it is repeated until it is answered.
extension NodeMesh {
    /// Says something to a member. It may get lost.
    package func say(_ post: Claiming.Post) {
        for bytes in Message.datagrams(of: post.messages) {
            claimBytes += UInt64(bytes.count + Membership.Limits.production.overheadBytes)
            if case .dropped = outlet.yield((post.member, bytes)) { unsent += 1 }
        }
    }

    /// Takes what is about claims; false where it is not.
    func takeClaims(_ bytes: [UInt8], from member: NodeID) -> Bool {
        guard bytes.first == Message.mark else { return false }
        guard spendsClaim(member) else {
            refused["floodedClaim", default: 0] += 1
            return true
        }
        do throws(MessageError) {
            outlook.yield(.claims(try Message.read(bytes), from: member))
        } catch {
            refused["malformedClaim", default: 0] += 1
        }
        return true
    }

    /// Each member may say so much in a second, which is far more than an honest one does.
    private func spendsClaim(_ member: NodeID) -> Bool {
        let second = now().monotonic.nanoseconds / 1_000_000_000
        let spent = claimsHeard[member].flatMap { $0.second == second ? $0.count : nil } ?? 0
        guard spent < NodeMesh.claimsPerSecondMax else { return false }
        claimsHeard[member] = (second, spent + 1)
        return true
    }

    private static let claimsPerSecondMax = 32

    // MARK: - The plan

    /// What stands for a plan among the content that is fetched: no policy can have such a name.
    private static let planPrefix = "plan/"

    /// Tells which plan this node has, and hands it out.
    func announce(_ kept: KeptPlan) {
        guard kept.plan.version > planVersion else { return }
        do {
            let bytes = try kept.signed.bytes
            let digest = contentDigest(of: bytes)
            planVersion = kept.plan.version
            planContent = (digest, bytes)
            let version = kept.plan.version
            state(
                [
                    key(.plan, kept.plan.site.text): Array(
                        "\(version.epoch) \(version.number) \(bytes.count) \(digest)".utf8)
                ], from: .plan)
        } catch {
            remark("the plan of this site is not handed on: \(error)")
        }
    }

    /// A plan that a member has; nil where the record says no such thing.
    func planOffer(_ record: Record) -> (version: RosterVersion, offer: PolicyOffer)? {
        guard let fact = FactKey(record), fact.source == .plan, !record.isTombstone,
            fact.name == place.site.text
        else { return nil }
        let words = String(decoding: record.value, as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 4, let epoch = UInt64(words[0]), let number = UInt64(words[1]),
            let size = Int(words[2]), (1...SignedPlan.bytesMax * 2).contains(size),
            words[3].utf8.count == 64
        else { return nil }
        return (
            RosterVersion(epoch: epoch, number: number),
            PolicyOffer(
                policy: PolicyReference(name: NodeMesh.planPrefix + fact.name, version: number),
                digest: words[3], sizeBytes: size)
        )
    }

    /// Gets a plan that is newer than the one here, whether or not the hub is in reach: it is the hub's
    /// word either way.
    func notePlan(_ record: Record) {
        guard let (version, offer) = planOffer(record), version > planVersion,
            !declinedPlans.contains(offer.digest)
        else { return }
        fetch(offer)
    }

    /// Takes content that is a plan; false where it is something else.
    func takePlan(_ content: [UInt8], of offer: PolicyOffer, from member: NodeID) -> Bool {
        guard offer.policy.name.hasPrefix(NodeMesh.planPrefix) else { return false }
        do {
            outlook.yield(.fetchedPlan(try SignedPlan(bytes: content), from: member))
        } catch {
            declinePlan(offer.digest)
        }
        return true
    }

    /// It would be no better the next time.
    func declinePlan(_ digest: String) {
        if declinedPlans.count < 64 { declinedPlans.insert(digest) }
    }
}
