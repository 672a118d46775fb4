/// What a document is about: one per kind and name in the feed of a node.
package struct DocumentKey: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    package var kind: String
    package var name: String

    package init(kind: String, name: String) {
        self.kind = kind
        self.name = name
    }

    package static func assignment(_ workload: WorkloadID) -> DocumentKey {
        DocumentKey(kind: "Assignment", name: workload.text)
    }
    package static func site(_ site: SiteID) -> DocumentKey {
        DocumentKey(kind: "Site", name: site.text)
    }
    /// How far the feed covers what people changed at the node.
    package static func changes(_ node: NodeID) -> DocumentKey {
        DocumentKey(kind: "Changes", name: node.text)
    }
    package static func node(_ node: NodeID) -> DocumentKey {
        DocumentKey(kind: "Node", name: node.text)
    }

    package var description: String { "\(kind)/\(name)" }

    package static func < (left: DocumentKey, right: DocumentKey) -> Bool {
        (left.kind, left.name) < (right.kind, right.name)
    }
}

/// A piece of intent on its way from the hub to one node: replaced whole, never older than before.
package struct Document: Hashable, Codable, Sendable {
    package var key: DocumentKey
    /// Counts up in the feed of one node. A reader that holds revision r needs only what is above.
    package var revision: UInt64
    package var content: Content

    package init(key: DocumentKey, revision: UInt64, content: Content) {
        self.key = key
        self.revision = revision
        self.content = content
    }

    package enum Content: Hashable, Codable, Sendable {
        case assignment(Assignment)
        case site(Site)
        case node(Node)
        /// What the other documents say takes in every change that a person made at the node, up to
        /// this entry of its log.
        case changes(through: UInt64)
        /// The thing is no longer wanted. Kept until the node has made it durable.
        case deleted
    }
}

/// The instances of one workload that one node shall run.
package struct Assignment: Hashable, Codable, Sendable {
    package var workload: Workload
    package var ordinals: [Int]

    package init(workload: Workload, ordinals: [Int]) {
        self.workload = workload
        self.ordinals = ordinals
    }
}
