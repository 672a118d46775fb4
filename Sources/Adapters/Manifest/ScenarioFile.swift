package import Model

/// Reads what shall go wrong in a rehearsal: one document, checked whole.
package enum ScenarioFile {
    package enum Reading: Equatable, Sendable {
        case plan(FaultPlan)
        /// By place. `omitted` counts those beyond the 200 that are kept.
        case mistakes([ManifestMistake], omitted: Int)
    }

    /// The names that a scenario may speak of.
    package struct Fleet: Sendable {
        package var sites: [String]
        package var nodes: [String]
        package var workloads: [String]

        package init(sites: [String], nodes: [String], workloads: [String]) {
            self.sites = sites
            self.nodes = nodes
            self.workloads = workloads
        }
    }

    package static func read(_ source: ManifestSource, for fleet: Fleet) -> Reading {
        var findings = Findings(limit: Limits.mistakesShown)
        func reject(_ code: MistakeCode, _ line: Int, _ message: String, fix: String) {
            findings.add(
                ManifestMistake(
                    code: code, file: source.name, line: line, column: 1, width: 1, object: nil,
                    field: "", message: message, fix: fix))
        }
        var plan: FaultPlan?
        let text = String(validating: source.bytes, as: UTF8.self)
        if source.bytes.count > Limits.documentBytes {
            reject(
                .tooLarge, 1,
                "the file has \(source.bytes.count) bytes, and at most "
                    + "\(Limits.documentBytes) are allowed", fix: "a scenario is a few lines")
        } else if let text {
            let file = SourceText(name: source.name, text: text)
            if let second = file.documents.dropFirst().first {
                reject(
                    .tooMany, second.firstLine, "a second document",
                    fix: "a file holds one scenario; sites and workloads go with -f")
            }
            if let document = file.documents.first {
                plan = read(document, of: file, for: fleet, &findings)
            } else {
                reject(
                    .nothingToApply, 1, "there is no scenario in what was given",
                    fix: "write apiVersion, kind: Scenario, metadata and spec")
            }
        } else {
            reject(.notUTF8, 1, "the file is not UTF-8", fix: "save the file as UTF-8")
        }
        let (mistakes, omitted) = findings.result()
        guard mistakes.isEmpty, let plan else { return .mistakes(mistakes, omitted: omitted) }
        return .plan(plan)
    }

    private static func read(
        _ document: DocumentText, of file: SourceText, for fleet: Fleet, _ findings: inout Findings
    ) -> FaultPlan? {
        var composer = Composer(file, document, findings)
        let written = composer.compose()
        findings = composer.findings
        guard let written else { return nil }
        var checker = Checker(source: file, findings: findings)
        defer { findings = checker.findings }
        guard checker.readScenarioHeader(written) else { return nil }
        let value = checker.read(written, as: .record(Schema.scenario), at: "")
        checker.checkNames(written, of: fleet)
        return value.map { FaultPlan($0) }
    }
}

extension Checker {
    fileprivate mutating func readScenarioHeader(_ written: Written) -> Bool {
        guard case .map = written.content else {
            add(
                .notAnObject, written, at: "", "found \(written.description) instead of a scenario",
                fix: "start with apiVersion: \(apiVersion), kind: Scenario, metadata and spec")
            return false
        }
        object =
            Schema.scenarioKind
            + (written["metadata"]?["name"]?.text.map { "/\(shown($0))" } ?? "")
        if let kind = written["kind"], let word = kind.text, word != Schema.scenarioKind {
            add(
                .unknownKind, kind, at: "kind", "\(quoted(word)) is no scenario",
                fix: "write 'kind: Scenario'; sites and workloads go with -f")
            return false
        }
        checkVersion(written)
        return true
    }

    /// Whether everything it speaks of is there.
    fileprivate mutating func checkNames(_ written: Written, of fleet: ScenarioFile.Fleet) {
        let kinds = [
            ("site", fleet.sites), ("node", fleet.nodes), ("workload", fleet.workloads),
        ]
        for (index, fault) in (written["spec"]?["faults"]?.items ?? []).enumerated() {
            for (kind, known) in kinds {
                guard let entry = fault[kind], let name = entry.text, !known.contains(name) else {
                    continue
                }
                let near = nearest(to: name, among: known)
                let listed = known.sorted().prefix(10).joined(separator: ", ")
                add(
                    .unknownName, entry, at: "spec.faults[\(index)].\(kind)",
                    "there is no \(kind) \(quoted(name)) in this rehearsal",
                    fix: near.map { "did you mean '\($0)'?" }
                        ?? "there are: \(listed)\(known.count > 10 ? ", …" : "")",
                    replacement: near)
            }
        }
    }
}

extension FaultPlan {
    fileprivate init(_ document: Checked) {
        let spec = document.value("spec")
        let expect = spec["expect"]
        var availability: [Tier: Double] = [:]
        for tier in Tier.allCases {
            availability[tier] = expect?["tier\(tier.rawValue)Availability"]?.decimal
        }
        self.init(
            name: document.value("metadata").value("name").text, length: spec["length"]?.duration,
            steps: spec.value("faults").list.map { Step($0) },
            expectations: Expectations(
                availability: availability, restarts: expect?["restarts"]?.whole))
    }
}

extension FaultPlan.Step {
    fileprivate init(_ fields: Checked) {
        self.init(
            FaultPlan.Fault(fields), at: fields.value("at").duration, for: fields["for"]?.duration)
    }
}

extension FaultPlan.Fault {
    /// The rule of the record has seen to it that what a fault needs is there.
    fileprivate init(_ fields: Checked) {
        guard let word = FaultWord(rawValue: fields.value("fault").text) else {
            preconditionFailure("the schema let a word pass that is no fault")
        }
        let target: FaultPlan.Target =
            fields["node"].map { .node(NodeID($0.text)) }
            ?? fields["site"].map { .site(SiteID($0.text)) } ?? .everywhere
        let none = Interval.seconds(0)
        switch word {
        case .cut:
            let way = fields["way"].flatMap { FaultPlan.Way(rawValue: $0.text) }
            self = .cut(target, way ?? .both)
        case .flap: self = .flap(target, every: fields["every"]?.duration ?? .seconds(60))
        case .loss: self = .loss(target, percent: fields.value("percent").decimal)
        case .latency: self = .latency(target, fields.value("delay").duration)
        case .duplicate: self = .duplication(target, percent: fields.value("percent").decimal)
        case .loseNode: self = .loseNode(NodeID(fields.value("node").text))
        case .reboot: self = .reboot(target)
        case .loseStore: self = .loseStore(NodeID(fields.value("node").text))
        case .loseHub: self = .loseHub
        case .setClock:
            self = .setClock(
                target, ahead: fields["ahead"]?.duration ?? none,
                back: fields["back"]?.duration ?? none)
        case .fillDisk: self = .fillDisk(target)
        case .slowDisk: self = .slowDisk(target)
        case .crashEngine: self = .crashEngine(target)
        case .reconnectAll: self = .reconnect
        case .changeWorkload:
            self = .change(
                WorkloadID(fields.value("workload").text),
                FaultPlan.Change(
                    at: fields["node"].map { NodeID($0.text) }, image: fields["image"]?.text,
                    replicas: fields["replicas"]?.replicas,
                    tier: (fields["tier"]?.whole).flatMap(Tier.init(rawValue:))))
        }
    }
}
