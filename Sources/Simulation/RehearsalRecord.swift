import Model

/// The report for other programs. Times are since the begin of the outage.
package struct RehearsalRecord: Encodable, Sendable {
    struct TierRecord: Encodable {
        var site: SiteID
        var tier: Tier
        var before: Int
        var fewest: Int
        var fewestAt: Interval?
        var after: Int
        /// Which part of the time, of a hundred, as many ran as before.
        var availability: Double
        var heldAtMost: Int
    }

    struct TurnRecord: Encodable {
        var at: Interval
        var site: SiteID
        var text: String
    }

    var version: String
    var seed: UInt64
    var scenario: String
    var faults: [String]
    var tiers: [TierRecord]
    var turns: [TurnRecord]
    var limits: [String]
    var agreedAfter: Interval?
    var restarts: Int
    var violation: String?
    /// What people changed at nodes, as it stood in the end, and what they were refused there.
    var changes: [LocalChangeReport]
    var refusals: [String]
    /// What was expected and did not come true.
    var disappointments: [String]
    var events: Int
    var hash: String
}

extension RehearsalReport {
    package func record(of rehearsal: Rehearsal, version: String) -> RehearsalRecord {
        RehearsalRecord(
            version: version, seed: seed, scenario: plan.name,
            faults: plan.clauses,
            tiers: tiers.map {
                RehearsalRecord.TierRecord(
                    site: $0.site, tier: $0.tier, before: $0.before, fewest: $0.fewest,
                    fewestAt: $0.fewestAt.map { Interval(max(.zero, $0)) }, after: $0.after,
                    availability: $0.availability, heldAtMost: $0.heldMost)
            },
            turns: turns.map {
                RehearsalRecord.TurnRecord(
                    at: Interval(max(.zero, $0.at)), site: $0.site, text: $0.text)
            },
            limits: limits(of: rehearsal),
            agreedAfter: convergence.map { Interval(max(.zero, $0)) },
            restarts: restarts, violation: violation, changes: changes,
            refusals: refusals, disappointments: disappointments, events: events,
            hash: String(hash, radix: 16))
    }
}
