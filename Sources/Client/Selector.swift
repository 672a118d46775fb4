/// What labels or facts an object must have, as in `-l site=rural,tier!=3,gpu,!old`.
package struct Selector: Hashable, Sendable {
    private enum Requirement: Hashable, Sendable {
        case equals(String, String)
        case differs(String, String)
        case exists(String)
        case lacks(String)
    }

    private var requirements: [Requirement] = []

    package init() {}

    package init(_ text: String) throws(Failure) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            requirements.append(try Selector.requirement(part, in: text))
        }
    }

    private static func requirement(
        _ part: Substring, in text: String
    ) throws(Failure) -> Requirement {
        for sign in ["!=", "==", "="] {
            guard let range = part.firstRange(of: sign) else { continue }
            let (key, value) = (
                String(part[..<range.lowerBound]), String(part[range.upperBound...])
            )
            guard !key.isEmpty, !key.contains("!"), !value.contains("=") else { break }
            return sign == "!=" ? .differs(key, value) : .equals(key, value)
        }
        let key = part.hasPrefix("!") ? part.dropFirst() : part
        guard !key.isEmpty, !key.contains(where: { "=! ()".contains($0) }) else {
            throw Failure(
                .usage, "'\(text)' is no label selector; write for example -l site=rural,tier!=3")
        }
        return part.hasPrefix("!") ? .lacks(String(key)) : .exists(String(key))
    }

    package var isEmpty: Bool { requirements.isEmpty }

    /// As the server reads it.
    package var text: String {
        requirements.map { requirement in
            switch requirement {
            case .equals(let key, let value): "\(key)=\(value)"
            case .differs(let key, let value): "\(key)!=\(value)"
            case .exists(let key): key
            case .lacks(let key): "!\(key)"
            }
        }.joined(separator: ",")
    }

    package func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .equals(let key, let value): labels[key] == value
            case .differs(let key, let value): labels[key] != value
            case .exists(let key): labels[key] != nil
            case .lacks(let key): labels[key] == nil
            }
        }
    }
}
