/// Whether a node and its hub are of one mind about what the hub has said.
package enum Timeline: Hashable, Codable, Sendable {
    /// The node holds what this hub gave it, as far as it came.
    case shared
    /// This hub is a copy of an earlier one, and the node was not compared with it since. `head` is the
    /// newest revision that the copy knows of, and `epoch` the one of the hub that it was made of: a
    /// node that obeyed that hub last and holds no more is only behind.
    case awaited(since: WallTime, head: UInt64, epoch: UInt64? = nil)
    /// The node holds what this hub does not say. It is sent nothing until a person chooses.
    case paused(since: WallTime, held: [Document], through: UInt64)
}

/// One thing about which a node and its hub differ.
package struct Conflict: Hashable, Codable, Sendable {
    package var node: NodeID
    package var kind: Kind
    package var name: String
    /// Nil where that side has nothing of the kind.
    package var atHub: Object?
    package var atNode: Object?
    /// Of a workload: which of its copies the node runs, by the word of either side.
    package var copiesAtHub: [Int]
    package var copiesAtNode: [Int]

    package init(
        node: NodeID, kind: Kind, name: String, atHub: Object?, atNode: Object?,
        copiesAtHub: [Int] = [], copiesAtNode: [Int] = []
    ) {
        self.node = node
        self.kind = kind
        self.name = name
        self.atHub = atHub
        self.atNode = atNode
        self.copiesAtHub = copiesAtHub
        self.copiesAtNode = copiesAtNode
    }
}

/// The answer to a question for conflicts.
package struct ConflictList: Hashable, Codable, Sendable {
    package var items: [Conflict]
    package var asOf: WallTime

    package init(items: [Conflict], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}
