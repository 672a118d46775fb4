import Authority
package import Model

/// What came of a rehearsal.
package struct RehearsalReport: Sendable {
    /// How one tier of a site fared, in containers.
    package struct TierLine: Equatable, Sendable {
        package var site: SiteID
        package var tier: Tier
        package var before: Int
        package var fewest: Int
        /// Virtual time since the outage began at which there were fewest for the first time; nil where
        /// it never had fewer than before.
        package var fewestAt: Duration?
        package var after: Int
        /// Which part of the time, of a hundred, as many ran as before.
        package var availability: Double
        /// The most that were held at once because nobody who may decide was in reach.
        package var heldMost: Int
    }

    /// Something about a site that changed, since the outage began.
    package struct Turn: Equatable, Sendable {
        package var at: Duration
        package var site: SiteID
        package var text: String
    }

    package var tiers: [TierLine]
    package var turns: [Turn]
    package var stories: [NodeStory]
    package var plan: FaultPlan
    package var length: Duration
    package var seed: UInt64
    /// From the end of the outage until hub, nodes and engines agreed; nil where they did not.
    package var convergence: Duration?
    /// An invariant that broke: a bug of Skerry, not of what was rehearsed.
    package var violation: String?
    /// What people changed at nodes, as it stood in the end, and what they were refused there.
    package var changes: [LocalChangeReport]
    package var refusals: [String]
    /// Everything that happened, and the fingerprint of it: equal for equal runs.
    package var events: Int
    package var hash: UInt64

    init(rehearsal: Rehearsal, log: RehearsalLog, report: Report) {
        stories = log.stories.rows
        plan = rehearsal.plan
        length = rehearsal.length
        seed = rehearsal.seed
        convergence = report.convergence
        violation = report.failure.map { "\($0.invariant.rawValue) at \($0.time): \($0.message)" }
        changes = log.changes
        refusals = log.refusals
        events = report.counts.events
        hash = report.hash
        var tiers: [TierLine] = []
        var turns: [Turn] = []
        for site in rehearsal.sites {
            let id = SiteID(site.metadata.name)
            let members = stories.filter { $0.site == id }
            tiers += Tier.allCases.compactMap {
                TierLine(of: $0, at: id, members, until: Rehearsal.begin + rehearsal.length)
            }
            turns += RehearsalReport.turns(
                at: id, under: rehearsal.regime(of: site), members)
        }
        self.tiers = tiers
        self.turns = turns.sorted { ($0.at, $0.site) < ($1.at, $1.site) }
    }

    /// The restarts that nobody asked for: none of the nodes that did not reboot may have any.
    package var restarts: Int { stories.reduce(0) { $0 + $1.restarts } }

    /// What was expected and did not come true.
    package var disappointments: [String] {
        var lines = plan.expectations.availability.sorted { $0.key < $1.key }.flatMap {
            tier, least in
            tiers.filter { $0.tier == tier && $0.availability < least }.map {
                "tier \(tier.rawValue) of \($0.site) ran for \(thousandths($0.availability)) % of the "
                    + "time, and \(thousandths(least)) % were expected"
            }
        }
        if let most = plan.expectations.restarts, restarts > most {
            lines.append("\(restarts) restarts, and at most \(most) were expected")
        }
        return lines
    }

    package var spoolMost: Int { stories.map(\.spoolMost).max() ?? 0 }
    package var spoolDropped: Int { stories.reduce(0) { $0 + $1.spoolDropped } }

    // MARK: - Turns

    /// What a site's nodes went through, each turn once, by the first node that took it.
    private static func turns(
        at id: SiteID, under regime: Regime, _ members: [NodeStory]
    ) -> [Turn] {
        var turns: [Turn] = []
        for story in members {
            var previous: NodeStory.Sample?
            for change in story.changes {
                defer { previous = change.sample }
                guard change.at >= Rehearsal.begin, let before = previous else { continue }
                for text in sentences(from: before, to: change.sample, under: regime)
                where !turns.contains(where: { $0.text == text }) {
                    turns.append(Turn(at: change.at - Rehearsal.begin, site: id, text: text))
                }
            }
        }
        return turns
    }

    private static func sentences(
        from before: NodeStory.Sample, to after: NodeStory.Sample, under regime: Regime
    ) -> [String] {
        var sentences: [String] = []
        if before.reach != after.reach {
            switch after.reach {
            case nil: sentences.append("its nodes are down")
            case .hub: sentences.append("in contact")
            case .mesh, .alone:
                sentences.append(
                    before.reach == nil
                        ? "its nodes are up again, out of contact" : "out of contact")
            }
        }
        if before.staleness != after.staleness, after.reach != .hub {
            switch after.staleness {
            case .stale where before.staleness == .fresh:
                sentences.append(
                    "the policy is stale (stalenessBound \(regime.stalenessBound)): still in force"
                )
            case .expired where before.staleness != nil:
                sentences.append(
                    "the policy has expired (autonomyWindow \(regime.autonomyWindow)): "
                        + "what runs goes on")
            default: break
            }
        }
        let held = after.held.filter { $0.value > before.held[$0.key] ?? 0 }.keys.sorted()
        for tier in held {
            sentences.append("tier \(tier.rawValue) is held: nobody who may start it is in reach")
        }
        return sentences
    }
}

extension RehearsalReport.TierLine {
    fileprivate init?(
        of tier: Tier, at site: SiteID, _ members: [NodeStory], until end: Duration
    ) {
        let times = Set(members.flatMap { $0.changes.map(\.at) }).sorted()
        let counts = times.map { time in
            (time, members.reduce(0) { $0 + ($1.sample(at: time)?.running[tier] ?? 0) })
        }
        let before = counts.last { $0.0 < Rehearsal.begin }?.1 ?? 0
        let during = counts.filter { $0.0 >= Rehearsal.begin }
        let fewest = during.min { $0.1 < $1.1 }
        let heldMost =
            times.map { time in
                members.reduce(0) { $0 + ($1.sample(at: time)?.held[tier] ?? 0) }
            }.max() ?? 0
        guard before > 0 || heldMost > 0 || during.contains(where: { $0.1 > 0 }) else { return nil }
        var missing = 0.0
        for (index, (time, count)) in counts.enumerated() where time < end {
            let next = min(end, index + 1 < counts.count ? counts[index + 1].0 : end)
            let span = next - max(time, Rehearsal.begin)
            guard span > .zero, before > 0 else { continue }
            missing += (span / (end - Rehearsal.begin)) * Double(max(0, before - count))
        }
        let isFewer = (fewest?.1 ?? before) < before
        self.init(
            site: site, tier: tier, before: before, fewest: isFewer ? fewest?.1 ?? before : before,
            fewestAt: isFewer ? fewest.map { $0.0 - Rehearsal.begin } : nil,
            after: counts.last?.1 ?? 0,
            availability: before > 0 ? 100 * (1 - missing / Double(before)) : 100,
            heldMost: heldMost)
    }
}

extension NodeStory {
    /// How it stood then; nil before it was first seen.
    package func sample(at time: Duration) -> Sample? { changes.last { $0.at <= time }?.sample }
}

/// With three digits behind the point, cut and not rounded: 99.9996 is not all of the time.
func thousandths(_ value: Double) -> String {
    let whole = Int((value * 1_000 + 1e-6).rounded(.down))
    let rest = String(whole % 1_000)
    return "\(whole / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest
}
