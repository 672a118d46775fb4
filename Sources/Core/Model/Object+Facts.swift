extension Object {
    /// What selectors match: the labels, and where the object belongs as if those facts were
    /// labels. They are not stored, and a label of such a name is hidden by the fact, as it is when
    /// a workload's selector looks for nodes.
    package var selectable: [String: String] {
        metadata.labels.merging(facts) { _, fact in fact }
    }

    private var facts: [String: String] {
        switch self {
        case .site(let site): ["site": site.metadata.name]
        case .node(let node): ["site": node.spec.site.text, "node": node.metadata.name]
        case .policy, .secret: [:]
        case .workload(let workload):
            ["workload": workload.metadata.name, "tier": "\(workload.spec.tier.rawValue)"]
        case .instance(let instance):
            [
                "workload": instance.status.id.workload.text, "node": instance.status.node.text,
                "site": instance.status.site.text, "tier": "\(instance.status.tier.rawValue)",
            ]
        }
    }
}

extension Kind {
    /// The names under which `Object.selectable` holds facts of this kind.
    package var factNames: [String] {
        switch self {
        case .site: ["site"]
        case .policy, .secret: []
        case .node: ["site", "node"]
        case .workload: ["workload", "tier"]
        case .instance: ["workload", "node", "site", "tier"]
        }
    }
}
