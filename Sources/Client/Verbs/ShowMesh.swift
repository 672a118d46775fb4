import Model

/// Shows who sees whom in a mesh: on a node its own view, at the hub what the nodes of each site said.
package struct ShowMesh: Sendable {
    private let site: SiteID?
    private let format: Format
    private let headings: Bool

    package init(site: String?, format: Format, headings: Bool) {
        self.site = site.map(SiteID.init)
        self.format = format
        self.headings = headings
    }

    package func run(in session: Session) async throws {
        let report = try await session.connection.mesh(of: site)
        let console = session.console
        switch format {
        case .json: try console.sayJSON(report)
        case .name: try console.say(report.items.map { visible("node/\($0.node)") })
        case .yaml: throw Failure(.usage, "a mesh is shown as a table, wide, json or name")
        case .table, .wide:
            guard !report.items.isEmpty else {
                return try console.remark("no node in contact has said how it sees a mesh")
            }
            if case .node = session.vantage {
                for view in report.items { try show(view, asOf: report.asOf, on: console) }
            } else {
                try show(report, on: console)
            }
        }
    }

    // MARK: - One node's view

    private func show(_ view: MeshView, asOf now: WallTime, on console: Console) throws {
        try console.say(
            visible(
                "node \(view.node) of site \(view.site) at \(view.address), roster \(view.roster); "
                    + "\(count(view, .alive) + 1) of \(view.peers.count + 1) here, "
                    + "quorum \(view.quorum)"))
        if view.isIsolated {
            try console.say("half of the site or more is gone: likely this node is cut off")
        }
        if !view.peers.isEmpty {
            try console.say("")
            try console.say(
                table(view.peers.map { ([], $0) }, asOf: now, observer: false),
                as: format, headings: headings)
        }
        try console.say("")
        try console.say(traffic(view.traffic))
    }

    private func table(
        _ sights: [([TextTable.Cell], MeshSight)], asOf now: WallTime, observer: Bool
    ) -> TextTable {
        var columns: [TextTable.Column] = observer ? [.init("OBSERVER", rank: 0)] : []
        columns += [
            .init("NODE", rank: 0), .init("STATE", rank: 1), .init("FOR", rank: 3),
            .init("LAST-SIGN", rank: 2), .init("LOSS-IN", rank: 4), .init("LOSS-OUT", rank: 5),
            .init("VOTES", rank: 6), .init("RECORDS", rank: 7),
        ]
        return TextTable(
            columns,
            rows: sights.map { first, sight in
                first + [
                    .init(sight.node.text), state(of: sight),
                    .init(Age(of: sight.since, asOf: now)?.description ?? "-"),
                    .init(sight.age.map(moments) ?? "never"), .init(percent(sight.lossHere)),
                    .init(percent(sight.lossThere)), .init("\(sight.votes)"),
                    .init(sight.liveness == .alive ? sight.holdsAll ? "same" : "differ" : "-"),
                ]
            })
    }

    private func state(of sight: MeshSight) -> TextTable.Cell {
        let tone: Tone =
            switch sight.liveness {
            case .alive: .good
            case .quiet: .caution
            case .failed: .bad
            case .unknown: .dim
            }
        return .init(sight.liveness.rawValue + (sight.isCloned ? ", cloned" : ""), tone)
    }

    private func traffic(_ traffic: MeshTraffic) -> [String] {
        let all = traffic.sentBytes + traffic.payloadBytes
        let share = all == 0 ? 0 : Double(traffic.sentBytes) / Double(all)
        var lines = [
            "sent \(traffic.sentBytes) bytes of coordination in \(traffic.sentFrames) datagrams and "
                + "\(traffic.payloadBytes) bytes of content: \(percent(share)) is coordination",
            "received \(traffic.receivedFrames) datagrams, dropped \(traffic.droppedFrames)",
        ]
        let reasons = traffic.dropped.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        if !reasons.isEmpty { lines[1] += ": " + reasons.joined(separator: ", ") }
        return lines.map { visible($0) }
    }

    // MARK: - The views of a site

    private func show(_ report: MeshReport, on console: Console) throws {
        var isFirst = true
        for site in Set(report.items.map(\.site)).sorted() {
            let views = report.items.filter { $0.site == site }
            if !isFirst { try console.say("") }
            isFirst = false
            try console.say(visible("site \(site), roster \(views.map(\.roster).max() ?? .none)"))
            let table =
                format == .wide
                ? table(
                    views.flatMap { view in
                        view.peers.map { ([TextTable.Cell(view.node.text)], $0) }
                    }, asOf: report.asOf, observer: true)
                : summary(views, asOf: report.asOf)
            try console.say(table, as: format, headings: headings)
        }
    }

    private func summary(_ views: [MeshView], asOf now: WallTime) -> TextTable {
        TextTable(
            [
                .init("OBSERVER", rank: 0), .init("SEES", rank: 1), .init("QUIET", rank: 3),
                .init("FAILED", rank: 2), .init("ABSENT", rank: 4), .init("QUORUM", rank: 6),
                .init("LOSS-IN", rank: 5), .init("SAID", rank: 7),
            ],
            rows: views.map { view in
                let losses = view.peers.compactMap(\.lossHere)
                let mean = losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
                return [
                    .init(view.node.text),
                    .init(
                        "\(count(view, .alive) + 1)/\(view.peers.count + 1)"
                            + (view.isIsolated ? ", isolated" : ""),
                        view.isIsolated ? .bad : .plain),
                    names(view, .quiet, .caution), names(view, .failed, .bad),
                    names(view, .unknown, .dim), .init("\(view.quorum)"), .init(percent(mean)),
                    .init(Age(of: view.at, asOf: now).map { "\($0) ago" } ?? "-"),
                ]
            })
    }

    private func names(_ view: MeshView, _ liveness: Liveness, _ tone: Tone) -> TextTable.Cell {
        let names = view.peers.filter { $0.liveness == liveness }.map(\.node.text)
        return .init(names.isEmpty ? "-" : names.joined(separator: ","), tone)
    }

    private func count(_ view: MeshView, _ liveness: Liveness) -> Int {
        view.peers.count { $0.liveness == liveness }
    }

    /// Tenths where they matter.
    private func moments(_ age: Interval) -> String {
        let tenths = max(0, age.duration.nanoseconds / 100_000_000)
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10)s" : Age(age.duration).description
    }

    private func percent(_ share: Double?) -> String {
        share.map { "\(Int(($0 * 100).rounded())) %" } ?? "-"
    }
}
