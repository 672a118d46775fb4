import Authority
package import Model

/// Every decision of a node is judged again by the policy that it names: what a node did while nobody
/// looked is compared with what it was allowed to do.
extension Hub {
    /// What is known of what ruled where a decision was taken.
    enum KnownRegime: Equatable, Sendable {
        case known(Regime)
        /// It was there, or may have been, and is not kept: nothing can be said about it.
        case forgotten
        case neverMade
    }

    /// Names one version of a site, with the signed policies on top of it.
    struct JudgeKey: Hashable, Comparable, Sendable {
        var site: SiteID
        var version: UInt64
        var policies: [PolicyReference]

        static func < (left: JudgeKey, right: JudgeKey) -> Bool {
            (left.site, left.version) == (right.site, right.version)
                ? left.policies.lexicographicallyPrecedes(right.policies)
                : (left.site, left.version) < (right.site, right.version)
        }
    }

    /// What ruled by version `version` of a site with `references` on top: the one place where what a
    /// decision names becomes a table.
    mutating func regime(
        of site: SiteID, version: UInt64, _ references: [PolicyReference]
    ) -> KnownRegime {
        let key = JudgeKey(site: site, version: version, policies: references)
        if let known = judges[key] { return .known(known) }
        let spec: SiteSpec
        if version == 0 {
            // Before the first contact a node goes by the preset.
            spec = SiteSpec()
        } else if let known = histories[site]?.versions.first(where: { $0.version == version }) {
            spec = known.spec
        } else {
            return isForgotten(version, of: site) ? .forgotten : .neverMade
        }
        let decrees = decrees(references)
        // The versions of a policy are kept for a while only.
        guard decrees.count == references.count else { return .forgotten }
        let built = Regime.build(spec, generation: version, under: decrees)
        guard case .success(let regime) = built else { return .forgotten }
        if judges.count >= limits.objects { judges = Table() }
        judges.insert(regime, for: key)
        return .known(regime)
    }

    private func isForgotten(_ version: UInt64, of site: SiteID) -> Bool {
        guard let history = histories[site] else { return false }
        return version <= history.forgottenThrough || history.lost.contains { $0.contains(version) }
    }

    // MARK: - Versions

    /// Keeps what the site says as the version that it has, for as long as its nodes may name it.
    mutating func keepVersion(of site: Site, since: WallTime) {
        let id = SiteID(site.metadata.name)
        var history = histories[id] ?? PolicyHistory()
        let version = site.metadata.generation
        guard !history.versions.contains(where: { $0.version == version }) else { return }
        history.versions.append(
            PolicyHistory.Version(version: version, spec: site.spec, since: since))
        while history.versions.count > limits.siteVersions {
            let oldest = history.versions.removeFirst()
            history.forgottenThrough = oldest.version
        }
        histories.insert(history, for: id)
        journal.writes.append(.siteHistory(id, history))
    }

    mutating func restoreVersions(_ snapshot: HubSnapshot) {
        for (site, history) in snapshot.siteHistories { histories.insert(history, for: site) }
        for account in snapshot.compliance { compliance.insert(account, for: account.site) }
    }

    mutating func forgetVersions(of site: SiteID) {
        histories.remove(site)
        compliance.remove(site)
        for key in judges.keys where key.site == site { judges.remove(key) }
    }

    /// A restored hub does not know which versions it once made above those that it knows. It leaps over
    /// them, so that no number means two things.
    mutating func leapOverLostVersions(at now: WallTime) {
        generationFloor += Hub.leap
        journal.writes.append(.generationFloor(generationFloor))
        for (id, site) in sites {
            var site = site
            let last = site.metadata.generation
            site.metadata.generation = last + Hub.leap
            sites.insert(site, for: id)
            forgetRegimes(of: id)
            journal.writes.append(.site(site))
            var history = histories[id] ?? PolicyHistory()
            history.lost = (history.lost + [(last + 1)...(last + Hub.leap - 1)]).suffix(Hub.leaps)
            histories.insert(history, for: id)
            keepVersion(of: site, since: now)
        }
    }

