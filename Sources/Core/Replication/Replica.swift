package import Model

/// The documents a node holds. Versions never go back: an older word on a key is not taken.
package struct Replica: Equatable, Sendable {
    /// The revision up to which nothing is missing.
    package private(set) var through: UInt64
    private var documents: Table<DocumentKey, Document> = Table()

    package init(documents: [Document], through: UInt64) {
        self.through = through
        for document in documents { self.documents.insert(document, for: document.key) }
    }

    package var all: [Document] { documents.rows }
    package var contents: [Document.Content] { documents.rows.map(\.content) }

    package subscript(key: DocumentKey) -> Document.Content? { documents[key]?.content }

    /// Takes a batch that leaves nothing missing up to `through`, and answers what to make durable.
    package mutating func take(_ batch: [Document], through: UInt64) -> [NodeWrite] {
        guard through > self.through else { return [] }
        var writes: [NodeWrite] = []
        for document in batch where document.revision > documents[document.key]?.revision ?? 0 {
            if document.content == .deleted {
                guard documents.remove(document.key) != nil else { continue }
                writes.append(.removeDocument(document.key))
            } else {
                documents.insert(document, for: document.key)
                writes.append(.document(document))
            }
        }
        self.through = through
        return writes + [.appliedRevision(through)]
    }

    /// Takes one that did not come through the feed. It has the revision of what it replaces, so the
    /// hub's own word on the key still comes after it.
    package mutating func carry(_ content: Document.Content, as key: DocumentKey) -> NodeWrite {
        let document = Document(
            key: key, revision: documents[key]?.revision ?? 0, content: content)
        documents.insert(document, for: key)
        return .document(document)
    }
}
