/// Works out conditions for one request.
struct Evaluator {
    /// What a request names, by number.
    struct Subject {
        let principal: Int32
        let action: Int32
        let resource: Int32
        let context: [Datum.Field]
        /// Entities that the request itself describes.
        let described: [Int32: EntityRow]
        let names: RequestSymbols
    }

    private let program: Program
    private let entities: EntityTable
    private let subject: Subject
    private var budget: Budget

    init(_ program: Program, _ entities: EntityTable, _ subject: Subject, budget: Budget) {
        self.program = program
        self.entities = entities
        self.subject = subject
        self.budget = budget
    }

    /// Whether the rule applies to the request. Failing, it says nothing either way.
    mutating func applies(_ rule: Program.Rule) throws(Failure) -> Bool {
        guard matches(rule.principal, subject.principal), matches(rule.resource, subject.resource),
            matches(rule.actions)
        else { return false }
        for condition in rule.conditions {
            guard try holds(condition.root) == condition.isRequired else { return false }
        }
        return true
    }

    private func matches(_ scope: Program.Scope, _ number: Int32) -> Bool {
        switch scope {
        case .any: true
        case .equal(let other): number == other
        case .within(let group): isWithin(number, group)
        case .type(let type): subject.names.type(of: number) == type
        case .typeWithin(let type, let group):
            subject.names.type(of: number) == type && isWithin(number, group)
        }
    }

    private func matches(_ actions: Program.Actions) -> Bool {
        switch actions {
        case .any: true
        case .equal(let action): subject.action == action
        case .within(let groups): groups.contains { isWithin(subject.action, $0) }
        }
    }

    /// Everything is in itself, also what nobody described.
    private func isWithin(_ number: Int32, _ group: Int32) -> Bool {
        if number == group { return true }
        if entities.isDescribed(number) { return entities.ancestors(of: number).holds(group) }
        return subject.described[number]?.ancestors.holds(group) ?? false
    }

    /// Nil where the entity is not described.
    private func tags(of number: Int32) -> [Text: Datum]? {
        entities.isDescribed(number) ? entities.tags(of: number) : subject.described[number]?.tags
    }

    // MARK: Conditions

    /// A node that must be true or false.
    private mutating func holds(_ index: Int32) throws(Failure) -> Bool {
        budget.spend()
        try budget.check()
        switch program.nodes[Int(index)] {
        case .not(let inner):
            let inner = try holds(inner)
            return !inner
        case .every(let span):
            for operand in span.range {
                guard try holds(program.operands[operand]) else { return false }
            }
            return true
        case .some(let span):
            for operand in span.range {
                if try holds(program.operands[operand]) { return true }
            }
            return false
        case .choice(let test, let yes, let no):
            let isMet = try holds(test)
            return try holds(isMet ? yes : no)
        case .binary(let operation, let left, let right) where operation.isTest:
            return try compared(operation, left, right)
        case .isEmpty(let inner): return try set(inner).isEmpty
        case .has(let inner, let path): return try has(inner, path)
        case .like(let inner, let pattern): return try like(inner, program.patterns[Int(pattern)])
        case .isType(let inner, let type, let group):
            let entity = try entity(inner)
            guard subject.names.type(of: entity) == type else { return false }
            guard group >= 0 else { return true }
            return try within(entity, value(group))
        default:
            guard case .bool(let value) = try value(index) else { throw .type }
            return value
        }
    }

    private mutating func compared(
        _ operation: Expression.Operator, _ left: Int32, _ right: Int32
    ) throws(Failure) -> Bool {
        switch operation {
        case .equal: return try areEqual(value(left), value(right))
        case .unequal: return try !areEqual(value(left), value(right))
        case .within:
            let entity = try entity(left)
            return try within(entity, value(right))
        case .less: return try isLess(value(left), value(right))
        case .lessOrEqual: return try !isLess(value(right), value(left))
        case .greater: return try isLess(value(right), value(left))
        case .greaterOrEqual: return try !isLess(value(left), value(right))
        case .contains:
            let set = try set(left)
            return try contains(set, [value(right)], all: true)
        case .containsAll:
            let set = try set(left)
            return try contains(set, self.set(right), all: true)
        case .containsAny:
            let set = try set(left)
            return try contains(set, self.set(right), all: false)
        case .hasTag:
            let entity = try entity(left)
            let key = try text(right)
            return tags(of: entity)?[key] != nil
        case .plus, .minus, .times, .tag: preconditionFailure("no test, and asked as one")
        }
    }

    private mutating func areEqual(_ left: Datum, _ right: Datum) throws(Failure) -> Bool {
        let order = Datum.compare(left, right, &budget)
        try budget.check()
        return order == 0
    }

    private func isLess(_ left: Datum, _ right: Datum) throws(Failure) -> Bool {
        switch (left, right) {
        case (.long(let left), .long(let right)): return left < right
        case (.datetime(let left), .datetime(let right)): return left < right
        case (.duration(let left), .duration(let right)): return left < right
        default: throw .type
        }
    }

    private mutating func contains(
        _ set: [Datum], _ wanted: [Datum], all: Bool
    ) throws(Failure) -> Bool {
        for element in wanted {
            let isThere = Datum.contains(set, element, &budget)
            try budget.check()
            if isThere != all { return isThere }
        }
        return all
    }

    private mutating func within(_ entity: Int32, _ groups: Datum) throws(Failure) -> Bool {
        switch groups {
        case .entity(let group): return isWithin(entity, group)
        case .set(let elements):
            budget.spend(elements.count)
            try budget.check()
            var isFound = false
            // All of them are looked at: one that is no entity is an error wherever it stands.
            for element in elements {
                guard case .entity(let group) = element else { throw .type }
                isFound = isFound || isWithin(entity, group)
            }
            return isFound
        default: throw .type
        }
    }

