/// Finds the rules whose scope may match a request without looking at the others.
///
/// Each rule lies under the action that it names, and under what it says of principal and of resource:
/// one entity, one type, or neither.
struct ScopeIndex: Sendable {
    private struct Key: Hashable, Sendable {
        let action: Int32
        let principal: Int32
        let resource: Int32
    }

    /// Which actions get lists of their own. A request for another one looks at every rule.
    private static let actionsMax = 1024
    private static let any: Int32 = -1

    private var rules: [Key: [Int32]] = [:]
    private var isIndexed: Set<Int32> = []
    private let count: Int32

    init(_ program: Program, _ entities: EntityTable, actions: [Int32]) {
        count = Int32(program.rules.count)
        isIndexed = Set(actions.prefix(Self.actionsMax))
        for (number, rule) in program.rules.enumerated() {
            let principal = Self.code(rule.principal)
            let resource = Self.code(rule.resource)
            for action in Self.actions(rule.actions, isIndexed, entities) {
                let key = Key(action: action, principal: principal, resource: resource)
                rules[key, default: []].append(Int32(number))
            }
        }
    }

    private static func code(_ scope: Program.Scope) -> Int32 {
        switch scope {
        case .any, .within: any
        case .equal(let entity): entity
        case .type(let type), .typeWithin(let type, _): code(type: type)
        }
    }

    /// Types lie below what stands for anything, and so does the -1 of an unknown type.
    private static func code(type: Int32) -> Int32 { -3 - type }

    private static func actions(
        _ actions: Program.Actions, _ indexed: Set<Int32>, _ entities: EntityTable
    ) -> [Int32] {
        switch actions {
        case .any: [any]
        case .equal(let action): [action]
        case .within(let groups):
            indexed.filter { action in
                groups.contains {
                    $0 == action
                        || entities.isDescribed(action) && entities.ancestors(of: action).holds($0)
                }
            }
        }
    }

    /// Calls `body` with the number of each rule that may match, in no order.
    func candidates(
        action: Int32, principal: (Int32, type: Int32), resource: (Int32, type: Int32),
        isKnown: Bool, _ body: (Int32) -> Void
    ) {
        // An action that is described somewhere may be in a group that a rule names.
        guard isIndexed.contains(action) || !isKnown else {
            for number in 0..<count { body(number) }
            return
        }
        for action in [action, Self.any] {
            for principal in [principal.0, Self.code(type: principal.type), Self.any] {
                for resource in [resource.0, Self.code(type: resource.type), Self.any] {
                    let key = Key(action: action, principal: principal, resource: resource)
                    for number in rules[key] ?? [] { body(number) }
                }
            }
        }
    }
}
