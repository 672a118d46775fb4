import Model

/// The fields of a scenario: what goes wrong in a rehearsal, and when.
extension Schema {
    static let scenarioKind = "Scenario"

    static let scenario = Record(
        name: scenarioKind,
        about: "What goes wrong in `skerry simulate --scenario FILE`, and what has to hold.",
        fields: [
            Field(
                "apiVersion", .text(.words), .required,
                "The group and version of the object's schema.", example: apiVersion),
            Field("kind", .choice([scenarioKind]), .required, "What the object is."),
            Field("metadata", .record(scenarioName), .required, "The name of the story."),
            Field("spec", .record(scenarioSpec), .required, "The story."),
        ])

    private static let scenarioName = Record(
        name: "metadata", about: "Names a scenario.",
        fields: [
            Field(
                "name", .text(.name), .required, "Shown in the report.", example: "storm-at-rural")
        ])

    private static let scenarioSpec = Record(
        name: "scenario spec", about: "Faults with their times, and what has to hold.",
        fields: [
            Field(
                "length", .duration(Interval.seconds(1)...Limits.story), .optional,
                "How long the story lasts; until its last fault is over otherwise.", example: "96h"),
            Field(
                "faults", .list(.record(fault), limit: Limits.faults), .required,
                "What goes wrong. Faults may overlap.",
                example: "[{fault: cut, site: rural, for: 72h}]"),
            Field(
                "expect", .record(expectations), .optional,
                "What has to hold; where it does not, the command ends with 1."),
        ],
        habits: ["steps": "write 'faults'", "events": "write 'faults'", "for": "write 'length'"])

    private static let expectations = Record(
        name: "expectations", about: "What has to hold for the rehearsal to be called good.",
        fields: [
            Field(
                "tier1Availability", .decimal(0...100), .optional,
                "The least part of the time, in a hundred, that the containers of Tier 1 of each site "
                    + "ran.", example: "99.9"),
            Field("tier2Availability", .decimal(0...100), .optional, "The same of Tier 2."),
            Field("tier3Availability", .decimal(0...100), .optional, "The same of Tier 3."),
            Field(
                "restarts", .whole(0...1_000_000), .optional,
                "The most restarts of all containers together.", example: "0"),
        ])

    static let fault = Record(
        name: "fault",
        about: "One thing that goes wrong. Which fields it takes depends on the fault: "
            + FaultWord.allCases.map(\.summary).joined(separator: "; ") + ".",
        fields: [
            Field(
                "fault", .choice(FaultWord.allCases.map(\.rawValue)), .required, "What goes wrong.",
                example: "cut"),
            Field(
                "at", .duration(Interval.seconds(0)...Limits.story), .standard("0s"),
                "When it begins, counted from the begin of the story."),
            Field(
                "for", .duration(Interval.seconds(1)...Limits.story), .optional,
                "How long it lasts; to the end of the story otherwise.", example: "72h"),
            Field(
                "site", .text(.name), .optional,
                "The site whose nodes it concerns. Without site and node it concerns all."),
            Field("node", .text(.name), .optional, "The node that it concerns."),
            Field("percent", .decimal(0...100), .optional, "How many messages of a hundred."),
            Field(
                "delay", .duration(Interval(.milliseconds(1))...Interval.seconds(60)), .optional,
                "How long each message takes longer.", example: "600ms"),
            Field(
                "every", .duration(Interval.seconds(2)...Interval.hours(24)), .optional,
                "One period of a path that comes and goes; half of it there is no way.",
                example: "40s"),
            Field(
                "way", .choice(FaultPlan.Way.allCases.map(\.rawValue)), .optional,
                "Which direction is cut; both otherwise."),
            Field(
                "ahead", .duration(Interval.seconds(1)...Interval.hours(72)), .optional,
                "How far a clock is set ahead.", example: "2h"),
            Field(
                "back", .duration(Interval.seconds(1)...Interval.hours(72)), .optional,
                "How far a clock is set back."),
            Field("workload", .text(.name), .optional, "The workload that a person changes."),
            Field("image", .text(.image), .optional, "The new image of its first container."),
            Field("replicas", .replicas(Limits.replicas), .optional, "Its new number of copies."),
            Field("tier", .whole(1...3), .optional, "Its new tier."),
        ],
        rule: .fault,
        habits: [
            "type": "write 'fault'", "kind": "write 'fault'", "duration": "write 'for'",
            "time": "write 'at'",
        ])
}

