import Model

extension Object {
    /// The object without the times at which it was observed and without what it uses: these
    /// change all the time, and are no reason to show again after a break what was shown before.
    var essence: Object {
        let never = WallTime(milliseconds: 0)
        switch self {
        case .site(var site):
            site.status?.observedAt = never
            return .site(site)
        case .node(var node):
            node.status?.lastSeen = nil
            node.status?.observedAt = never
            node.status?.usage = nil
            node.status?.conditions.forgetAges()
            return .node(node)
        case .workload(var workload):
            workload.status?.observedAt = nil
            workload.status?.conditions.forgetAges()
            return .workload(workload)
        case .instance(var instance):
            instance.status.observedAt = never
            return .instance(instance)
        case .policy(var policy):
            policy.status?.observedAt = never
            policy.status?.conditions.forgetAges()
            return .policy(policy)
        case .secret: return self
        }
    }
}

extension [Condition] {
    fileprivate mutating func forgetAges() {
        for index in indices { self[index].observedAt = WallTime(milliseconds: 0) }
    }
}
