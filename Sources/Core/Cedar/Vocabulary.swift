/// The words that policies may use: what there is to write about.
///
/// Cedar decides by any name at all, and a misspelt one only never matches; so a policy is held against
/// this before it is used.
package struct Vocabulary: Sendable {
    /// The attributes of each type of entity.
    package var types: [Text: Set<Text>]
    package var actions: Set<EntityUID>
    /// The attributes of the context.
    package var context: Set<Text>

    package init(types: [Text: Set<Text>], actions: Set<EntityUID>, context: Set<Text>) {
        self.types = types
        self.actions = actions
        self.context = context
    }
}

extension PolicyText {
    /// What is written correctly and names nothing that there is.
    package func lint(_ vocabulary: Vocabulary, limits: Limits = .production) -> [Mistake] {
        var lint = Lint(vocabulary: vocabulary)
        for statement in statements { lint.read(statement) }
        let ordered = lint.faults.sorted { $0.offset < $1.offset }
        return ordered.prefix(limits.mistakes).map {
            mistake(at: $0.offset, $0.problem, fix: $0.fix)
        }
    }
}

private struct Lint {
    let vocabulary: Vocabulary
    private(set) var faults: [Fault] = []
    /// What the scope says of the types of principal and resource.
    private var principal: Text?
    private var resource: Text?

    init(vocabulary: Vocabulary) { self.vocabulary = vocabulary }

    mutating func read(_ statement: Statement) {
        principal = read(statement.principal, at: statement.scopeOffsets.principal)
        resource = read(statement.resource, at: statement.scopeOffsets.resource)
        switch statement.actions {
        case .any: break
        case .equal(let action): check(action, at: statement.scopeOffsets.action)
        case .within(let actions):
            for action in actions { check(action, at: statement.scopeOffsets.action) }
        }
        for condition in statement.conditions { read(condition.body) }
    }

    /// The type, where the scope names it.
    private mutating func read(_ scope: Statement.Scope, at offset: Int) -> Text? {
        switch scope {
        case .any: return nil
        case .equal(let uid):
            check(uid, at: offset)
            return uid.type
        case .within(let uid):
            check(uid, at: offset)
            return nil
        case .type(let type):
            check(type: type, at: offset)
            return type
        case .typeWithin(let type, let uid):
            check(type: type, at: offset)
            check(uid, at: offset)
            return type
        }
    }

    private mutating func read(_ expression: Expression) {
        switch expression.kind {
        case .entity(let uid): check(uid, at: expression.offset)
        case .isType(_, let type, _): check(type: type, at: expression.offset)
        case .attribute(let inner, let name): check(name, of: inner, at: expression.offset)
        case .has(let inner, let path): check(path[0], of: inner, at: expression.offset)
        case .call(let function, let arguments):
            if arguments.count != function.argumentCount {
                faults.append(
                    Fault(
                        expression.offset,
                        "'\(function.rawValue)' is given a wrong number of arguments, and fails"))
            }
        default: break
        }
        for child in expression.kind.children { read(child) }
    }

    // MARK: Words

    private mutating func check(_ uid: EntityUID, at offset: Int) {
        guard uid.isAction else { return check(type: uid.type, at: offset) }
        guard !vocabulary.actions.contains(uid) else { return }
        let known = vocabulary.actions.map(\.id.string)
        let near = nearest(to: uid.id.string, among: known)
        let fix = vocabulary.actions.first { $0.id.string == near }.map { "did you mean \($0)?" }
        faults.append(Fault(offset, "there is no action \(uid)", fix: fix ?? listed(known)))
    }

    private mutating func check(type: Text, at offset: Int) {
        guard vocabulary.types[type] == nil else { return }
        note("there is no type '\(type)'", type, among: Set(vocabulary.types.keys), at: offset)
    }

    private mutating func check(_ name: Text, of inner: Expression, at offset: Int) {
        guard case .variable(let variable) = inner.kind else { return }
        switch variable {
        case .action: break
        case .context:
            guard !vocabulary.context.contains(name) else { return }
            note(
                "the context has no attribute '\(name)'", name, among: vocabulary.context,
                at: offset)
        case .principal: check(name, of: principal, "a principal", at: offset)
        case .resource: check(name, of: resource, "a resource", at: offset)
        }
    }

    private mutating func check(_ name: Text, of type: Text?, _ role: String, at offset: Int) {
        let all = vocabulary.types.values.reduce(into: Set<Text>()) { $0.formUnion($1) }
        // A type that is itself unknown has been named already.
        let known = type.map { vocabulary.types[$0] ?? [name] } ?? all
        guard !known.contains(name) else { return }
        note(
            "\(type?.string ?? role) has no attribute '\(name)'", name, among: known, at: offset)
    }

    private mutating func note(
        _ problem: String, _ word: Text, among known: Set<Text>, at offset: Int
    ) {
        let words = known.map(\.string)
        let fix = nearest(to: word.string, among: words).map { "did you mean '\($0)'?" }
        faults.append(Fault(offset, problem, fix: fix ?? listed(words)))
    }

    private func listed(_ words: [String]) -> String {
        words.isEmpty ? "there is none" : "there are \(words.sorted().joined(separator: ", "))"
    }
}
