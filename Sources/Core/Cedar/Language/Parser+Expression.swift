extension Parser {
    /// Everything that nests goes through here. The chain of calls down to the next bracket is kept
    /// short and free of closures, as it is what takes stack.
    mutating func expression() throws(Abandoned) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.depth else { throw tooDeep(current.start) }
        return isWord("if") ? try choice() : try disjunction()
    }

    /// Refuses what is nested too deep by operators alone, which open no bracket.
    mutating func make(_ kind: Expression.Kind, at offset: Int) throws(Abandoned) -> Expression {
        let expression = Expression(kind, at: offset)
        guard expression.height <= limits.depth else { throw tooDeep(offset) }
        return expression
    }

    private mutating func choice() throws(Abandoned) -> Expression {
        let place = current.start
        advance()
        let test = try expression()
        guard takes(word: "then") else { throw unexpected("'then'") }
        let yes = try expression()
        guard takes(word: "else") else {
            throw unexpected("'else'", fix: "'if' always has both 'then' and 'else'")
        }
        return try make(.choice(test, then: yes, else: try expression()), at: place)
    }

    private mutating func disjunction() throws(Abandoned) -> Expression {
        let place = current.start
        let first = try conjunction()
        guard current.kind == .or else { return first }
        var parts = [first]
        while takes(.or) { parts.append(try conjunction()) }
        return try make(.some(parts), at: place)
    }

    private mutating func conjunction() throws(Abandoned) -> Expression {
        let place = current.start
        let first = try relation()
        guard current.kind == .and else { return first }
        var parts = [first]
        while takes(.and) { parts.append(try relation()) }
        return try make(.every(parts), at: place)
    }

    // MARK: Relations

    private mutating func relation() throws(Abandoned) -> Expression {
        let place = current.start
        let left = try sum()
        guard let relation = try relation(of: left, at: place) else { return left }
        if comparison != nil || ["has", "like", "is"].contains(where: { isWord($0) }) {
            throw unexpected(
                "the end of the comparison", fix: "comparisons do not chain; use '&&' or brackets")
        }
        return relation
    }

    private mutating func relation(
        of left: Expression, at place: Int
    ) throws(Abandoned) -> Expression? {
        if let comparison {
            advance()
            return try make(.binary(comparison, left, try sum()), at: place)
        }
        if takes(word: "has") { return try make(.has(left, try attributePath()), at: place) }
        if takes(word: "like") { return try make(.like(left, try pattern()), at: place) }
        if takes(word: "is") {
            let type = try path("the type of an entity")
            if current.kind == .doubleColon {
                throw unexpected("a type", fix: "to compare with one entity use '=='")
            }
            let group = takes(word: "in") ? try sum() : nil
            return try make(.isType(left, type, within: group), at: place)
        }
        if current.kind == .assign { throw unexpected("'=='", fix: "write '==' to compare") }
        return nil
    }

    private var comparison: Expression.Operator? {
        switch current.kind {
        case .equal: .equal
        case .unequal: .unequal
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        case .word where isWord("in"): .within
        default: nil
        }
    }

    private mutating func attributePath() throws(Abandoned) -> [Text] {
        if current.kind == .string { return [try string()] }
        var names = [try name("an attribute")]
        while takes(.dot) { names.append(try name("an attribute")) }
        // Each name is one more test and one more access when the policy is decided.
        guard names.count <= limits.depth else { throw tooDeep(current.start) }
        return names
    }

    private mutating func pattern() throws(Abandoned) -> [PatternPart] {
        let token = try take(.string, fix: "'like' takes a pattern in quotes")
        do {
            return try Escapes.pattern(source, token)
        } catch {
            note(error)
            return []
        }
    }

    // MARK: Arithmetic

    private mutating func sum() throws(Abandoned) -> Expression {
        let place = current.start
        var left = try product()
        while current.kind == .plus || current.kind == .minus {
            let operation: Expression.Operator = current.kind == .plus ? .plus : .minus
            advance()
            left = try make(.binary(operation, left, try product()), at: place)
        }
        return left
    }

    private mutating func product() throws(Abandoned) -> Expression {
        let place = current.start
        var left = try unary()
        while takes(.times) {
            left = try make(.binary(.times, left, try unary()), at: place)
        }
        if current.kind == .divide || current.kind == .remainder {
            throw unexpected("an operator of Cedar", fix: "Cedar adds, subtracts and multiplies")
        }
        return left
    }

    private mutating func unary() throws(Abandoned) -> Expression {
        let place = current.start
        let sign = current.kind
        guard sign == .not || sign == .minus else { return try member() }
        var count = 0
        while takes(sign) { count += 1 }
        guard count <= 4 else {
            throw abandon(Fault(place, "more than four '\(sign == .not ? "!" : "-")' in a row"))
        }
        if current.kind == .not || current.kind == .minus {
            throw unexpected("an operand", fix: "put brackets between '!' and '-'")
        }
        var inner: Expression
        if sign == .minus, current.kind == .number, !continuesMember(peek().kind) {
            // The smallest number has no positive twin, so the sign belongs to the literal.
            inner = try number(isNegative: true)
            count -= 1
        } else {
            inner = try member()
        }
        for _ in 0..<count {
            inner = try make(sign == .not ? .not(inner) : .negate(inner), at: place)
        }
        return inner
    }

    private func continuesMember(_ kind: Token.Kind) -> Bool {
        kind == .dot || kind == .openBracket || kind == .openParenthesis
    }

    mutating func number(isNegative: Bool) throws(Abandoned) -> Expression {
        let token = try take(.number)
        let digits = (isNegative ? "-" : "") + text(token)
        guard let value = Int64(digits) else {
            note(
                Fault(
                    token.start, "\(digits.prefix(40)) does not fit into 64 bits",
                    fix: "numbers reach from \(Int64.min) to \(Int64.max)"))
            return Expression(.long(0), at: token.start)
        }
        return Expression(.long(value), at: token.start)
    }
}
