/// A piece of policy text that the grammar does not divide.
struct Token: Equatable {
    enum Kind: Equatable {
        case word, number, string, slot
        case at, dot, comma, semicolon, colon, doubleColon
        case openParenthesis, closeParenthesis, openBrace, closeBrace, openBracket, closeBracket
        case equal, unequal, less, lessOrEqual, greater, greaterOrEqual, assign
        case or, and, not, plus, minus, times, divide, remainder
        /// What is no token: the lexer has named the mistake already.
        case broken
        case end
    }

    let kind: Kind
    /// In bytes from the beginning of the text.
    let start: Int
    let end: Int
}

extension Token.Kind {
    /// For people.
    var name: String {
        switch self {
        case .word: "a word"
        case .number: "a number"
        case .string: "a string"
        case .slot: "a slot of a template"
        case .end: "the end of the text"
        default: text.map { "'\($0)'" } ?? "no token"
        }
    }

    /// How a sign is written; nil for what is no sign.
    var text: String? { Self.signs[self] }

    /// The sign that two bytes begin with, which is the longer one where there are two.
    static func sign(_ first: UInt8, _ second: UInt8?) -> Token.Kind? {
        if let second, let pair = byBytes[[first, second]] { return pair }
        return byBytes[[first]]
    }

    private static let byBytes = Dictionary(
        uniqueKeysWithValues: signs.map { (Array($0.value.utf8), $0.key) })

    private static let signs: [Token.Kind: String] = [
        .doubleColon: "::", .equal: "==", .unequal: "!=", .lessOrEqual: "<=",
        .greaterOrEqual: ">=", .or: "||", .and: "&&", .at: "@", .dot: ".", .comma: ",",
        .semicolon: ";", .colon: ":", .openParenthesis: "(", .closeParenthesis: ")",
        .openBrace: "{", .closeBrace: "}", .openBracket: "[", .closeBracket: "]", .less: "<",
        .greater: ">", .assign: "=", .not: "!", .plus: "+", .minus: "-", .times: "*",
        .divide: "/", .remainder: "%",
    ]
}
