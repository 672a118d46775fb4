extension Document.Content: Codable {
    private enum Kind: String {
        case assignment, site, node, policy, changes, secret, deleted
    }

    /// Names a kind, or the one value of a kind, as synthesised coding does.
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }

        static let value = Key(stringValue: "_0")
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let key = container.allKeys.first, container.allKeys.count == 1 else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "a document has one kind of content"))
        }
        guard let kind = Kind(rawValue: key.stringValue) else {
            self = .unknown(
                kind: key.stringValue, try container.decode(Unread.self, forKey: key))
            return
        }
        let fields = try container.nestedContainer(keyedBy: Key.self, forKey: key)
        switch kind {
        case .assignment: self = .assignment(try fields.decode(Assignment.self, forKey: .value))
        case .site: self = .site(try fields.decode(Site.self, forKey: .value))
        case .node: self = .node(try fields.decode(Node.self, forKey: .value))
        case .policy: self = .policy(try fields.decode(PolicyBundle.self, forKey: .value))
        case .secret: self = .secret(try fields.decode(SealedValues.self, forKey: .value))
        case .changes:
            self = .changes(through: try fields.decode(UInt64.self, forKey: .value))
        case .deleted: self = .deleted
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .assignment(let value): try encode(value, as: .assignment, to: &container)
        case .site(let value): try encode(value, as: .site, to: &container)
        case .node(let value): try encode(value, as: .node, to: &container)
        case .policy(let value): try encode(value, as: .policy, to: &container)
        case .secret(let values): try encode(values, as: .secret, to: &container)
        case .changes(let sequence): try encode(sequence, as: .changes, to: &container)
        case .unknown(let kind, let value):
            try container.encode(value, forKey: Key(stringValue: kind))
        case .deleted:
            _ = container.nestedContainer(
                keyedBy: Key.self, forKey: Key(stringValue: Kind.deleted.rawValue))
        }
    }

    private func encode(
        _ value: some Encodable, as kind: Kind, to container: inout KeyedEncodingContainer<Key>
    ) throws {
        var fields = container.nestedContainer(
            keyedBy: Key.self, forKey: Key(stringValue: kind.rawValue))
        try fields.encode(value, forKey: .value)
    }
}

/// A value that this version does not understand, kept as it came.
package indirect enum Unread: Hashable, Sendable {
    case null
    case flag(Bool)
    case whole(Int64)
    case number(Double)
    case text(String)
    case list([Unread])
    case map([String: Unread])
}

extension Unread: Codable {
    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        // Which of them it is can only be tried: a decoder does not tell.
        if value.decodeNil() {
            self = .null
        } else if let flag = Unread.attempt({ try value.decode(Bool.self) }) {
            self = .flag(flag)
        } else if let whole = Unread.attempt({ try value.decode(Int64.self) }) {
            self = .whole(whole)
        } else if let number = Unread.attempt({ try value.decode(Double.self) }) {
            self = .number(number)
        } else if let text = Unread.attempt({ try value.decode(String.self) }) {
            self = .text(text)
        } else if let list = Unread.attempt({ try value.decode([Unread].self) }) {
            self = .list(list)
        } else {
            self = .map(try value.decode([String: Unread].self))
        }
    }

    private static func attempt<Value>(_ read: () throws -> Value) -> Value? {
        do { return try read() } catch { return nil }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .flag(let flag): try container.encode(flag)
        case .whole(let whole): try container.encode(whole)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        case .list(let list): try container.encode(list)
        case .map(let map): try container.encode(map)
        }
    }
}
