/// What kind of decision something is: who may take it depends on nothing finer.
package enum Domain: String, Codable, CaseIterable, Sendable, Comparable {
    /// Security and compliance.
    case security
    /// Which version of a workload runs.
    case update
    /// Where a workload runs, and whether it moves.
    case placement
    /// How many copies run and how load is shared.
    case scaling
    /// What is done about a failure, and what is shed under pressure.
    case recovery
    /// Caches, traces and thresholds.
    case adaptation

    /// Its place in the table, top to bottom.
    package var rank: Int {
        switch self {
        case .security: 0
        case .update: 1
        case .placement: 2
        case .scaling: 3
        case .recovery: 4
        case .adaptation: 5
        }
    }

    package static func < (left: Domain, right: Domain) -> Bool {
        left.rank < right.rank
    }
}

/// Who may take a decision.
package enum Authority: String, Codable, CaseIterable, Sendable {
    /// The hub, by what it signed.
    case central
    /// The nodes of a mesh, together.
    case mesh
    /// The node alone.
    case local
    /// The node alone, and by what it learned where its learner is trusted.
    case learned
}

/// How long ago the policy was proved current.
package enum Staleness: String, Codable, CaseIterable, Sendable {
    /// Within the site's staleness bound.
    case fresh
    /// Within the site's autonomy window.
    case stale
    /// Beyond it.
    case expired
}

/// Whom a node can ask.
package enum Reach: String, Codable, CaseIterable, Sendable {
    case hub
    /// Neighbours, and no hub.
    case mesh
    case alone
}

/// What may be decided.
package enum Verdict: String, Codable, CaseIterable, Sendable {
    /// Anything in the domain.
    case permit
    /// Only what standing intent says already.
    case restrict
    /// Nothing begins; what runs goes on.
    case hold
}

/// One cell of an authority table: what may be decided, and by whom.
package struct Ruling: Hashable, Codable, Sendable {
    package var verdict: Verdict
    package var by: Authority

    package init(_ verdict: Verdict, by authority: Authority) {
        self.verdict = verdict
        by = authority
    }
}

/// The three orchestration patterns: each is a preset of the authority table.
package enum Pattern: String, Codable, CaseIterable, Sendable {
    case hybrid
    case mesh
    case edgeFirst = "edge-first"
}

/// What the silence of a site's nodes means to the people who run it.
package enum Disconnection: String, Codable, CaseIterable, Sendable {
    /// Noted, and a cause for concern once the autonomy window is over.
    case normal
    /// Nothing to note: the site is on a ship, or switched off at night.
    case expected
    /// A fault at once.
    case error
}

/// One row of `authority:` in a Site: replaces the ruling of every cell that it names.
///
/// What is left out stands for all of its values. Without `by` the cell keeps who decides.
package struct AuthorityOverride: Hashable, Codable, Sendable {
    package var domain: Domain
    package var staleness: Staleness?
    package var tier: Tier?
    package var reach: Reach?
    package var verdict: Verdict
    package var by: Authority?

    package init(
        domain: Domain, staleness: Staleness? = nil, tier: Tier? = nil, reach: Reach? = nil,
        verdict: Verdict, by authority: Authority? = nil
    ) {
        self.domain = domain
        self.staleness = staleness
        self.tier = tier
        self.reach = reach
        self.verdict = verdict
        by = authority
    }
}
