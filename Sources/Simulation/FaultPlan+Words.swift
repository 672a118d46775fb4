package import Model

extension Rehearsal {
    /// Sites to which something happens.
    package var touchedSites: [Site] {
        sites.filter { site in
            let id = SiteID(site.metadata.name)
            let members = nodes.filter { $0.site == id }.map(\.node)
            return plan.concerns(id, nodes: Set(members))
        }
    }
}

extension FaultPlan {
    /// What goes wrong, a clause for each fault that people would tell apart.
    package var clauses: [String] {
        var clauses: [String] = []
        for step in steps.sorted(by: { $0.at < $1.at }) {
            let clause = step.clause
            if !clauses.contains(clause) { clauses.append(clause) }
        }
        return clauses
    }

    /// Whether containers end because their machine or engine does.
    var stopsMachines: Bool {
        steps.contains { step in
            switch step.fault {
            case .loseNode, .reboot, .crashEngine, .loseStore, .change: true
            default: false
            }
        }
    }
}

extension FaultPlan.Step {
    fileprivate var clause: String {
        let begin = at > .seconds(0) ? "at +\(at) " : ""
        let span = length.map { " for \($0)" } ?? ""
        switch fault {
        case .loseNode(let node) where length == nil: return "\(begin)node \(node) is lost for good"
        case .reboot, .loseStore, .setClock, .reconnect, .change: return begin + fault.words
        default: return begin + fault.words + span
        }
    }
}

extension FaultPlan.Fault {
    fileprivate var words: String {
        switch self {
        case .cut(let target, .both): "\(target.words) cut off"
        case .cut(let target, .toHub): "\(target.words) cannot be heard"
        case .cut(let target, .toNode): "\(target.words) cannot hear"
        case .flap(let target, let period):
            "the path of \(target.words) comes and goes every \(period)"
        case .loss(let target, let percent):
            "\(short(percent)) % loss at \(target.words)"
        case .latency(let target, let delay): "\(delay) more latency at \(target.words)"
        case .duplication(let target, let percent):
            "\(short(percent)) % of messages twice at \(target.words)"
        case .loseNode(let node): "node \(node) is off"
        case .reboot(let target): "nodes of \(target.words) reboot"
        case .loseStore(let node): "node \(node) loses what was on its disk"
        case .loseHub: "the hub is gone"
        case .setClock(let target, let ahead, let back):
            ahead >= back
                ? "the clocks of \(target.words) are set \(ahead) ahead"
                : "the clocks of \(target.words) are set \(back) back"
        case .fillDisk(let target): "the disks of \(target.words) are full"
        case .slowDisk(let target): "the disks of \(target.words) are slow"
        case .crashEngine(let target): "the engines of \(target.words) die with all containers"
        case .reconnect: "everything is connected and switched on again"
        case .change(let workload, let change):
            "\(workload) is changed\(change.node.map { " at node \($0)" } ?? ""): \(change.words)"
        }
    }
}

extension FaultPlan.Target {
    fileprivate var words: String {
        switch self {
        case .everywhere: "every site"
        case .site(let site): site.text
        case .node(let node): "node \(node)"
        }
    }
}

extension FaultPlan.Change {
    fileprivate var words: String {
        var parts: [String] = []
        if let image { parts.append("image \(image)") }
        switch replicas {
        case .count(let count): parts.append("\(count) replicas")
        case .perNode: parts.append("one per node")
        case nil: break
        }
        if let tier { parts.append("tier \(tier.rawValue)") }
        return parts.joined(separator: ", ")
    }
}

/// A number without zeros that say nothing.
private func short(_ value: Double) -> String {
    value == value.rounded() ? String(Int(value)) : thousandths(value)
}
