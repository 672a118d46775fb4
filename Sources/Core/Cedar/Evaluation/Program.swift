/// Policies in the form in which they are decided: expressions lie flat in one array and name what they
/// use by number.
struct Program: Sendable {
    /// Operands are indices into `nodes`; a span is a part of `operands`.
    enum Node: Sendable {
        case constant(Datum)
        /// A function of constants that fails whenever it is reached.
        case failure(Failure)
        case variable(Expression.Variable)
        case not(Int32)
        case negate(Int32)
        case every(Span)
        case some(Span)
        case choice(Int32, Int32, Int32)
        case binary(Expression.Operator, Int32, Int32)
        case isEmpty(Int32)
        case attribute(Int32, Int32)
        /// The span holds keys.
        case has(Int32, Span)
        /// The index of a pattern.
        case like(Int32, Int32)
        /// The last is a node, or -1 for none.
        case isType(Int32, Int32, Int32)
        case set(Span)
        /// The span holds a key and a node by turns, in the order of the keys.
        case record(Span)
        case call(Function, Span)
    }

    struct Span: Sendable {
        let first: Int32
        let count: Int32

        var range: Range<Int> { Int(first)..<Int(first + count) }
    }

    enum Scope: Sendable {
        case any
        case equal(Int32)
        case within(Int32)
        case type(Int32)
        case typeWithin(Int32, Int32)
    }

    enum Actions: Sendable {
        case any
        case equal(Int32)
        case within([Int32])
    }

    struct Rule: Sendable {
        let id: Text
        let isForbid: Bool
        let principal: Scope
        let actions: Actions
        let resource: Scope
        let conditions: [(root: Int32, isRequired: Bool)]
    }

    private(set) var nodes: [Node] = []
    private(set) var operands: [Int32] = []
    private(set) var patterns: [[PatternPart]] = []
    private(set) var rules: [Rule] = []

    init(_ statements: [Statement], _ symbols: inout Symbols) {
        for statement in statements {
            let rule = Rule(
                id: statement.id, isForbid: statement.effect == .forbid,
                principal: Self.scope(statement.principal, &symbols),
                actions: Self.actions(statement.actions, &symbols),
                resource: Self.scope(statement.resource, &symbols),
                conditions: statement.conditions.map {
                    (compile($0.body, &symbols), $0.isRequired)
                })
            rules.append(rule)
        }
    }

    private static func scope(_ scope: Statement.Scope, _ symbols: inout Symbols) -> Scope {
        switch scope {
        case .any: .any
        case .equal(let uid): .equal(symbols.uid(uid))
        case .within(let uid): .within(symbols.uid(uid))
        case .type(let type): .type(symbols.type(type))
        case .typeWithin(let type, let uid): .typeWithin(symbols.type(type), symbols.uid(uid))
        }
    }

    private static func actions(_ actions: Statement.Actions, _ symbols: inout Symbols) -> Actions {
        switch actions {
        case .any: .any
        case .equal(let uid): .equal(symbols.uid(uid))
        case .within(let uids): .within(uids.map { symbols.uid($0) })
        }
    }

    // MARK: Expressions

    private mutating func add(_ node: Node) -> Int32 {
        nodes.append(node)
        return Int32(nodes.count - 1)
    }

    private mutating func span(_ numbers: [Int32]) -> Span {
        operands.append(contentsOf: numbers)
        return Span(first: Int32(operands.count - numbers.count), count: Int32(numbers.count))
    }

    private mutating func compile(_ expression: Expression, _ symbols: inout Symbols) -> Int32 {
        if let constant = Self.constant(expression, &symbols) { return add(constant) }
        let node = node(expression.kind, &symbols)
        return add(node)
    }

    private mutating func compile(_ parts: [Expression], _ symbols: inout Symbols) -> Span {
        var indices: [Int32] = []
        for part in parts { indices.append(compile(part, &symbols)) }
        return span(indices)
    }

    private mutating func node(_ kind: Expression.Kind, _ symbols: inout Symbols) -> Node {
        switch kind {
        case .bool(let value): return .constant(.bool(value))
        case .long(let value): return .constant(.long(value))
        case .string(let value): return .constant(.string(value))
        case .entity(let uid): return .constant(.entity(symbols.uid(uid)))
        case .variable(let variable): return .variable(variable)
        case .not(let inner): return .not(compile(inner, &symbols))
        case .negate(let inner): return .negate(compile(inner, &symbols))
        case .every(let parts): return .every(compile(parts, &symbols))
        case .some(let parts): return .some(compile(parts, &symbols))
        case .choice(let test, let yes, let no):
            return .choice(
                compile(test, &symbols), compile(yes, &symbols), compile(no, &symbols))
        case .binary(let operation, let left, let right):
            return .binary(operation, compile(left, &symbols), compile(right, &symbols))
        case .isEmpty(let inner): return .isEmpty(compile(inner, &symbols))
        case .attribute(let inner, let name):
            return .attribute(compile(inner, &symbols), symbols.key(name))
        case .has(let inner, let path):
            let keys = path.map { symbols.key($0) }
            return .has(compile(inner, &symbols), span(keys))
        case .like(let inner, let pattern):
            patterns.append(pattern)
            let index = Int32(patterns.count - 1)
            return .like(compile(inner, &symbols), index)
        case .isType(let inner, let type, let group):
            return .isType(
                compile(inner, &symbols), symbols.type(type),
                group.map { compile($0, &symbols) } ?? -1)
        case .set(let parts): return .set(compile(parts, &symbols))
        case .record(let fields): return record(fields, &symbols)
        case .call(let function, let parts): return .call(function, compile(parts, &symbols))
        }
    }

    private mutating func record(
        _ fields: [(key: Text, value: Expression)], _ symbols: inout Symbols
    ) -> Node {
        let ordered = fields.map { (symbols.key($0.key), $0.value) }.sorted { $0.0 < $1.0 }
        var pairs: [Int32] = []
        for (key, value) in ordered { pairs += [key, compile(value, &symbols)] }
        return .record(span(pairs))
    }

    /// What holds no variable is worked out once: `ip("10.0.0.0/8")` and sets of literals.
    private static func constant(_ expression: Expression, _ symbols: inout Symbols) -> Node? {
        switch expression.kind {
        case .call(let function, let parts) where !function.isMethod:
            guard parts.count == 1, case .string(let text) = parts[0].kind else { return nil }
            do {
                return .constant(try function([.string(text)]))
            } catch {
                return .failure(error)
            }
        case .set(let parts):
            var elements: [Datum] = []
            for part in parts {
                switch part.kind {
                case .bool(let value): elements.append(.bool(value))
                case .long(let value): elements.append(.long(value))
                case .string(let value): elements.append(.string(value))
                case .entity(let uid): elements.append(.entity(symbols.uid(uid)))
                default: return nil
                }
            }
            // Flat and no larger than the text that it stands in, so it needs no bound of its own.
            var budget = Budget(steps: .max)
            return .constant(.set(of: elements, &budget))
        default: return nil
        }
    }
}
