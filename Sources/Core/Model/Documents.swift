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
    package static func policy(_ name: String) -> DocumentKey {
        DocumentKey(kind: "Policy", name: name)
    }
    package static func node(_ node: NodeID) -> DocumentKey {
        DocumentKey(kind: "Node", name: node.text)
    }

    package static func secret(_ secret: SecretID) -> DocumentKey {
        DocumentKey(kind: "Secret", name: secret.text)
    }

    package var isPolicy: Bool { kind == DocumentKey.policy("").kind }

    package var description: String { "\(kind)/\(name)" }

    package static func < (left: DocumentKey, right: DocumentKey) -> Bool {
        (left.kind, left.name) < (right.kind, right.name)
    }
}

/// A piece of intent on its way from the hub to one node: replaced whole, never older than before.
package struct Document: Sendable {
    package var key: DocumentKey
    /// Counts up in the feed of one node. A reader that holds revision r needs only what is above.
    package var revision: UInt64
    package var content: Content {
        // What was read is no longer what is said.
        didSet { received = nil }
    }
    /// The content as it came, with fields that this version does not know: a node keeps them for the
    /// version that will. No part of equality.
    private(set) var received: Unread?

    package init(key: DocumentKey, revision: UInt64, content: Content) {
        self.key = key
        self.revision = revision
        self.content = content
    }

    package enum Content: Hashable, Sendable {
        case assignment(Assignment)
        case site(Site)
        case node(Node)
        /// What the other documents say takes in every change that a person made at the node, up to
        /// this entry of its log.
        case changes(through: UInt64)
        case policy(PolicyBundle)
        /// Sealed for the hub in its feed, and for the node on its way there.
        case secret(SealedValues)
        /// Of a kind that this version does not know: a newer hub made it. Kept as it came, for the
        /// version that will know it.
        case unknown(kind: String, Unread)
        /// The thing is no longer wanted. Kept until the node has made it durable.
        case deleted
    }
}

extension Document: Hashable {
    package static func == (left: Document, right: Document) -> Bool {
        left.revision == right.revision && left.key == right.key && left.content == right.content
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(revision)
        hasher.combine(content)
    }
}

extension Document: Codable {
    private enum Field: String, CodingKey { case key, revision, content }

    /// Set to true in the `userInfo` of a node's decoders, which must lose nothing of a document.
    // Any text is a raw value.
    package static let keepsReceived = CodingUserInfoKey(rawValue: "skerry.keepsReceived")!

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        self.init(
            key: try fields.decode(DocumentKey.self, forKey: .key),
            revision: try fields.decode(UInt64.self, forKey: .revision),
            content: try fields.decode(Content.self, forKey: .content))
        guard decoder.userInfo[Document.keepsReceived] as? Bool == true else { return }
        received = try fields.decode(Unread.self, forKey: .content)
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Field.self)
        try fields.encode(key, forKey: .key)
        try fields.encode(revision, forKey: .revision)
        if let received {
            try fields.encode(received, forKey: .content)
        } else {
            try fields.encode(content, forKey: .content)
        }
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
