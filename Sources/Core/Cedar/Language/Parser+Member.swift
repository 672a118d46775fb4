extension Parser {
    mutating func member() throws(Abandoned) -> Expression {
        let place = current.start
        var inner = try primary()
        while true {
            switch current.kind {
            case .dot:
                advance()
                inner = try access(inner, at: place)
            case .openBracket:
                advance()
                guard current.kind == .string else {
                    throw unexpected("an attribute in quotes", fix: "write [\"name\"]")
                }
                inner = try make(.attribute(inner, try string()), at: place)
                try take(.closeBracket)
            case .openParenthesis:
                throw unexpected("an operator", fix: "only functions and methods take arguments")
            default: return inner
            }
        }
    }

    private mutating func access(
        _ inner: Expression, at place: Int
    ) throws(Abandoned) -> Expression {
        guard current.kind == .word, peek().kind == .openParenthesis else {
            return try make(.attribute(inner, try name("an attribute")), at: place)
        }
        let method = text(current)
        let methodPlace = current.start
        advance()
        let arguments = try arguments()
        if let operation = Self.operators[method] {
            guard let argument = arguments.first, arguments.count == 1 else {
                throw abandon(wrongCount(method, 1, arguments.count, at: methodPlace))
            }
            return try make(.binary(operation, inner, argument), at: place)
        }
        if method == "isEmpty" {
            guard arguments.isEmpty else {
                throw abandon(wrongCount(method, 0, arguments.count, at: methodPlace))
            }
            return try make(.isEmpty(inner), at: place)
        }
        guard let function = Function(rawValue: method) else {
            throw abandon(unknownMethod(method, at: methodPlace))
        }
        guard function.isMethod else {
            throw abandon(
                Fault(
                    methodPlace, "'\(method)' is a function and no method",
                    fix: "write \(method)(...)"))
        }
        return try make(.call(function, [inner] + arguments), at: place)
    }

    private static let operators: [String: Expression.Operator] = [
        "contains": .contains, "containsAll": .containsAll, "containsAny": .containsAny,
        "getTag": .tag, "hasTag": .hasTag,
    ]

    private func wrongCount(_ name: String, _ wanted: Int, _ found: Int, at place: Int) -> Fault {
        let arguments = wanted == 1 ? "argument" : "arguments"
        return Fault(place, "'\(name)' takes \(wanted) \(arguments), and here are \(found)")
    }

    private func unknownMethod(_ name: String, at place: Int) -> Fault {
        let known =
            Self.operators.keys + ["isEmpty"]
            + Function.allCases.filter(\.isMethod).map(\.rawValue)
        return Fault(
            place, "there is no method '\(name)'",
            fix: nearest(to: name, among: known.sorted()).map { "did you mean '\($0)'?" })
    }

    private mutating func arguments() throws(Abandoned) -> [Expression] {
        try list(.openParenthesis, .closeParenthesis) { (parser) throws(Abandoned) in
            try parser.expression()
        }
    }

    // MARK: Primaries

    private mutating func primary() throws(Abandoned) -> Expression {
        let place = current.start
        switch current.kind {
        case .number: return try number(isNegative: false)
        case .string: return Expression(.string(try string()), at: place)
        case .word: return try word()
        case .slot: throw slot()
        case .openParenthesis:
            advance()
            let inner = try expression()
            try take(.closeParenthesis)
            return inner
        case .openBracket:
            let elements = try list(.openBracket, .closeBracket) { (parser) throws(Abandoned) in
                try parser.expression()
            }
            return try make(.set(elements), at: place)
        case .openBrace: return try make(.record(try fields()), at: place)
        default: throw unexpected("an expression")
        }
    }

    private mutating func fields() throws(Abandoned) -> [(key: Text, value: Expression)] {
        var keys: Set<Text> = []
        return try list(.openBrace, .closeBrace) { (parser) throws(Abandoned) in
            let place = parser.current.start
            let key =
                parser.current.kind == .string
                ? try parser.string() : try parser.name("a key of a record")
            try parser.take(.colon)
            if !keys.insert(key).inserted {
                parser.note(Fault(place, "the key \(quoted(key.string)) twice in one record"))
            }
            return (key, try parser.expression())
        }
    }

    private mutating func word() throws(Abandoned) -> Expression {
        let place = current.start
        let first = text(current)
        let isPath = peek().kind == .doubleColon
        if !isPath {
            if let constant = ["true": true, "false": false][first] {
                advance()
                return Expression(.bool(constant), at: place)
            }
            if first == "if" {
                throw unexpected("an operand", fix: "put 'if ... then ... else ...' in brackets")
            }
            if let variable = Expression.Variable(rawValue: first) {
                advance()
                return Expression(.variable(variable), at: place)
            }
        }
        let path = try path("a name")
        if takes(.doubleColon) {
            return Expression(.entity(EntityUID(type: path, id: try string())), at: place)
        }
        guard current.kind == .openParenthesis else {
            throw abandon(unknownName(path.string, at: place))
        }
        return try call(path.string, at: place)
    }

    private func unknownName(_ name: String, at place: Int) -> Fault {
        let variables = Expression.Variable.allCases.map(\.rawValue)
        let near = nearest(to: name, among: variables + ["true", "false"])
        return Fault(
            place, "'\(name)' means nothing here",
            fix: near.map { "did you mean '\($0)'?" }
                ?? "an entity is written \(name)::\"its id\", and a string in quotes")
    }

    private mutating func call(_ name: String, at place: Int) throws(Abandoned) -> Expression {
        guard let function = Function(rawValue: name) else {
            let known = Function.allCases.filter { !$0.isMethod }.map(\.rawValue)
            let fix =
                Self.operators[name] != nil || name == "isEmpty"
                ? "it is a method: write x.\(name)(...)"
                : nearest(to: name, among: known).map { "did you mean '\($0)'?" }
                    ?? "there are \(known.joined(separator: ", "))"
            throw abandon(Fault(place, "there is no function '\(name)'", fix: fix))
        }
        guard !function.isMethod else {
            throw abandon(
                Fault(
                    place, "'\(name)' is a method and no function", fix: "write x.\(name)(...)"))
        }
        return try make(.call(function, try arguments()), at: place)
    }
}
