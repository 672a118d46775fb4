/// Which objects a list request means, in kubectl's words: `a=b,c!=d,e,!f`. All parts must hold.
struct LabelSelector: Equatable, Sendable {
    enum Requirement: Equatable, Sendable {
        case equal(String, String)
        /// Also holds where there is no such label.
        case unequal(String, String)
        case present(String)
        case absent(String)
    }

    /// The first part that cannot be read.
    struct Unreadable: Error, Equatable {
        let part: String
    }

    private(set) var requirements: [Requirement] = []

    init(_ text: String) throws(Unreadable) {
        for part in text.split(separator: ",") {
            requirements.append(try Requirement(part))
        }
    }

    func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .equal(let key, let value): labels[key] == value
            case .unequal(let key, let value): labels[key] != value
            case .present(let key): labels[key] != nil
            case .absent(let key): labels[key] == nil
            }
        }
    }
}

extension LabelSelector.Requirement {
    fileprivate init(_ part: Substring) throws(LabelSelector.Unreadable) {
        let text = part.trimmed
        guard let sign = text.firstIndex(where: { $0 == "=" || $0 == "!" }) else {
            self = .present(try key(text, in: part))
            return
        }
        if sign == text.startIndex, text.first == "!" {
            self = .absent(try key(text.dropFirst().trimmed, in: part))
            return
        }
        let name = try key(text[..<sign].trimmed, in: part)
        let rest = text[sign...]
        if rest.hasPrefix("!=") {
            self = .unequal(name, try value(rest.dropFirst(2), in: part))
        } else if rest.hasPrefix("==") {
            self = .equal(name, try value(rest.dropFirst(2), in: part))
        } else if rest.hasPrefix("=") {
            self = .equal(name, try value(rest.dropFirst(), in: part))
        } else {
            throw .init(part: String(part))
        }
    }
}

private func key(
    _ text: Substring, in part: Substring
) throws(LabelSelector.Unreadable) -> String {
    guard !text.isEmpty, !text.contains(where: { "=! ()".contains($0) }) else {
        throw .init(part: String(part))
    }
    return String(text)
}

private func value(
    _ text: Substring, in part: Substring
) throws(LabelSelector.Unreadable) -> String {
    let text = text.trimmed
    guard !text.contains(where: { "=! ()".contains($0) }) else { throw .init(part: String(part)) }
    return String(text)
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