    private mutating func has(_ inner: Int32, _ path: Program.Span) throws(Failure) -> Bool {
        var current = try value(inner)
        for operand in path.range {
            guard let next = try attribute(program.operands[operand], of: current) else {
                return false
            }
            current = next
        }
        return true
    }

    /// Nil where it is not there, or where the entity is not described.
    private func attribute(_ key: Int32, of datum: Datum) throws(Failure) -> Datum? {
        switch datum {
        case .record(let fields): return Datum.field(key, of: fields[...])
        case .entity(let number):
            if entities.isDescribed(number) { return entities.attribute(key, of: number) }
            return subject.described[number].flatMap { Datum.field(key, of: $0.attributes[...]) }
        default: throw .type
        }
    }

    private mutating func like(_ inner: Int32, _ pattern: [PatternPart]) throws(Failure) -> Bool {
        let scalars = Array(try text(inner).string.unicodeScalars)
        var (place, part) = (0, 0)
        // Where to go on when the text after the last `*` does not fit: one scalar further.
        var retry: (place: Int, part: Int)?
        while place < scalars.count {
            budget.spend()
            if part < pattern.count, pattern[part] == .anything {
                retry = (place, part + 1)
                part += 1
            } else if part < pattern.count, pattern[part] == .scalar(scalars[place]) {
                (place, part) = (place + 1, part + 1)
            } else if let last = retry {
                try budget.check()
                retry = (last.place + 1, last.part)
                (place, part) = (last.place + 1, last.part)
            } else {
                return false
            }
        }
        return pattern[part...].allSatisfy { $0 == .anything }
    }

    // MARK: Values

    private mutating func value(_ index: Int32) throws(Failure) -> Datum {
        budget.spend()
        try budget.check()
        switch program.nodes[Int(index)] {
        case .constant(let datum): return datum
        case .failure(let failure): throw failure
        case .variable(let variable): return variableValue(variable)
        case .negate(let inner):
            let (negated, overflows) = (0 as Int64).subtractingReportingOverflow(try long(inner))
            guard !overflows else { throw .overflow }
            return .long(negated)
        case .choice(let test, let yes, let no):
            let isMet = try holds(test)
            return try value(isMet ? yes : no)
        case .binary(let operation, let left, let right):
            return try combined(operation, left, right)
        case .attribute(let inner, let key): return try required(key, of: value(inner))
        case .set(let span): return try setValue(span)
        case .record(let span): return try recordValue(span)
        case .call(let function, let span):
            var arguments: [Datum] = []
            for operand in span.range { arguments.append(try value(program.operands[operand])) }
            return try function(arguments)
        case .not, .every, .some, .isEmpty, .has, .like, .isType: return .bool(try holds(index))
        }
    }

    private func variableValue(_ variable: Expression.Variable) -> Datum {
        switch variable {
        case .principal: .entity(subject.principal)
        case .action: .entity(subject.action)
        case .resource: .entity(subject.resource)
        case .context: .record(subject.context)
        }
    }

    private mutating func combined(
        _ operation: Expression.Operator, _ left: Int32, _ right: Int32
    ) throws(Failure) -> Datum {
        switch operation {
        case .plus: return try sum(long(left).addingReportingOverflow(long(right)))
        case .minus: return try sum(long(left).subtractingReportingOverflow(long(right)))
        case .times: return try sum(long(left).multipliedReportingOverflow(by: long(right)))
        case .tag:
            let entity = try entity(left)
            let key = try text(right)
            guard let tags = tags(of: entity) else { throw .missingEntity }
            guard let value = tags[key] else { throw .missingTag }
            return value
        default: return .bool(try compared(operation, left, right))
        }
    }

    private func sum(_ result: (Int64, overflow: Bool)) throws(Failure) -> Datum {
        guard !result.overflow else { throw .overflow }
        return .long(result.0)
    }

    private func required(_ key: Int32, of datum: Datum) throws(Failure) -> Datum {
        if let value = try attribute(key, of: datum) { return value }
        guard case .entity(let number) = datum, !entities.isDescribed(number),
            subject.described[number] == nil
        else { throw .missingAttribute }
        throw .missingEntity
    }

    private mutating func setValue(_ span: Program.Span) throws(Failure) -> Datum {
        var elements: [Datum] = []
        elements.reserveCapacity(Int(span.count))
        for operand in span.range { elements.append(try value(program.operands[operand])) }
        let set = Datum.set(of: elements, &budget)
        try budget.check()
        return set
    }

    private mutating func recordValue(_ span: Program.Span) throws(Failure) -> Datum {
        var fields: [Datum.Field] = []
        for operand in stride(from: span.range.lowerBound, to: span.range.upperBound, by: 2) {
            let value = try value(program.operands[operand + 1])
            fields.append(Datum.Field(key: program.operands[operand], value: value))
        }
        return .record(fields)
    }

    private mutating func long(_ index: Int32) throws(Failure) -> Int64 {
        guard case .long(let value) = try value(index) else { throw .type }
        return value
    }

    private mutating func text(_ index: Int32) throws(Failure) -> Text {
        guard case .string(let value) = try value(index) else { throw .type }
        return value
    }

    private mutating func entity(_ index: Int32) throws(Failure) -> Int32 {
        guard case .entity(let number) = try value(index) else { throw .type }
        return number
    }

    private mutating func set(_ index: Int32) throws(Failure) -> [Datum] {
        guard case .set(let elements) = try value(index) else { throw .type }
        return elements
    }
}
