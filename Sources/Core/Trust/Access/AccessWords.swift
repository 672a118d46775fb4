import Cedar
import Model

/// How the fleet's things are called in policies: the vocabulary that policy texts are held against.
enum AccessWords {
    static let user: Text = "User"
    static let console: Text = "Console"
    static let binding: Text = "Binding"
    static let fleet = EntityUID(type: "Fleet", id: "fleet")

    static func user(_ name: String) -> EntityUID { EntityUID(type: user, id: Text(name)) }

    static func action(_ verb: Verb) -> EntityUID {
        EntityUID(type: "Action", id: Text(verb.rawValue))
    }

    static func site(_ site: SiteID) -> EntityUID {
        EntityUID(type: Text(Kind.site.rawValue), id: Text(site.text))
    }

    static let vocabulary: Vocabulary = {
        var types: [Text: Set<Text>] = [
            user: [], console: [], binding: [], fleet.type: [], "Action": [],
        ]
        for kind in Kind.allCases { types[Text(kind.rawValue)] = ["requestedBy"] }
        types[Text(Kind.node.rawValue)] = ["site", "requestedBy", "keepsData"]
        types[Text(Kind.instance.rawValue)] = ["tier", "requestedBy"]
        types[Text(Kind.workload.rawValue)] = [
            "tier", "requestedBy", "images", "isPinned", "hostMounts", "writableMounts", "ports",
            "runsCommands", "keepsData", "signers",
        ]
        return Vocabulary(
            types: types, actions: Set(Verb.allCases.map(action)),
            context: [
                "staleness", "policyAge", "issuance", "credential", "request",
                "isApproved", "hasApprover", "isGrave",
            ])
    }()
}

extension Role {
    /// What the role may do with anything but policies.
    var verbs: [Verb] {
        switch self {
        case .viewer: [.get, .logs]
        case .operator: [.get, .logs, .exec, .apply, .delete, .label, .cordon, .resolve]
        case .approver: [.get, .logs, .approve]
        case .security: [.get, .logs, .enrol, .review, .revoke]
        case .admin: Verb.ofPeople
        }
    }

    /// Whether the role may change policies: those of who may what are among them.
    var makesPolicy: Bool { self == .security || self == .admin }
}

extension RoleBinding {
    /// The binding as policies. `id` names it and becomes part of their ids.
    func cedar(id: String, within scope: [SiteID]) -> String {
        let subject = "principal in Binding::\(quoted(id))"
        let verbs = role.verbs.map { "Action::\(quoted($0.rawValue))" }.joined(separator: ", ")
        var text = """
            @id(\(quoted(id)))
            permit(\(subject), action in [\(verbs)], resource)
            when { !(resource is Policy) || action in [Action::"get"] }\(place(within: scope));

            """
        // Policies hold for more than one site, so only who is bound to all of them may change them.
        if role.makesPolicy, sites.isEmpty, scope.isEmpty {
            text += """
                @id(\(quoted(id + "/policy")))
                permit(\(subject), action in [Action::"apply", Action::"delete"], resource is Policy);

                """
        }
        return text
    }

    private func place(within scope: [SiteID]) -> String {
        let places = sites.isEmpty ? scope : sites.filter { scope.isEmpty || scope.contains($0) }
        guard !(sites.isEmpty && scope.isEmpty) else { return "" }
        let list = places.map { "Site::\(quoted($0.text))" }.joined(separator: ", ")
        return "\nwhen { resource in [\(list)] }"
    }
}
