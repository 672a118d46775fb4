/// What a condition of a policy says.
package struct Expression: Sendable {
    package enum Variable: String, CaseIterable, Sendable {
        case principal, action, resource, context
    }

    /// What stands between two expressions, or takes one as the argument of a method of the other.
    package enum Operator: Sendable {
        case equal, unequal, less, lessOrEqual, greater, greaterOrEqual, within
        case plus, minus, times
        case contains, containsAll, containsAny, tag, hasTag
    }

    package indirect enum Kind: Sendable {
        case bool(Bool)
        case long(Int64)
        case string(Text)
        case entity(EntityUID)
        case variable(Variable)
        case not(Expression)
        case negate(Expression)
        /// All that one chain of `&&` joins: long chains do not nest.
        case every([Expression])
        /// All that one chain of `||` joins.
        case some([Expression])
        case choice(Expression, then: Expression, else: Expression)
        case binary(Operator, Expression, Expression)
        case isEmpty(Expression)
        case attribute(Expression, Text)
        /// `has a.b.c`: each attribute within the one before.
        case has(Expression, [Text])
        case like(Expression, [PatternPart])
        case isType(Expression, Text, within: Expression?)
        case set([Expression])
        case record([(key: Text, value: Expression)])
        case call(Function, [Expression])
    }

    package let kind: Kind
    /// In bytes from the beginning of the text.
    package let offset: Int
    /// How deep expressions nest within this one.
    let height: Int

    init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
        height = 1 + kind.children.reduce(0) { max($0, $1.height) }
    }
}

extension Expression.Operator {
    /// Whether its value is true or false for any operands.
    var isTest: Bool {
        switch self {
        case .plus, .minus, .times, .tag: false
        default: true
        }
    }
}

extension Expression.Kind {
    package var children: [Expression] {
        switch self {
        case .bool, .long, .string, .entity, .variable: []
        case .not(let inner), .negate(let inner), .isEmpty(let inner), .attribute(let inner, _),
            .has(let inner, _), .like(let inner, _), .isType(let inner, _, within: nil):
            [inner]
        case .isType(let inner, _, within: .some(let group)): [inner, group]
        case .every(let parts), .some(let parts), .set(let parts), .call(_, let parts): parts
        case .choice(let test, let yes, let no): [test, yes, no]
        case .binary(_, let left, let right): [left, right]
        case .record(let fields): fields.map(\.value)
        }
    }
}
