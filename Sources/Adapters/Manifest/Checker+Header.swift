import Model

extension Checker {
    /// Reads what kind of object a document is, since everything else depends on it; nil where that
    /// is not known or the object may not be written.
    mutating func readHeader(_ written: Written) -> Kind? {
        guard case .map = written.content else {
            add(
                .notAnObject, written, at: "", "found \(written.description) instead of an object",
                fix: "start with apiVersion: \(apiVersion), kind, metadata and spec")
            return nil
        }
        let kind = readKind(written)
        objectName = written["metadata"]?["name"]?.text
        if let kind {
            object = kind.rawValue + (objectName.map { "/\(shown($0))" } ?? "")
        }
        checkVersion(written)
        return kind
    }

    private mutating func readKind(_ written: Written) -> Kind? {
        let known = Schema.writtenKinds.map(\.rawValue)
        guard let entry = written["kind"], !entry.isNull else {
            add(
                .missingField, at: written.place, path: "kind", "required field 'kind' is missing",
                fix: "write 'kind: Workload', 'kind: Site' or 'kind: Policy'")
            return nil
        }
        guard let word = entry.text else {
            wrongType(entry, wanted: "a kind", at: "kind", fix: "write 'kind: Workload'")
            return nil
        }
        guard let kind = Kind(rawValue: word) else {
            let near = Schema.foreignKinds[word] ?? nearest(to: word, among: known)
            add(
                .unknownKind, entry, at: "kind", "unknown kind \(quoted(word))",
                fix: near.map { "did you mean '\($0)'?" }
                    ?? "the kinds are: \(known.joined(separator: ", "))",
                replacement: near)
            return nil
        }
        guard Schema.writtenKinds.contains(kind) else {
            let fix =
                kind == .node
                ? "make a token with `skerry token create` and join the node with it"
                : "write a Workload; its instances are made for it"
            add(
                .kindNotWritten, entry, at: "kind", "\(word) objects are not made from files",
                fix: fix)
            return nil
        }
        return kind
    }

    /// A wrong version hides nothing: the rest is checked as if it were right. The schema cannot
    /// do this check, since it would speak of a word and not of a version.
    mutating func checkVersion(_ written: Written) {
        guard let entry = written["apiVersion"], let version = entry.text, version != apiVersion
        else { return }
        add(
            .unknownVersion, entry, at: "apiVersion", "unknown apiVersion \(quoted(version))",
            fix: "write '\(apiVersion)'", replacement: apiVersion)
    }
}
