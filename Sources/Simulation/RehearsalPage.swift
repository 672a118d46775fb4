import Model

extension RehearsalReport {
    /// The report as one HTML page that needs nothing from elsewhere, with a timeline of each node.
    package func page(of rehearsal: Rehearsal, version: String) -> String {
        let touched = rehearsal.touchedSites
        var body = "<h1>\(escaped(title))</h1>\n"
        body += "<p class=\"from\">\(rehearsal.sites.count) sites, \(stories.count) nodes, "
        body += "\(rehearsal.workloads.count) workloads; seed \(seed), skerry \(escaped(version)). "
        body +=
            "A simulation of the hub and nodes of production; engines and links are made up.</p>\n"
        if plan.clauses.count > 1 { body += "<h2>What goes wrong</h2>\n" + list(plan.clauses) }
        body += "<h2>What keeps running</h2>\n" + tierTable
        body += "<h2>Timeline</h2>\n" + legend
        for story in stories where touched.contains(where: { $0.metadata.name == story.site.text })
        {
            body += timeline(of: story)
        }
        body += "<h2>What changes</h2>\n"
        body += table(
            ["When", "Site", "What"],
            turns.map { ["+\(Interval(max(.zero, $0.at)).toTheSecond)", $0.site.text, $0.text] })
        for site in touched {
            let rows = authority(of: site, in: rehearsal)
            guard let head = rows.first else { continue }
            body += "<h2>Who decides at \(escaped(site.metadata.name)), tiers 1 and 2</h2>\n"
            body += table(head, Array(rows.dropFirst()))
        }
        body += "<h2>Limits</h2>\n" + list(limits(of: rehearsal))
        body += "<h2>On return</h2>\n" + list(endings)
        return RehearsalReport.frame(title: title, body)
    }

    private var tierTable: String {
        table(
            ["Site", "Tier", "Before", "Fewest", "After", "Available", "Held at most"],
            tiers.map { line in
                let at = line.fewestAt.map { " at +\(Interval(max(.zero, $0)).toTheSecond)" } ?? ""
                return [
                    line.site.text, "\(line.tier.rawValue)", "\(line.before)",
                    "\(line.fewest)\(at)", "\(line.after)", thousandths(line.availability) + " %",
                    "\(line.heldMost)",
                ]
            })
    }

    // MARK: - Timelines

    private var legend: String {
        let words = [
            ("contact", "in contact"), ("fresh", "cut off, policy fresh"),
            ("stale", "cut off, policy stale"), ("expired", "cut off, policy expired"),
            ("down", "down"), ("all", "all run"), ("some", "some run"), ("none", "none runs"),
        ]
        let spans = words.map { "<span class=\"key \($0.0)\"></span>\($0.1)" }
        return "<p class=\"legend\">\(spans.joined(separator: " "))</p>\n"
    }

    /// One row for the policy and one for each tier, from the begin of the outage to the end.
    private func timeline(of story: NodeStory) -> String {
        let end = max(story.changes.last?.at ?? .zero, Rehearsal.begin + length * 1.02)
        // Enough of the time before to see what changes, and none of the fleet's own start.
        let begin = Rehearsal.begin + max(length * -0.02, .seconds(-300))
        let axis = TimeAxis(begin: begin, end: end)
        let tiers = Tier.allCases.filter { tier in
            story.changes.contains {
                ($0.sample.running[tier] ?? 0) + ($0.sample.held[tier] ?? 0) > 0
            }
        }
        var rows = row(0, "policy", story, axis) { sample in
            switch (sample.reach, sample.staleness) {
            case (nil, _): ("down", "down")
            case (.hub, _): ("contact", "in contact")
            case (_, .expired): ("expired", "policy expired")
            case (_, .stale): ("stale", "policy stale")
            case (_, .fresh), (_, nil): ("fresh", "policy fresh")
            }
        }
        for (index, tier) in tiers.enumerated() {
            let most = story.changes.map { $0.sample.running[tier] ?? 0 }.max() ?? 0
            rows += row(index + 1, "tier \(tier.rawValue)", story, axis) { sample in
                let running = sample.running[tier] ?? 0
                let held = sample.held[tier] ?? 0
                let name = running == most ? "all" : running > 0 ? "some" : "none"
                return (name, "\(running) of \(most) run" + (held > 0 ? ", \(held) held" : ""))
            }
        }
        let height = (tiers.count + 1) * 22 + 18
        return "<figure><figcaption>\(escaped(story.node.text))</figcaption>\n"
            + "<svg viewBox=\"0 0 900 \(height)\" role=\"img\" "
            + "aria-label=\"timeline of \(escaped(story.node.text))\">\n" + rows
            + marks(axis, at: height - 4) + "</svg></figure>\n"
    }

