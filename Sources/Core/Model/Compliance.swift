/// What came of judging every decision of nodes again, by the policy that it names.
package struct ComplianceReport: Hashable, Codable, Sendable {
    package var items: [SiteCompliance]
    package var asOf: WallTime

    package init(items: [SiteCompliance], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

/// How the decisions of one site's nodes compare with its policy.
package struct SiteCompliance: Hashable, Codable, Sendable {
    package var site: SiteID
    /// Decisions judged, and of these: against the policy they name; taken without the hub in reach;
    /// passed by a policy of which a newer version, in force by then, would not have let them pass.
    package var judged: UInt64
    package var breached: UInt64
    package var offline: UInt64
    package var superseded: UInt64
    /// When the first of them was judged, by the hub's clock.
    package var since: WallTime?
    /// The newest breaches, oldest first; at most `breachesMax`.
    package var breaches: [Breach]

    package static let breachesMax = 64

    package init(
        site: SiteID, judged: UInt64 = 0, breached: UInt64 = 0, offline: UInt64 = 0,
        superseded: UInt64 = 0, since: WallTime? = nil, breaches: [Breach] = []
    ) {
        self.site = site
        self.judged = judged
        self.breached = breached
        self.offline = offline
        self.superseded = superseded
        self.since = since
        self.breaches = breaches
    }

    /// From 0 to 1; nothing judged is nothing breached.
    package var compliantShare: Double { share(of: judged - min(judged, breached), without: 1) }
    package var offlineShare: Double { share(of: offline, without: 0) }

    private func share(of count: UInt64, without none: Double) -> Double {
        judged == 0 ? none : Double(count) / Double(judged)
    }

    package struct Breach: Hashable, Codable, Sendable {
        package var decision: Decision
        /// What was wrong, each in a sentence.
        package var faults: [String]

        package init(decision: Decision, faults: [String]) {
            self.decision = decision
            self.faults = faults
        }
    }
}

/// The specs that a site had, each under the generation that its nodes name as policy version.
package struct PolicyHistory: Hashable, Codable, Sendable {
    package struct Version: Hashable, Codable, Sendable {
        package var version: UInt64
        package var spec: SiteSpec
        /// When it came into force at the hub.
        package var since: WallTime

        package init(version: UInt64, spec: SiteSpec, since: WallTime) {
            self.version = version
            self.spec = spec
            self.since = since
        }
    }

    /// Rising by version.
    package var versions: [Version]
    /// The highest version that was let go for want of room: about it and those below nothing is known.
    package var forgottenThrough: UInt64
    /// Versions that a hub may have made whose store is gone.
    package var lost: [ClosedRange<UInt64>]

    package init(
        versions: [Version] = [], forgottenThrough: UInt64 = 0, lost: [ClosedRange<UInt64>] = []
    ) {
        self.versions = versions
        self.forgottenThrough = forgottenThrough
        self.lost = lost
    }
}
