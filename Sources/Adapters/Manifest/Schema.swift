import Model

/// The fields of every object: what validation checks and what `explain` shows.
package enum Schema {
    /// The record that a document of `kind` is.
    static func record(of kind: Kind) -> Record {
        switch kind {
        case .site: site
        case .node: node
        case .workload: workload
        case .instance: instance
        case .policy: policy
        case .secret: secret
        }
    }

    /// The kinds that stand in files.
    static let writtenKinds: [Kind] = [.site, .workload, .policy, .secret]

    /// Kinds of other orchestrators that have a counterpart here.
    static let foreignKinds = [
        "Deployment": "Workload", "DaemonSet": "Workload", "StatefulSet": "Workload",
        "Pod": "Workload", "Job": "Workload", "Service": "Workload", "Location": "Site",
    ]

    static func object(
        _ kind: Kind, _ about: String, spec: Record?, status: Record, rule: Record.Rule? = nil
    ) -> Record {
        var fields = [
            Field(
                "apiVersion", .text(.words), .required,
                "The group and version of the object's schema.", example: apiVersion),
            Field("kind", .choice([kind.rawValue]), .required, "What the object is."),
            Field("metadata", .record(metadata), .required, "The object's name and labels."),
        ]
        if let spec {
            fields.append(Field("spec", .record(spec), .required, "What is wanted."))
        }
        fields.append(
            .reported("status", .record(status), "What nodes observed. Never part of a file."))
        return Record(name: kind.rawValue, about: about, fields: fields, rule: rule)
    }

    static let labels = Shape.map(keys: .labelKey, values: .labelValue, limit: Limits.labels)

    static let metadata = Record(
        name: "metadata", about: "Names an object and carries what people attach to it.",
        fields: [
            Field(
                "name", .text(.name), .required,
                "Unique among objects of the kind, and fixed for the object's life.",
                example: "route-optimizer"),
            Field(
                "labels", labels, .standard("{}"),
                "Short facts that lists and selectors choose by.", example: "{team: logistics}"),
            Field(
                "annotations",
                .map(keys: .labelKey, values: .argument, limit: Limits.labels), .standard("{}"),
                "Longer notes for people and tools; nothing selects by them."),
            Field(
                "generation", .whole(Limits.generation), .standard("0"),
                "Counts changes of the spec. Set by the hub; what a file says is ignored."),
            Field(
                "createdAt", .time, .optional,
                "When the hub first took the object. Set by the hub."),
        ],
        habits: [
            "namespace": "leave it out: a hub has one space of names",
            "generateName": "write 'name': instances get their own names",
        ])

    static let conditions = Shape.list(.record(condition), limit: Limits.labels)

    static let condition = Record(
        name: "condition", about: "One fact about an object, kept with its age.",
        fields: [
            .reported("type", .text(.words), "Which fact it is."),
            .reported("isTrue", .flag, "Whether it holds."),
            .reported("reason", .text(.words), "One word for why, for programs."),
            .reported("message", .text(.words), "A sentence for why, for people."),
            .reported("observedAt", .time, "When it was seen to be so."),
        ])

    static let count = Shape.whole(0...Int.max)

    // MARK: - Site

    static let site = object(
        .site, "A place where nodes stand: a shop, a factory, a mast.",
        spec: siteSpec, status: siteStatus)

    static let siteSpec = Record(
        name: "site spec", about: "Where a site is, and what its link and its nodes must bear.",
        fields: [
            Field(
                "location", .record(location), .optional,
                "Where the site is, for maps and for "
                    + "choosing what is near."),
            Field(
                "autonomyWindow", .duration(Interval.seconds(1)...Interval.longest),
                .standard("72h"),
                "How long the site may run on its own before its nodes count as silent.",
                example: "72h"),
            Field(
                "stalenessBound", .duration(Interval.seconds(1)...Interval.longest),
                .standard("5m"),
                "How long after its last contact a node still counts its policy as fresh.",
                example: "5m"),
            Field(
                "whenDisconnected", .choice(Disconnection.allCases.map(\.rawValue)),
                .standard("normal"),
                "What silence means: normal is noted, expected is not, error is a fault at once."),
            Field(
                "pattern", .choice(Pattern.allCases.map(\.rawValue)), .standard("hybrid"),
                "Who decides what: the preset of the site's authority table. See it with: "
                    + "skerry get authority --site SITE"),
            Field(
                "authority", .list(.record(authorityOverride), limit: Limits.authorityRows),
                .standard("[]"), "Rows that replace cells of the pattern's table."),
            Field(
                "link", .record(link), .optional,
                "What the uplink of the site carries. Without it nothing is paced."),
        ],
        habits: ["lat": "write location.latitude", "lon": "write location.longitude"])

    static let authorityOverride = Record(
        name: "authority row",
        about: "Replaces who may decide in the cases it names. What is left out stands for all.",
        fields: [
            Field(
                "domain", .choice(Domain.allCases.map(\.rawValue)), .required,
                "What kind of decision.", example: "update"),
            Field(
                "staleness", .choice(Staleness.allCases.map(\.rawValue)), .optional,
                "How old the policy is: within stalenessBound, within autonomyWindow, or beyond."),
            Field("tier", .whole(1...3), .optional, "The tier of the workload.", example: "1"),
            Field(
                "reach", .choice(Reach.allCases.map(\.rawValue)), .optional,
                "Whom the node can ask."),
            Field(
                "verdict", .choice(Verdict.allCases.map(\.rawValue)), .required,
                "permit: anything in the domain. restrict: only what was applied already. hold: "
                    + "nothing begins, and what runs goes on.", example: "hold"),
            Field(
                "by", .choice(Authority.allCases.map(\.rawValue)), .optional,
                "Who decides; whoever the pattern names otherwise.", example: "local"),
        ],
        habits: ["action": "write 'verdict'", "authority": "write 'by'"])

    static let location = Record(
        name: "location", about: "A point on the Earth in degrees (WGS 84).",
        fields: [
            Field(
                "latitude", .decimal(-90...90), .required, "Degrees north; south is negative.",
                example: "59.33"),
            Field(
                "longitude", .decimal(-180...180), .required, "Degrees east; west is negative.",
                example: "18.07"),
        ],
        habits: [
            "lat": "write 'latitude'", "lon": "write 'longitude'", "lng": "write 'longitude'",
            "long": "write 'longitude'",
        ])

    static let link = Record(
        name: "link", about: "The budget of a site's uplink. Agents pace what they send to it.",
        fields: [
            Field(
                "bytesPerSecond", .bytes(ByteCount(1)...ByteCount(1 << 40), .outOfRange),
                .required, "Bytes a second that all nodes of the site may send together.",
                example: "125k")
        ],
        habits: ["bandwidth": "write 'bytesPerSecond'"])

    static let siteStatus = Record(
        name: "site status", about: "What the hub knows of a site.",
        fields: [
            .reported("nodes", count, "Nodes that belong to the site."),
            .reported("nodesInContact", count, "Nodes of the site that the hub hears from."),
            .reported("observedAt", .time, "When the hub counted."),
        ])
}
