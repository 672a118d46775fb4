import Model

extension Schema {
    /// Not by `object(…)`: of spec and signed a file has one.
    static let policy = Record(
        name: Kind.policy.rawValue,
        about:
            "Who may decide at some sites or all, signed by those who own the fleet. Write the spec, "
            + "sign it with: skerry policy sign -f FILE --key KEY; and apply what that makes.",
        fields: [
            Field(
                "apiVersion", .text(.words), .required,
                "The group and version of the object's schema.", example: apiVersion),
            Field("kind", .choice([Kind.policy.rawValue]), .required, "What the object is."),
            Field("metadata", .record(metadata), .required, "The object's name and labels."),
            Field(
                "spec", .record(policySpec), .optional,
                "What is wanted, before it is signed. Signed, it stands in 'signed'."),
            Field(
                "signed", .record(policyBundle), .optional,
                "The signed text, made by: skerry policy sign"),
            .reported(
                "status", .record(policyStatus), "How far it has come. Never part of a file."),
        ], rule: .policy)

    static let policySpec = Record(
        name: "policy spec",
        about: "Replaces what the sites in scope say; what is left out stays theirs.",
        fields: [
            Field(
                "scope", .record(policyScope), .standard("{}"),
                "Where it holds; everywhere if left out."),
            Field(
                "pattern", .choice(Pattern.allCases.map(\.rawValue)), .optional,
                "The preset of the authority table, instead of the site's."),
            Field(
                "stalenessBound", .duration(Interval.seconds(1)...Interval.longest), .optional,
                "How long after its last contact a node still counts its policy as fresh.",
                example: "5m"),
            Field(
                "autonomyWindow", .duration(Interval.seconds(1)...Interval.longest), .optional,
                "How long a site may run on its own.", example: "72h"),
            Field(
                "authority", .list(.record(authorityOverride), limit: Limits.authorityRows),
                .standard("[]"), "Rows that replace cells of the table, and rows of the site."),
            Field(
                "roleBindings", .list(.record(roleBinding), limit: Limits.roleBindings),
                .standard("[]"),
                "Who may manage the sites in scope, and as what. As long as no policy binds anybody, "
                    + "every certificate of a person may do everything."),
            Field(
                "cedar", .text(.rules), .optional,
                "Rules in the Cedar language, beyond what roles say, for what is at the sites in "
                    + "scope. See docs/decisions/access.md for the words.",
                example: "'forbid(principal, action == Action::\"exec\", resource);'"),
        ],
        habits: [
            "sites": "write 'scope: {sites: [...]}'", "canary": "write it below 'scope'",
            "rules": "write 'authority', or 'cedar' for rules in Cedar",
            "roles": "write 'roleBindings'",
        ])

    static let roleBinding = Record(
        name: "role binding", about: "Gives people a role, at some sites or at all.",
        fields: [
            Field(
                "role", .choice(Role.allCases.map(\.rawValue)), .required,
                "viewer reads; operator changes workloads, sites and nodes as well; approver approves; "
                    + "security makes policy and join tokens; admin does everything."),
            Field(
                "users", .list(.text(.name), limit: Limits.policySites), .required,
                "People, by the names in their certificates.", example: "[ann, bob]"),
            Field(
                "sites", .list(.text(.name), limit: Limits.policySites), .standard("[]"),
                "Only at these sites; at all in scope if left out.", example: "[rural]"),
        ],
        habits: [
            "user": "write 'users'", "subjects": "write 'users'", "site": "write 'sites'",
            "roleRef": "write 'role'",
        ])

    static let policyScope = Record(
        name: "policy scope",
        about: "The sites where a policy holds, and which of their nodes first.",
        fields: [
            Field(
                "sites", .list(.text(.name), limit: Limits.policySites), .standard("[]"),
                "The sites; every site if left out.", example: "[rural, urban]"),
            Field(
                "canary", .record(canary), .optional,
                "Only these nodes take this version; the others keep the one before."),
        ], habits: ["site": "write 'sites'", "nodes": "write 'canary: {nodes: [...]}'"])

    static let canary = Record(
        name: "canary", about: "Nodes that try a version first: those named, and a share of all.",
        fields: [
            Field(
                "nodes", .list(.text(.name), limit: Limits.policySites), .standard("[]"),
                "Nodes by name.", example: "[rural-1]"),
            Field(
                "percent", .whole(1...100), .optional,
                "So many of a hundred nodes, chosen by a hash of their names: always the same ones.",
                example: "10"),
        ], rule: .canary)

    static let policyBundle = Record(
        name: "signed policy", about: "What was signed, by whom, and the signature.",
        fields: [
            Field("key", .text(.words), .required, "Which key signed it."),
            Field("signature", .text(.words), .required, "Ed25519, in hexadecimal digits."),
            Field(
                "payload", .list(.text(.command), limit: Limits.payloadLines), .required,
                "The signed text, line by line. To change it, sign again."),
        ])

    static let policyStatus = Record(
        name: "policy status", about: "How far a policy has come.",
        fields: [
            .reported(
                "versions", .list(.record(policyVersion), limit: Limits.labels),
                "The versions that are kept, newest first."),
            .reported("conditions", conditions, "Facts about the policy, each with its age."),
            .reported("observedAt", .time, "When this was put together."),
        ])

    static let policyVersion = Record(
        name: "policy version", about: "One version of a policy.",
        fields: [
            .reported("version", count, "Its number."),
            .reported("issuedAt", .time, "When it was signed."),
            .reported(
                "notAfter", .time, "After it no node takes it any more; who has it keeps it."),
            .reported("canary", .record(canary), "The nodes that it is for; all if absent."),
            .reported("wanted", count, "Nodes that shall have it."),
            .reported("inForce", count, "Those of them that said that they do."),
            .reported("signed", .record(policyBundle), "What was signed."),
        ])
}
