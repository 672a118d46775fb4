/// One policy: whom it is about, what it permits or forbids, and under which conditions.
package struct Statement: Sendable {
    package enum Effect: String, Sendable { case permit, forbid }

    /// What a principal or a resource must be.
    package enum Scope: Hashable, Sendable {
        case any
        case equal(EntityUID)
        case within(EntityUID)
        case type(Text)
        case typeWithin(Text, EntityUID)
    }

    /// What an action must be.
    package enum Actions: Hashable, Sendable {
        case any
        case equal(EntityUID)
        case within([EntityUID])
    }

    package struct Condition: Sendable {
        /// `when` and not `unless`.
        package let isRequired: Bool
        package let body: Expression
    }

    package struct Annotation: Hashable, Sendable {
        package let key: Text
        package let value: Text
    }

    /// `policy0`, `policy1` and so on, in the order of the text, until somebody names it otherwise.
    package var id: Text
    package let annotations: [Annotation]
    package let effect: Effect
    package let principal: Scope
    package let actions: Actions
    package let resource: Scope
    package private(set) var conditions: [Condition]
    /// In bytes from the beginning of the text: of the effect, and of the three parts of the scope.
    package let offset: Int
    package let scopeOffsets: (principal: Int, action: Int, resource: Int)

    /// The policy for what is in one of some groups alone.
    package func narrowed(toResourcesIn groups: [EntityUID]) -> Statement {
        let list = Expression(.set(groups.map { Expression(.entity($0), at: offset) }), at: offset)
        let resource = Expression(.variable(.resource), at: offset)
        let test = Condition(
            isRequired: true, body: Expression(.binary(.within, resource, list), at: offset))
        var narrowed = self
        // First, so that what lies elsewhere is not even looked at.
        narrowed.conditions.insert(test, at: 0)
        return narrowed
    }

    package func annotation(_ key: Text) -> Text? {
        annotations.first { $0.key == key }?.value
    }
}

/// A policy text that has been read.
package struct PolicyText: Sendable {
    package var statements: [Statement]
    private let lines: LineMap

    /// Throws all mistakes of the text at once.
    package init(_ text: String, limits: Limits = .production) throws(Mistakes) {
        let source = Array(text.utf8)
        lines = LineMap(source)
        guard source.count <= limits.policyBytes else {
            throw Mistakes(all: [
                Mistake(
                    line: 1, column: 1,
                    problem: "a policy text of \(source.count) bytes, and \(limits.policyBytes) "
                        + "are allowed", fix: "split it")
            ])
        }
        var parser = Parser(source, limits: limits)
        statements = parser.statements()
        guard parser.faults.isEmpty else {
            throw lines.mistakes(parser.faults, limit: limits.mistakes)
        }
    }

    /// A mistake that somebody else found at a place in this text.
    package func mistake(at offset: Int, _ problem: String, fix: String? = nil) -> Mistake {
        lines.mistake(Fault(offset, problem, fix: fix))
    }
}