    /// More changes of one site than a backup misses.
    private static let leap: UInt64 = 1_000
    private static let leaps = 16

    // MARK: - Judging

    /// Judges the decisions of one batch of a node's log.
    mutating func judge(_ decisions: [Decision], of node: NodeID, at now: Moment) {
        guard !decisions.isEmpty, let site = nodes[node]?.node.spec.site else { return }
        var account = compliance[site] ?? SiteCompliance(site: site)
        let before = account.breached
        for decision in decisions { judge(decision, at: site, into: &account, now: now.wall) }
        guard account != compliance[site] else { return }
        compliance.insert(account, for: site)
        journal.writes.append(.compliance(account))
        guard account.breached > before, let breach = account.breaches.last else { return }
        tell(
            .warning, "PolicyBreach", .node, node.text,
            "\(account.breached - before) of its decisions were against the policy they name; the "
                + "last, \(breach.decision.id): \(breach.faults.joined(separator: "; ")). See: skerry "
                + "get compliance --site \(site)", at: now)
    }

    private mutating func judge(
        _ decision: Decision, at site: SiteID, into account: inout SiteCompliance, now: WallTime
    ) {
        var faults: [String]
        switch regime(of: site, version: decision.policyVersion, decision.policies) {
        case .forgotten: return
        case .neverMade:
            faults = [
                "it names policy version \(decision.policyVersion), which this hub never made for "
                    + "the site"
            ]
        case .known(let regime):
            faults = decision.faults(by: regime)
            if isSuperseded(decision, at: site) { account.superseded += 1 }
        }
        account.judged += 1
        account.since = account.since ?? now
        if decision.reach != .hub { account.offline += 1 }
        guard !faults.isEmpty else { return }
        account.breached += 1
        account.breaches =
            (account.breaches + [SiteCompliance.Breach(decision: decision, faults: faults)])
            .suffix(SiteCompliance.breachesMax)
    }

    /// It passed by a version, and a newer one was in force by then by which it would not have.
    private mutating func isSuperseded(_ decision: Decision, at site: SiteID) -> Bool {
        guard decision.passed, let history = histories[site] else { return false }
        for newer in history.versions
        where newer.version > decision.policyVersion && newer.since <= decision.at {
            guard
                case .known(let regime) = regime(
                    of: site, version: newer.version, decision.policies)
            else { continue }
            if !Gate.permits(
                regime.ruling(on: decision), decision.basis, seat: .node(NodeID("")))
            {
                return true
            }
        }
        return false
    }

    /// What came of it, of one site or of all; nil where there is no such site.
    package func compliance(of site: SiteID?) -> [SiteCompliance]? {
        if let site, sites[site] == nil { return nil }
        return sites.keys.filter { site == nil || site == $0 }.map {
            compliance[$0] ?? SiteCompliance(site: $0)
        }
    }
}

extension Regime {
    fileprivate func ruling(on decision: Decision) -> Ruling {
        table[
            AuthorityTable.Cell(
                decision.domain, decision.staleness, decision.tier, decision.reach)]
    }
}

extension Decision {
    /// What is wrong with a node's decision by the policy that it names.
    fileprivate func faults(by regime: Regime) -> [String] {
        var faults: [String] = []
        let age = policyAge.duration
        // An age is told in whole milliseconds.
        let classes = [
            regime.staleness(ofAge: age), regime.staleness(ofAge: age + .milliseconds(1)),
        ]
        if !classes.contains(staleness) {
            faults.append(
                "a policy proved current \(policyAge.toTheSecond) before is \(classes[0].rawValue) "
                    + "there, not \(staleness.rawValue)")
        }
        let expected = regime.ruling(on: self)
        if ruling != expected {
            faults.append(
                "the table says \(expected.verdict.rawValue) by \(expected.by.rawValue), not "
                    + "\(ruling.verdict.rawValue) by \(ruling.by.rawValue)")
        }
        let permitted = Gate.permits(expected, basis, seat: .node(NodeID(id.origin)))
        if passed != permitted {
            faults.append(
                passed
                    ? "it passed, and the table does not let it"
                    : "it was refused, and the table lets it pass")
        }
        return faults
    }
}
