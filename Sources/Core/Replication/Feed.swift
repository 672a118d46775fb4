package import Model

/// The documents meant for one node, as the hub keeps them.
///
/// Holds the newest document of each key, so a reader that has revision r catches up with exactly
/// the documents above r. Revisions only grow. A deletion stays as a tombstone until the node has
/// made it durable.
package struct Feed: Equatable, Sendable {
    package private(set) var head: UInt64
    private var documents: Table<DocumentKey, Document> = Table()

    package init(documents: [Document] = [], head: UInt64 = 0) {
        self.head = max(head, documents.map(\.revision).max() ?? 0)
        for document in documents { self.documents.insert(document, for: document.key) }
    }

    package var keys: [DocumentKey] { documents.keys }

    package subscript(key: DocumentKey) -> Document.Content? { documents[key]?.content }

    /// Makes `content` the newest word on `key`. Answers the new document, or nil where that is
    /// what the feed says already.
    package mutating func publish(_ content: Document.Content, for key: DocumentKey) -> Document? {
        let current = documents[key]?.content
        guard content != current, content != .deleted || current != nil else { return nil }
        head += 1
        let document = Document(key: key, revision: head, content: content)
        documents.insert(document, for: key)
        return document
    }

    /// The newest revision that is still told of; at most `head`.
    package var newest: UInt64 { documents.rows.map(\.revision).max() ?? 0 }

    /// Gives no number up to `revision` any more.
    package mutating func raise(to revision: UInt64) { head = max(head, revision) }

    /// Says once more what holds about `key`, under a number above `revision`; where nothing is known of
    /// it, that it is gone. Nil where it was said above that number already.
    package mutating func restate(_ key: DocumentKey, above revision: UInt64) -> Document? {
        guard documents[key]?.revision ?? 0 <= revision else { return nil }
        head = max(head, revision) + 1
        let document = Document(
            key: key, revision: head, content: documents[key]?.content ?? .deleted)
        documents.insert(document, for: key)
        return document
    }

    /// What a node that holds everything up to `revision` lacks, oldest first.
    package func documents(after revision: UInt64) -> [Document] {
        documents.rows.filter { $0.revision > revision }.sorted { $0.revision < $1.revision }
    }

    /// Drops the tombstones that the node holds, and names them.
    package mutating func confirm(through revision: UInt64) -> [DocumentKey] {
        let settled = documents.rows.filter { $0.content == .deleted && $0.revision <= revision }
        for document in settled { documents.remove(document.key) }
        return settled.map(\.key)
    }
}