    private func row(
        _ index: Int, _ label: String, _ story: NodeStory, _ axis: TimeAxis,
        _ look: (NodeStory.Sample) -> (name: String, words: String)
    ) -> String {
        var text = "<text x=\"0\" y=\"\(index * 22 + 15)\">\(label)</text>\n"
        // Neighbouring stretches that look alike are one.
        var stretches: [(from: Duration, name: String, words: String)] = []
        for change in story.changes {
            let (name, words) = look(change.sample)
            if stretches.last?.name == name, stretches.last?.words == words { continue }
            stretches.append((change.at, name, words))
        }
        for (position, stretch) in stretches.enumerated() {
            let until = position + 1 < stretches.count ? stretches[position + 1].from : axis.end
            let left = axis.x(stretch.from)
            let width = max(axis.x(until) - left, 1)
            guard until > axis.begin else { continue }
            text += "<rect class=\"\(stretch.name)\" x=\"\(left)\" y=\"\(index * 22 + 2)\" "
            text += "width=\"\(width)\" height=\"18\"><title>\(escaped(stretch.words))"
            text += ", from +\(Interval(max(.zero, stretch.from - Rehearsal.begin)).toTheSecond)"
            text += "</title></rect>\n"
        }
        return text
    }

    private func marks(_ axis: TimeAxis, at y: Int) -> String {
        [0, 1, 2, 3, 4].map { quarter in
            let time = length * quarter / 4
            let x = axis.x(Rehearsal.begin + time)
            return
                "<text class=\"mark\" x=\"\(x)\" y=\"\(y)\">+\(Interval(time).toTheSecond)</text>\n"
        }.joined()
    }

    // MARK: - Forms

    private func table(_ head: [String], _ rows: [[String]]) -> String {
        let titles = head.map { "<th>\(escaped($0))</th>" }.joined()
        let cells = rows.map { row in
            "<tr>" + row.map { "<td>\(escaped($0))</td>" }.joined() + "</tr>\n"
        }
        return
            "<table><thead><tr>\(titles)</tr></thead><tbody>\n\(cells.joined())</tbody></table>\n"
    }

    private func list(_ items: [String]) -> String {
        "<ul>" + items.map { "<li>\(escaped($0))</li>" }.joined() + "</ul>\n"
    }

    private static func frame(title: String, _ body: String) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escaped(title))</title>
        <style>
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto;
          padding: 0 1rem; color: #1c2430; background: #fbfbf9; }
        h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
        .from { color: #566; }
        table { border-collapse: collapse; width: 100%; }
        th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd; }
        figure { margin: 1rem 0; } figcaption { font-weight: 600; }
        svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: #1c2430; }
        svg text.mark { font-size: 11px; fill: #566; }
        .key { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; }
        .contact, .all { fill: #4c9a6a; background: #4c9a6a; }
        .fresh { fill: #8fc1dd; background: #8fc1dd; }
        .stale, .some { fill: #e3b04b; background: #e3b04b; }
        .expired, .none { fill: #c25b4e; background: #c25b4e; }
        .down { fill: #9aa3ad; background: #9aa3ad; }
        </style></head><body>
        \(body)</body></html>
        """
    }
}

/// Where a moment stands in a picture 900 wide, behind labels of 60.
private struct TimeAxis {
    let begin: Duration
    let end: Duration

    func x(_ time: Duration) -> Int {
        let span = max((end - begin).nanoseconds, 1)
        let offset = min(max((time - begin).nanoseconds, 0), span)
        return 60 + Int(840 * Double(offset) / Double(span))
    }
}

private func escaped(_ text: String) -> String {
    var safe = ""
    for character in text {
        switch character {
        case "<": safe += "&lt;"
        case ">": safe += "&gt;"
        case "&": safe += "&amp;"
        case "\"": safe += "&quot;"
        default: safe.append(character)
        }
    }
    return safe
}
