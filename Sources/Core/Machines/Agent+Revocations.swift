package import Model
import Trust

/// Identities that are no longer good, as this node keeps and obeys that.
extension Agent {
    /// What one message may hold; a hub has fewer.
    private static let revocationsMax = 16_384

    /// Never back to an earlier list, and never more at once than a hub may revoke alone.
    mutating func take(_ list: RevocationList, at now: Moment, into effects: inout [Effect]) {
        guard link.isUp, list.entries.count <= Agent.revocationsMax,
            list.warrants.count <= Agent.revocationsMax
        else { return }
        if let kept = revocations?.list, list.version < kept.version {
            return tellRefused(
                "it sent version \(list.version), and version \(kept.version) holds here", at: now)
        }
        guard list.follows(revocations?.list) else { return }
        let next =
            revocations?.followed(by: list, window: configuration.brake.window)
            ?? KeptRevocations(first: list)
        let excess = configuration.brake.excess(
            in: list, after: revocations?.list, fleet: next.fleet, keys: configuration.policyKeys)
        if let excess {
            return tellRefused(
                "it revokes \(excess.count) identities inside \(Interval(configuration.brake.window))"
                    + " where \(excess.allowance) are allowed without a second key", at: now)
        }
        effects.append(.keepRevocations(next))
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
