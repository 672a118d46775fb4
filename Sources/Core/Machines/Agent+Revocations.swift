package import Model
import Trust

/// Identities that are no longer good, as this node keeps and obeys that.
extension Agent {
    /// What one message may hold; a hub has fewer.
    private static let revocationsMax = 16_384

    /// What the hub sends: never back to an earlier list, and never more at once than a hub may revoke
    /// alone.
    mutating func take(_ list: RevocationList, at now: Moment, into effects: inout [Effect]) {
        guard link.isUp, isOfSize(list) else { return }
        if let kept = revocations, list.version < kept.list.version {
            return tellRefused(
                "it sent version \(list.version), and version \(kept.list.version) holds here",
                at: now)
        }
        guard list.follows(revocations?.list) else {
            // A neighbour was quicker. What the hub deals leaves out who is revoked.
            if let kept = revocations, kept.list == list, kept.carriedAfter != nil {
                effects.append(.keepRevocations(kept.told))
            }
            return
        }
        do throws(Excess) {
            effects.append(.keepRevocations(try next(list).told))
        } catch {
            tellRefused(error.sentence, at: now)
        }
    }

    /// What a neighbour had: checked as what the hub sends, so that it does not matter who brought it.
    mutating func carry(
        _ list: RevocationList, from neighbour: NodeID, at now: Moment,
        into effects: inout [Effect]
    ) {
        guard isOfSize(list), list.follows(revocations?.list) else { return }
        let before = revocations?.list.issuedAt ?? WallTime(milliseconds: .min)
        do throws(Excess) {
            effects.append(.keepRevocations(try next(list).carried(after: before)))
        } catch {
            tellRefused("node \(neighbour) carried a list, and \(error.sentence)", at: now)
        }
    }

    /// Whether a peer was revoked, and the hub has not been heard since: until then it still stands in the
    /// roster and has keys with this node.
    package func isBarred(_ peer: NodeID) -> Bool {
        guard let kept = revocations, let since = kept.carriedAfter else { return false }
        return kept.list.entries.contains { $0.at > since && $0.isOfNode(peer) }
    }

    private struct Excess: Error {
        let sentence: String
    }

    private func isOfSize(_ list: RevocationList) -> Bool {
        list.entries.count <= Agent.revocationsMax && list.warrants.count <= Agent.revocationsMax
    }

    private func next(_ list: RevocationList) throws(Excess) -> KeptRevocations {
        let next =
            revocations?.followed(by: list, window: configuration.brake.window)
            ?? KeptRevocations(first: list)
        let excess = configuration.brake.excess(
            in: list, after: revocations?.list, fleet: next.fleet, keys: configuration.policyKeys)
        guard let excess else { return next }
        throw Excess(
            sentence: "it revokes \(excess.count) identities inside "
                + "\(Interval(configuration.brake.window)) where \(excess.allowance) are allowed "
                + "without a second key")
    }

    mutating func noteKept(_ kept: KeptRevocations, at now: Moment) {
        let before = revocations?.list
        revocations = kept
        revocationsTrouble = nil
        let own = kept.list.entries.first(where: isOwn)
        guard let own, before?.entries.contains(where: isOwn) != true else { return }
        tell(
            .warning, "Revoked", .node, configuration.node.text,
            "the identity of this node was revoked (\(own.reason)); what runs here goes on", at: now
        )
    }

    /// Once for each reason.
    mutating func tellRefused(_ reason: String, at now: Moment) {
        guard revocationsTrouble != reason else { return }
        revocationsTrouble = reason
        tell(
            .warning, "RevocationsRefused", .node, configuration.node.text,
            "what the hub sent about revoked identities is not used: \(reason)", at: now)
    }

    private func isOwn(_ entry: Revocation) -> Bool {
        entry.subject == SubjectName.node(configuration.node, at: configuration.site)
            && (entry.device == nil || entry.device == configuration.device)
    }

    package func revocationReport(at now: WallTime) -> RevocationReport {
        let list = revocations?.list
        return RevocationReport(
            version: list?.version ?? 0, issuedAt: list?.issuedAt, expiresAt: list?.expiresAt,
            items: list?.entries ?? [], allowance: nil, asOf: now)
    }
}
