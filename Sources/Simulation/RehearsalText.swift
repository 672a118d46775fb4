import Authority
import Machines
package import Model

extension RehearsalReport {
    /// The report in words and tables, for a terminal or a pipe.
    package func text(of rehearsal: Rehearsal, version: String) -> [String] {
        var lines = [
            "\(count(rehearsal.sites.count, "site")), \(count(stories.count, "node")), "
                + "\(count(rehearsal.workloads.count, "workload"))"
                + (rehearsal.policies.isEmpty
                    ? "" : ", " + rehearsal.policies.map(\.metadata.name).joined(separator: ", "))
                + "; seed \(seed), "
                + "skerry \(version)",
            title, "",
        ]
        if plan.clauses.count > 1 {
            lines += ["What goes wrong"] + plan.clauses.map { "  " + $0 } + [""]
        }
        lines.append("What keeps running (containers)")
        lines += columns(
            [["SITE", "TIER", "BEFORE", "FEWEST", "AFTER", "AVAILABLE", "HELD-AT-MOST"]]
                + tiers.map {
                    [
                        $0.site.text, "\($0.tier.rawValue)", "\($0.before)", $0.fewestText,
                        "\($0.after)", thousandths($0.availability) + " %", "\($0.heldMost)",
                    ]
                })
        lines += ["", "What changes, from the begin of the story on"]
        lines +=
            turns.isEmpty
            ? ["  nothing"]
            : columns(
                turns.map {
                    ["+\(Interval(max(.zero, $0.at)).toTheSecond)", $0.site.text, $0.text]
                })
        for site in rehearsal.touchedSites {
            lines += ["", "Who decides at \(site.metadata.name), tiers 1 and 2"]
            lines += columns(authority(of: site, in: rehearsal))
        }
        lines += ["", "Limits"] + limits(of: rehearsal).map { "  " + $0 }
        lines += ["", "On return"] + endings.map { "  " + $0 }
        return lines
    }

    /// What the story is about, in one line.
    package var title: String {
        let words = plan.clauses.count == 1 ? plan.clauses[0] : "\(plan.clauses.count) faults"
        let name = plan.name.isEmpty ? "" : "\(plan.name): "
        return plan.clauses.isEmpty
            ? "\(name)nothing goes wrong for \(Interval(length))" : name + words
    }

    /// Domains by what happens to them: in contact, cut off, and beyond the window.
    package func authority(of site: Site, in rehearsal: Rehearsal) -> [[String]] {
        let table = rehearsal.regime(of: site).table
        func cell(_ domain: Domain, _ staleness: Staleness, _ reach: Reach) -> String {
            let words = [Tier.critical, .reduced].map { tier in
                let ruling = table[AuthorityTable.Cell(domain, staleness, tier, reach)]
                return "\(ruling.verdict.rawValue) \(ruling.by.rawValue)"
            }
            return words[0] == words[1] ? words[0] : words.joined(separator: " / ")
        }
        return [["DOMAIN", "IN CONTACT", "CUT OFF", "EXPIRED"]]
            + Domain.allCases.map {
                [
                    $0.rawValue, cell($0, .fresh, .hub), cell($0, .stale, .alone),
                    cell($0, .expired, .alone),
                ]
            }
    }

    /// Which limits were met, and what is left of the others.
    package func limits(of rehearsal: Rehearsal) -> [String] {
        var lines: [String] = []
        for site in rehearsal.touchedSites {
            let name = site.metadata.name
            let regime = rehearsal.regime(of: site)
            lines.append(
                "stalenessBound of \(name), \(regime.stalenessBound): "
                    + reached(.stale, at: SiteID(name)))
            lines.append(
                "autonomyWindow of \(name), \(regime.autonomyWindow): "
                    + reached(.expired, at: SiteID(name)))
            let life = regime.autonomyWindow.duration + Hub.authorityMargin
            lines.append(
                "certificates of \(name): each node makes its own for 15m, with an authority of "
                    + "\(Interval(life)): "
                    + (authorityEnd(life, at: SiteID(name)) ?? "not reached"))
        }
        lines.append(
            "log of a node, 10000 entries: at most \(spoolMost) waited for the hub, "
                + "\(spoolDropped) given up")
        return lines
    }

    /// When the first node of a site was out of contact for as long as its authority lives. The hub had
    /// renewed that half a day before the cut at most.
    private func authorityEnd(_ life: Duration, at site: SiteID) -> String? {
        let ends = stories.filter { $0.site == site }.compactMap { story -> Duration? in
            var since: Duration?
            for change in story.changes {
                if let since, change.at - since >= life { return since + life }
                since = change.sample.reach == .hub ? nil : since ?? change.at
            }
            guard let since, Rehearsal.begin + length - since >= life else { return nil }
            return since + life
        }
        guard let first = ends.min() else { return nil }
        return
            "reached at +\(Interval(max(.zero, first - Rehearsal.begin)).toTheSecond), or up to 12h "
            + "before that; workloads go on"
    }

    private func reached(_ staleness: Staleness, at site: SiteID) -> String {
        let first = stories.filter { $0.site == site }.flatMap(\.changes)
            .filter { change in
                guard let seen = change.sample.staleness else { return false }
                return seen == staleness || (staleness == .stale && seen == .expired)
            }
            .map(\.at).min()
        guard let first else { return "not reached" }
        return "reached at +\(Interval(max(.zero, first - Rehearsal.begin)).toTheSecond)"
    }

    /// How it ended.
    package var endings: [String] {
        var lines: [String] = []
        if let convergence {
            lines.append(
                "hub, nodes and engines agree \(Interval(max(.zero, convergence)).toTheSecond) after the "
                    + "last fault")
        }
        lines.append(
            "restarts: \(restarts)"
                + (!plan.stopsMachines
                    ? "" : " (a node that reboots starts what it ran; each counts)"))
        lines += changes.isEmpty ? ["conflicts: 0; nobody changed anything at a node"] : []
        lines += changes.map(\.rehearsed) + refusals.map { "refused: \($0)" }
        lines += disappointments.map { "not as expected: \($0)" }
        if disappointments.isEmpty, plan.expectations != FaultPlan.Expectations() {
            lines.append("all is as expected")
        }
        lines.append(
            violation.map { "an invariant broke, which is a bug of Skerry: \($0)" }
                ?? "every invariant held in each of \(events) events")
        return lines
    }
}

extension RehearsalReport.TierLine {
    fileprivate var fewestText: String {
        guard let fewestAt else { return "\(fewest)" }
        return "\(fewest) at +\(Interval(max(.zero, fewestAt)).toTheSecond)"
    }
}

private func count(_ number: Int, _ what: String) -> String {
    "\(number) \(what)\(number == 1 ? "" : "s")"
}

/// Rows whose cells stand below each other.
private func columns(_ rows: [[String]]) -> [String] {
    let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
        rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
        var line = "  "
        for (index, cell) in row.enumerated() {
            line += cell
            guard index < row.count - 1 else { break }
            line += String(repeating: " ", count: widths[index] - cell.count + 3)
        }
        return line
    }
}

extension LocalChangeReport {
    fileprivate var rehearsed: String {
        let what =
            "\(change.workload) was \(change.effect.rawValue) at \(node): \(fields.joined(separator: ", "))"
        guard isHandedOver else { return what + "; the hub never heard of it" }
        return what
            + (conflicts.isEmpty
                ? "; merged there without a conflict"
                : "; the hub changed \(conflicts.joined(separator: ", ")) too, a conflict: the "
                    + "\(standing.rawValue)'s word stands there")
            + ", until somebody settles it with skerry resolve"
    }
}