/// The words for faults, and which fields go with each.
enum FaultWord: String, CaseIterable {
    case cut, flap, loss, latency, duplicate
    case loseNode = "lose-node"
    case reboot
    case loseStore = "lose-store"
    case loseHub = "lose-hub"
    case setClock = "set-clock"
    case fillDisk = "fill-disk"
    case slowDisk = "slow-disk"
    case crashEngine = "crash-engine"
    case reconnectAll = "reconnect-all"
    case changeWorkload = "change-workload"

    var required: [String] {
        switch self {
        case .loss, .duplicate: ["percent"]
        case .latency: ["delay"]
        case .loseNode, .loseStore: ["node"]
        case .changeWorkload: ["workload"]
        default: []
        }
    }

    var optional: [String] {
        switch self {
        case .cut: ["site", "node", "for", "way"]
        case .flap: ["site", "node", "for", "every"]
        case .loss, .latency, .duplicate, .fillDisk, .slowDisk, .crashEngine:
            ["site", "node", "for"]
        case .reboot: ["site", "node"]
        case .loseNode, .loseHub: ["for"]
        case .setClock: ["site", "node", "ahead", "back"]
        case .changeWorkload: ["node", "image", "replicas", "tier"]
        case .loseStore, .reconnectAll: []
        }
    }

    /// Of these there must be one.
    var choice: [String] {
        switch self {
        case .setClock: ["ahead", "back"]
        case .changeWorkload: ["image", "replicas", "tier"]
        default: []
        }
    }

    var summary: String {
        let fields = required + optional
        return fields.isEmpty ? rawValue : "\(rawValue) (\(fields.joined(separator: ", ")))"
    }
}

extension Checker {
    /// Whether the fields of a fault are those that it takes.
    mutating func checkFault(_ written: Written, at path: String) {
        guard let text = written["fault"]?.text, let fault = FaultWord(rawValue: text) else {
            return
        }
        let taken = ["fault", "at"] + fault.required + fault.optional
        for entry in written.entries where Schema.fault[entry.key] != nil && !entry.value.isNull {
            guard !taken.contains(entry.key) else { continue }
            add(
                .unknownField, at: entry.place, width: source.width(of: entry),
                path: "\(path).\(entry.key)", "'\(entry.key)' says nothing about '\(text)'",
                fix: "delete it; beside 'at', \(text) takes: "
                    + (fault.required + fault.optional).joined(separator: ", "))
        }
        func isThere(_ name: String) -> Bool { written[name].map { !$0.isNull } ?? false }
        for name in fault.required where !isThere(name) {
            let field = Schema.fault[name]
            add(
                .missingField, written, at: "\(path).\(name)", "'\(text)' needs '\(name)'",
                fix: "write '\(name): \(field?.example ?? field?.shape.placeholder ?? "...")'")
        }
        if !fault.choice.isEmpty, !fault.choice.contains(where: isThere) {
            add(
                .missingField, written, at: path,
                "'\(text)' needs one of \(fault.choice.joined(separator: ", "))",
                fix: "write one of them; `skerry explain scenario.spec.faults` says more")
        }
        if isThere("site"), let node = written["node"], !node.isNull, taken.contains("site") {
            add(
                .unknownField, node, at: "\(path).node", "a fault with both 'site' and 'node'",
                fix: "keep one of them: a node says its site already")
        }
    }
}
