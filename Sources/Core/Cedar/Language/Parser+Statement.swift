extension Parser {
    mutating func statement(id: Text) throws(Abandoned) -> Statement {
        let annotations = try annotations()
        let offset = current.start
        let effect = try effect()
        let scope = try scope()
        var conditions: [Statement.Condition] = []
        while current.kind == .word { conditions.append(try condition()) }
        try take(.semicolon, fix: "a policy ends with ';'")
        return Statement(
            id: id, annotations: annotations, effect: effect, principal: scope.principal,
            actions: scope.actions, resource: scope.resource, conditions: conditions,
            offset: offset, scopeOffsets: scope.offsets)
    }

    private mutating func annotations() throws(Abandoned) -> [Statement.Annotation] {
        var result: [Statement.Annotation] = []
        while current.kind == .at {
            let place = current.start
            advance()
            // Here even the words of Cedar are names.
            let key = Text(text(try take(.word)))
            var value: Text = ""
            if takes(.openParenthesis) {
                value = try string()
                try take(.closeParenthesis)
            }
            if result.contains(where: { $0.key == key }) {
                note(Fault(place, "a second annotation @\(key)", fix: "keep one"))
            }
            result.append(Statement.Annotation(key: key, value: value))
            guard result.count <= limits.annotations else {
                throw abandon(Fault(place, "more than \(limits.annotations) annotations"))
            }
        }
        return result
    }

    private mutating func effect() throws(Abandoned) -> Statement.Effect {
        guard current.kind == .word, let effect = Statement.Effect(rawValue: text(current)) else {
            let near = nearest(to: text(current), among: ["permit", "forbid"])
            throw unexpected(
                "'permit' or 'forbid'", fix: near.map { "did you mean '\($0)'?" })
        }
        advance()
        return effect
    }

    private mutating func condition() throws(Abandoned) -> Statement.Condition {
        let isRequired = isWord("when")
        guard isRequired || isWord("unless") else {
            throw unexpected(
                "'when', 'unless' or ';'",
                fix: nearest(to: text(current), among: ["when", "unless"]).map {
                    "did you mean '\($0)'?"
                })
        }
        advance()
        try take(.openBrace)
        if current.kind == .closeBrace {
            note(Fault(current.start, "a condition without an expression", fix: "leave it out"))
            advance()
            return Statement.Condition(
                isRequired: isRequired, body: Expression(.bool(false), at: current.start))
        }
        let body = try expression()
        try take(.closeBrace)
        return Statement.Condition(isRequired: isRequired, body: body)
    }

    // MARK: Scope

    private struct ScopeParts {
        var principal = Statement.Scope.any
        var actions = Statement.Actions.any
        var resource = Statement.Scope.any
        var offsets = (principal: 0, action: 0, resource: 0)
    }

    private mutating func scope() throws(Abandoned) -> ScopeParts {
        var parts = ScopeParts()
        try take(.openParenthesis)
        parts.offsets.principal = try variable("principal")
        parts.principal = try side()
        try take(.comma)
        parts.offsets.action = try variable("action")
        parts.actions = try actions()
        try take(.comma)
        parts.offsets.resource = try variable("resource")
        parts.resource = try side()
        _ = takes(.comma)
        try take(
            .closeParenthesis, fix: "the scope has three parts; the rest belongs into 'when { }'")
        return parts
    }

    /// Where it stands.
    private mutating func variable(_ word: String) throws(Abandoned) -> Int {
        let place = current.start
        guard takes(word: word) else {
            throw unexpected(
                "'\(word)'", fix: "a scope is (principal, action, resource), in this order")
        }
        if current.kind == .colon {
            throw unexpected("'==', 'in', 'is', ',' or ')'", fix: "for a type write '\(word) is T'")
        }
        return place
    }

    private mutating func side() throws(Abandoned) -> Statement.Scope {
        switch current.kind {
        case .equal:
            advance()
            return .equal(try entity())
        case .word where isWord("in"):
            advance()
            return .within(try entity())
        case .word where isWord("is"):
            advance()
            let type = try path("the type of an entity")
            return takes(word: "in") ? .typeWithin(type, try entity()) : .type(type)
        case .comma, .closeParenthesis: return .any
        case .assign: throw unexpected("'=='", fix: "write '==' to compare")
        default:
            throw unexpected(
                "'==', 'in', 'is', ',' or ')'", fix: "other tests belong into 'when { }'")
        }
    }

    private mutating func actions() throws(Abandoned) -> Statement.Actions {
        switch current.kind {
        case .equal:
            advance()
            return .equal(try action())
        case .word where isWord("in"):
            advance()
            guard current.kind == .openBracket else { return .within([try action()]) }
            return .within(
                try list(.openBracket, .closeBracket) { (parser) throws(Abandoned) in
                    try parser.action()
                })
        case .comma, .closeParenthesis: return .any
        case .assign: throw unexpected("'=='", fix: "write '==' to compare")
        default:
            throw unexpected("'==', 'in' or ','", fix: "an action has no type to test with 'is'")
        }
    }

    private mutating func action() throws(Abandoned) -> EntityUID {
        let place = current.start
        let action = try entity()
        if !action.isAction {
            note(
                Fault(
                    place, "\(action) is no action",
                    fix: "the type of an action is Action: Action::\(quoted(action.id.string))"))
        }
        return action
    }
}
