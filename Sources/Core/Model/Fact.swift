/// Something that is told of a request for a policy to judge, in the forms that JSON and Cedar share.
package indirect enum Fact: Hashable, Sendable {
    case text(String)
    case number(Int64)
    case flag(Bool)
    case list([Fact])
    case record([String: Fact])
}

extension Fact: Codable {
    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = Fact.attempt({ try value.decode(String.self) }) {
            self = .text(text)
        } else if let flag = Fact.attempt({ try value.decode(Bool.self) }) {
            self = .flag(flag)
        } else if let number = Fact.attempt({ try value.decode(Int64.self) }) {
            self = .number(number)
        } else if let items = Fact.attempt({ try value.decode([Fact].self) }) {
            self = .list(items)
        } else {
            self = .record(try value.decode([String: Fact].self))
        }
    }

    /// Nil where it is in another form.
    private static func attempt<Value>(_ read: () throws -> Value) -> Value? {
        do { return try read() } catch { return nil }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .text(let text): try value.encode(text)
        case .number(let number): try value.encode(number)
        case .flag(let flag): try value.encode(flag)
        case .list(let items): try value.encode(items)
        case .record(let fields): try value.encode(fields)
        }
    }
}
