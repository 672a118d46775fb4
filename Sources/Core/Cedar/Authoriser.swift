/// What somebody wants to do.
package struct Request: Sendable {
    package let principal: EntityUID
    package let action: EntityUID
    package let resource: EntityUID
    package let context: [Text: Value]
    /// What this request alone describes: a parent must come before its children. What the authoriser
    /// knows itself counts before it.
    package let entities: [Entity]

    package init(
        principal: EntityUID, action: EntityUID, resource: EntityUID, context: [Text: Value] = [:],
        entities: [Entity] = []
    ) {
        self.principal = principal
        self.action = action
        self.resource = resource
        self.context = context
        self.entities = entities
    }
}

/// The answer to a request, and which policies gave it.
package struct Ruling: Hashable, Sendable {
    package struct PolicyFailure: Hashable, Sendable {
        package let policy: Text
        package let failure: Failure
    }

    package let isAllowed: Bool
    /// The ids of the policies that decided, in their order: those that forbid, or else those that
    /// permit. Empty where nothing was said, which denies.
    package let reasons: [Text]
    /// Policies that could not be worked out and were passed over.
    package let errors: [PolicyFailure]
    /// Why the request itself could not be decided. It is denied.
    package let fault: EntityFault?
}

/// Decides requests: denied unless a policy permits them and none forbids them.
///
/// A policy that fails is passed over, as Cedar has it; but a decision that runs out of steps is denied,
/// since the policy that could not be worked out to its end may be one that forbids.
package struct Authoriser: Sendable {
    private let symbols: Symbols
    private let entities: EntityTable
    private let program: Program
    private let index: ScopeIndex
    private let limits: Limits

    package init(
        _ statements: [Statement], entities: [Entity] = [], limits: Limits = .production
    ) throws(EntityFault) {
        guard statements.count <= limits.policies else {
            throw .tooMany("policies", limit: limits.policies)
        }
        var symbols = Symbols()
        // Entities first: their numbers then lie close together.
        let table = try EntityTable(entities, &symbols, limits: limits)
        program = Program(statements, &symbols)
        var actions: [Int32] = []
        for (number, uid) in symbols.uids.names.enumerated() where uid.isAction {
            actions.append(Int32(number))
        }
        index = ScopeIndex(program, table, actions: actions)
        self.entities = table
        self.symbols = symbols
        self.limits = limits
    }

    package func decide(_ request: Request) -> Ruling {
        var budget = Budget(steps: limits.steps)
        let subject: Evaluator.Subject
        do {
            subject = try self.subject(request, &budget)
        } catch {
            return Ruling(isAllowed: false, reasons: [], errors: [], fault: error)
        }
        return decide(subject, budget)
    }

    private func decide(_ subject: Evaluator.Subject, _ budget: Budget) -> Ruling {
        var evaluator = Evaluator(program, entities, subject, budget: budget)
        var permits: [Text] = []
        var forbids: [Text] = []
        var errors: [Ruling.PolicyFailure] = []
        for number in candidates(subject) {
            let rule = program.rules[Int(number)]
            do {
                guard try evaluator.applies(rule) else { continue }
                if rule.isForbid { forbids.append(rule.id) } else { permits.append(rule.id) }
            } catch {
                errors.append(Ruling.PolicyFailure(policy: rule.id, failure: error))
                guard error != .steps else {
                    return Ruling(isAllowed: false, reasons: forbids, errors: errors, fault: nil)
                }
            }
        }
        return Ruling(
            isAllowed: forbids.isEmpty && !permits.isEmpty,
            reasons: forbids.isEmpty ? permits : forbids, errors: errors, fault: nil)
    }

    private func candidates(_ subject: Evaluator.Subject) -> [Int32] {
        var found: [Int32] = []
        let isKnown =
            entities.isDescribed(subject.action) || subject.described[subject.action] != nil
        index.candidates(
            action: subject.action,
            principal: (subject.principal, subject.names.type(of: subject.principal)),
            resource: (subject.resource, subject.names.type(of: subject.resource)),
            isKnown: isKnown
        ) { found.append($0) }
        found.sort()
        return found
    }

    private func subject(
        _ request: Request, _ budget: inout Budget
    ) throws(EntityFault) -> Evaluator.Subject {
        var names = RequestSymbols(symbols)
        let principal = names.uid(request.principal)
        let action = names.uid(request.action)
        let resource = names.uid(request.resource)
        var described: [Int32: EntityRow] = [:]
        for entity in request.entities {
            let number = names.uid(entity.uid)
            let parents = entity.parents.map { names.uid($0) }
            var ancestors = Set(parents)
            for parent in parents {
                if entities.isDescribed(parent) {
                    ancestors.formUnion(entities.ancestors(of: parent))
                } else {
                    ancestors.formUnion(described[parent]?.ancestors ?? [])
                }
            }
            described[number] = try EntityRow(
                entity, ancestors: ancestors.sorted(), &names, &budget)
        }
        do {
            let context = try Value.fields(request.context, &names, &budget)
            return Evaluator.Subject(
                principal: principal, action: action, resource: resource, context: context,
                described: described, names: names)
        } catch {
            throw .value(at: "context", problem: error.description)
        }
    }
}
