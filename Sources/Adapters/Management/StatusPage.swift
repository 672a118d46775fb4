import Model

/// The page at `/`: what there is and how old each fact is, in one request, without a script.
struct StatusPage {
    let info: ServerInfo
    let sites: ObjectList
    let nodes: ObjectList
    let workloads: ObjectList

    static let contentSecurityPolicy =
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
        + " frame-ancestors 'none'"

    var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="refresh" content="5">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escaped(info.name)) - Skerry</title>
        <link rel="stylesheet" href="/style.css">
        </head>
        <body>
        <main>
        <h1>\(escaped(info.name))</h1>
        <p>\(sentence)</p>
        \(siteTable)
        \(nodeTable)
        \(workloadTable)
        </main>
        </body>
        </html>

        """
    }

    private var sentence: String {
        let states = nodes.items.compactMap { node -> NodeState? in
            guard case .node(let node) = node else { return nil }
            return node.status?.state
        }
        let ready = states.filter { $0 == .ready }.count
        var text = "\(ready) of \(nodes.items.count) nodes in contact."
        if info.role == .node, let inContact = info.hubInContact {
            let since = info.since.map { ", \(age(of: $0, at: nodes.asOf))" } ?? ""
            text = inContact ? "The hub is in contact." : "The hub is not heard from\(since)."
        }
        return escaped("\(text) Skerry \(info.version), as of \(nodes.asOf).")
    }

    private var siteTable: String {
        table("Sites", ["Site", "Nodes in contact", "Autonomy window", "As of"], sites) { object in
            guard case .site(let site) = object else { return nil }
            let status = site.status
            return [
                site.metadata.name,
                status.map { "\($0.nodesInContact) of \($0.nodes)" } ?? "unknown",
                "\(site.spec.autonomyWindow)", age(of: status?.observedAt, at: sites.asOf),
            ]
        }
    }

    private var nodeTable: String {
        let columns = ["Node", "Site", "State", "Last heard from", "Engine", "Documents"]
        return table("Nodes", columns, nodes) { object in
            guard case .node(let node) = object else { return nil }
            let status = node.status
            let state = status?.state.rawValue ?? "unknown"
            return [
                node.metadata.name, node.spec.site.text,
                node.spec.cordoned ? "\(state), cordoned" : state,
                age(of: status?.lastSeen, at: nodes.asOf), status?.engine?.name ?? "unknown",
                status.map { "\($0.appliedRevision) of \($0.desiredRevision)" } ?? "unknown",
            ]
        }
    }

    private var workloadTable: String {
        table("Workloads", ["Workload", "Tier", "Ready", "As of"], workloads) { object in
            guard case .workload(let workload) = object else { return nil }
            let status = workload.status
            return [
                workload.metadata.name, "\(workload.spec.tier.rawValue)",
                status.map { "\($0.ready) of \($0.desired)" } ?? "unknown",
                age(of: status?.observedAt, at: workloads.asOf),
            ]
        }
    }

    private func table(
        _ caption: String, _ columns: [String], _ list: ObjectList, row: (Object) -> [String]?
    ) -> String {
        let head = columns.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
        let rows = list.items.compactMap(row).map { cells in
            "<tr>" + cells.map { "<td>\(escaped($0))</td>" }.joined() + "</tr>"
        }
        let body = rows.isEmpty ? "<tr><td colspan=\"\(columns.count)\">none</td></tr>" : ""
        return """
            <table>
            <caption>\(escaped(caption))</caption>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(body)\(rows.joined(separator: "\n"))
            </tbody>
            </table>
            """
    }
}

/// `never`, `2 s ago`, `41 h ago`: both times are of the server's clock.
func age(of time: WallTime?, at now: WallTime) -> String {
    guard let time else { return "never" }
    let seconds = max(0, (now.milliseconds - time.milliseconds) / 1000)
    return switch seconds {
    case ..<120: "\(seconds) s ago"
    case ..<7200: "\(seconds / 60) min ago"
    case ..<(72 * 3600): "\(seconds / 3600) h ago"
    default: "\(seconds / 86_400) d ago"
    }
}

/// `text` as HTML that shows what is there: names come from anyone. Characters that steer a
/// terminal or turn the direction of writing are shown by their number.
func escaped(_ text: String) -> String {
    var html = ""
    html.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": html += "&amp;"
        case "<": html += "&lt;"
        case ">": html += "&gt;"
        case "\"": html += "&quot;"
        case "'": html += "&#39;"
        case _ where isInvisible(scalar):
            html += "[U+\(String(scalar.value, radix: 16, uppercase: true))]"
        default: html.unicodeScalars.append(scalar)
        }
    }
    return html
}

private func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
}

extension StatusPage {
    static let style = """
        :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
        body { margin: 0; }
        main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
        h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
        table { width: 100%; border-collapse: collapse; margin: 1.5rem 0; }
        caption { text-align: left; font-weight: 600; }
        th, td { text-align: left; padding: 0.3rem 0.6rem 0.3rem 0; overflow-wrap: anywhere;
          border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); }

        """
}
