/// Reads tokens into policies. A mistake in one policy ends that policy and none of the others; what
/// does not disturb the grammar, such as a repeated key, does not even end the one.
struct Parser {
    let source: [UInt8]
    let limits: Limits
    private let tokens: [Token]
    private var index = 0
    private(set) var faults: [Fault]
    /// How many brackets are open, counting what has no sign of its own, such as `if`.
    var depth = 0

    /// The policy cannot be read on; its fault is noted.
    struct Abandoned: Error {}

    init(_ source: [UInt8], limits: Limits) {
        let lexer = Lexer(source)
        self.source = source
        self.limits = limits
        tokens = lexer.tokens
        faults = lexer.faults
    }

    mutating func statements() -> [Statement] {
        var result: [Statement] = []
        while current.kind != .end, faults.count <= limits.mistakes {
            guard result.count < limits.policies else {
                note(Fault(current.start, "more than \(limits.policies) policies"))
                break
            }
            depth = 0
            do {
                let id = Text("policy\(result.count)")
                result.append(try statement(id: id))
            } catch {
                skipStatement()
            }
        }
        return result
    }

    private mutating func skipStatement() {
        while current.kind != .end, current.kind != .semicolon { advance() }
        if current.kind == .semicolon { advance() }
    }

    // MARK: Tokens

    var current: Token { tokens[index] }

    func peek(_ distance: Int = 1) -> Token { tokens[min(index + distance, tokens.count - 1)] }

    mutating func advance() { index = min(index + 1, tokens.count - 1) }

    func text(_ token: Token) -> String {
        String(decoding: source[token.start..<token.end], as: UTF8.self)
    }

    func isWord(_ word: String, _ token: Token? = nil) -> Bool {
        let token = token ?? current
        return token.kind == .word && source[token.start..<token.end].elementsEqual(word.utf8)
    }

    /// For mistakes after which reading goes on.
    mutating func note(_ fault: Fault) { faults.append(fault) }

    mutating func abandon(_ fault: Fault) -> Abandoned {
        faults.append(fault)
        return Abandoned()
    }

    /// The token here is not what it must be.
    mutating func unexpected(_ wanted: String, fix: String? = nil) -> Abandoned {
        // The lexer has named what is broken; saying it twice helps nobody.
        if current.kind == .broken { return Abandoned() }
        let found =
            switch current.kind {
            case .word, .number: "'\(text(current))'"
            default: current.kind.name
            }
        return abandon(Fault(current.start, "expected \(wanted) and found \(found)", fix: fix))
    }

    @discardableResult
    mutating func take(_ kind: Token.Kind, fix: String? = nil) throws(Abandoned) -> Token {
        let token = current
        guard token.kind == kind else { throw unexpected(kind.name, fix: fix) }
        advance()
        return token
    }

    mutating func takes(_ kind: Token.Kind) -> Bool {
        guard current.kind == kind else { return false }
        advance()
        return true
    }

    mutating func takes(word: String) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    mutating func tooDeep(_ offset: Int) -> Abandoned {
        abandon(
            Fault(
                offset, "expressions nest more than \(limits.depth) deep",
                fix: "split the condition over several policies"))
    }

    /// Entries between two signs, with commas between them and perhaps after the last.
    mutating func list<Entry>(
        _ open: Token.Kind, _ close: Token.Kind,
        _ entry: (inout Parser) throws(Abandoned) -> Entry
    ) throws(Abandoned) -> [Entry] {
        try take(open)
        var entries: [Entry] = []
        while current.kind != close {
            entries.append(try entry(&self))
            guard takes(.comma) else { break }
        }
        guard takes(close) else { throw unexpected("',' or \(close.name)") }
        return entries
    }

    // MARK: Names

    /// A word that may name a type, an attribute or a key of a record.
    mutating func name(_ purpose: String) throws(Abandoned) -> Text {
        guard current.kind == .word else { throw unexpected(purpose) }
        let word = text(current)
        if reservedWords.contains(word) {
            note(
                Fault(
                    current.start, "'\(word)' is a word of Cedar and cannot be \(purpose)",
                    fix: "as an attribute it can be written in quotes: [\"\(word)\"]"))
        }
        advance()
        return Text(word)
    }

    mutating func string() throws(Abandoned) -> Text {
        let token = try take(.string)
        do {
            return try Escapes.string(source, token)
        } catch {
            note(error)
            return ""
        }
    }

    /// The words of a type joined by `::`, up to and without a `::` that a string follows.
    mutating func path(_ purpose: String) throws(Abandoned) -> Text {
        var words = try name(purpose).string
        while current.kind == .doubleColon, peek().kind == .word {
            advance()
            words += "::" + (try name(purpose)).string
        }
        return Text(words)
    }

    mutating func entity() throws(Abandoned) -> EntityUID {
        if current.kind == .slot { throw slot() }
        let type = try path("the type of an entity")
        guard takes(.doubleColon) else {
            throw unexpected("'::'", fix: "an entity is written \(type)::\"its id\"")
        }
        return EntityUID(type: type, id: try string())
    }

    mutating func slot() -> Abandoned {
        abandon(
            Fault(
                current.start, "templates are not supported",
                fix: "write the policy once for each entity, or name a group with 'in'"))
    }
}
