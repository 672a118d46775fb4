package import Model

/// What is known at one moment about the nodes that other objects depend on: it decides how old
/// the state of an instance really is.
///
/// A node reports an instance when it changes. As long as the node is in contact an old report is
/// current; once it is not, even a young one is only the last that was heard.
package struct Picture: Sendable {
    /// Who answers. A node knows its own instances at first hand, in contact or not.
    package enum Vantage: Hashable, Sendable { case hub, node }

    /// When the server put its answer together: the only clock that ages are counted with.
    package var asOf: WallTime
    package var vantage: Vantage
    private var nodes: [NodeID: NodeStatus] = [:]

    package init(asOf: WallTime, vantage: Vantage, nodes: [Object] = []) {
        self.asOf = asOf
        self.vantage = vantage
        update(nodes)
    }

    package mutating func update(_ objects: [Object]) {
        for case .node(let node) in objects {
            nodes[NodeID(node.metadata.name)] = node.status
        }
    }

    /// How current what is shown about an instance is.
    enum Currency: Hashable {
        /// Confirmed by contact this long ago.
        case current(String)
        /// The last that was heard, this long ago.
        case past(String)
    }

    func currency(of instance: InstanceStatus) -> Currency {
        if vantage == .node { return .current("0s") }
        guard let node = nodes[instance.node] else {
            return .past(Age.text(of: instance.observedAt, asOf: asOf))
        }
        let heard = max(node.lastSeen ?? instance.observedAt, instance.observedAt)
        let age = Age.text(of: heard, asOf: asOf)
        return node.state == .ready ? .current(age) : .past(age)
    }

    func age(_ time: WallTime?) -> String { Age.text(of: time, asOf: asOf) }
}
