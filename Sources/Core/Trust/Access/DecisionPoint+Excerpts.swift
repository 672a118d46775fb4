import Cedar
package import Model

/// What the policies say that decided, and where that is written.
extension DecisionPoint {
    /// The policies with these ids, in their order; those that hold no more are left out.
    package func excerpts(of ids: [String]) -> [PolicyExcerpt] {
        ids.compactMap(excerpt)
    }

    private func excerpt(_ id: String) -> PolicyExcerpt? {
        let parts = id.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        if parts[0] == "stock" { return stock(id) }
        guard let policy = sources.first(where: { $0.reference.name == parts[0] }) else {
            return nil
        }
        let reference = policy.reference
        for (index, binding) in policy.spec.roleBindings.enumerated() {
            let name = "\(reference.name)/\(binding.role.rawValue)/\(index)"
            guard id == name || id == name + "/policy" else { continue }
            let sites = binding.sites.isEmpty ? "" : " at \(list(binding.sites.map(\.text)))"
            return PolicyExcerpt(
                id: id, place: "policy \(reference), spec.roleBindings[\(index)]",
                text: "\(binding.role.rawValue): \(list(binding.users))\(sites)")
        }
        guard let cedar = policy.spec.cedar else { return nil }
        return excerpt(id, behind: reference.name + "/", in: cedar) {
            "policy \(reference), spec.cedar line \($0)"
        }
    }

    private func stock(_ id: String) -> PolicyExcerpt? {
        for text in [
            StockPolicies.text, StockPolicies.nobodyBound, StockPolicies.broken,
            StockPolicies.brokenGlass,
        ] {
            if let found = excerpt(id, behind: "", in: text, place: { _ in "built into Skerry" }) {
                return found
            }
        }
        return nil
    }

    private func excerpt(
        _ id: String, behind prefix: String, in text: String, place: (Int) -> String
    ) -> PolicyExcerpt? {
        let statements: [Statement]
        do { statements = try PolicyText(text).statements } catch { return nil }
        let pieces = DecisionPoint.pieces(of: text)
        guard pieces.count == statements.count else { return nil }
        for (statement, piece) in zip(statements, pieces) {
            let name = prefix + (statement.annotation("id") ?? statement.id).string
            guard name == id else { continue }
            return PolicyExcerpt(id: id, place: place(piece.line), text: piece.text)
        }
        return nil
    }

    private func list(_ names: [String]) -> String {
        let shown = names.prefix(8).joined(separator: ", ")
        return names.count > 8 ? shown + " and \(names.count - 8) more" : shown
    }

    /// The statements of a text that can be read, each without what is between them, and with the line
    /// on which it begins. A semicolon ends one, except in strings and comments.
    static func pieces(of text: String) -> [(text: String, line: Int)] {
        var pieces: [(text: String, line: Int)] = []
        var piece: [UInt8] = []
        var line = 1
        var first = 1
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            let isComment = byte == UInt8(ascii: "/") && bytes.first == byte
            if isComment {
                bytes = bytes.drop { $0 != 10 }
                continue
            }
            if byte == 10 { line += 1 }
            let isSpace = byte == 32 || (9...13).contains(byte)
            if piece.isEmpty {
                if isSpace { continue }
                first = line
            }
            piece.append(byte)
            if byte == UInt8(ascii: "\"") { takeString(from: &bytes, into: &piece) }
            if byte == UInt8(ascii: ";") {
                pieces.append((String(decoding: piece, as: UTF8.self), first))
                piece = []
            }
        }
        return pieces
    }

    private static func takeString(from bytes: inout ArraySlice<UInt8>, into piece: inout [UInt8]) {
        while let byte = bytes.popFirst() {
            piece.append(byte)
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\"), let escaped = bytes.popFirst() { piece.append(escaped) }
        }
    }
}
