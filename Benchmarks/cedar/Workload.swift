import Cedar

/// The policies, entities and requests that are measured, for every engine the same.
struct Workload {
    let policies: String
    let entities: [Entity]
    let requests: [Request]

    private static let roles = [
        "viewer", "operator", "approver", "security", "admin", "auditor", "installer", "support",
    ]
    private static let actions = [
        "get", "list", "logs", "exec", "apply", "delete", "scale", "restart", "approve", "deny",
        "cordon", "drain",
    ]

    /// 24 permits for roles, 2 by attribute, 2 that forbid; about `count` entities.
    init(count: Int, requests requestCount: Int) {
        policies = Self.policyText
        let people = max(1, (count - Self.roles.count - Self.actions.count) / 2)
        var entities = Self.actions.map { Entity(Self.action($0)) }
        entities += Self.roles.map { Entity(Self.role($0)) }
        for index in 0..<people {
            entities.append(
                Entity(
                    Self.user(index),
                    attributes: [
                        "department": .string(Text("d\(index % 7)")),
                        "level": .long(Int64(index % 5)),
                    ], parents: [Self.role(Self.roles[index % Self.roles.count])]))
            entities.append(
                Entity(
                    Self.workload(index),
                    attributes: [
                        "tier": .long(Int64(index % 3 + 1)),
                        "owner": .string(Text("d\(index % 5)")),
                    ]))
        }
        self.entities = entities
        requests = (0..<requestCount).map { number in
            // A large step visits the entities out of order, as requests do.
            let person = number &* 7919 % people
            let thing = number &* 104_729 % people
            return Request(
                principal: Self.user(person),
                action: Self.action(Self.actions[number % Self.actions.count]),
                resource: Self.workload(thing),
                context: ["offline": .bool(number % 5 == 0), "age": .long(Int64(number % 600))])
        }
    }

    private static func user(_ index: Int) -> EntityUID {
        EntityUID(type: "User", id: Text("u\(index)"))
    }
    private static func workload(_ index: Int) -> EntityUID {
        EntityUID(type: "Workload", id: Text("w\(index)"))
    }
    private static func role(_ name: String) -> EntityUID {
        EntityUID(type: "Role", id: Text(name))
    }
    private static func action(_ name: String) -> EntityUID {
        EntityUID(type: "Action", id: Text(name))
    }

    private static var policyText: String {
        var text = ""
        for (index, role) in roles.enumerated() {
            for step in 0..<3 {
                let first = actions[(index + step * 4) % actions.count]
                let second = actions[(index + step * 4 + 1) % actions.count]
                text += """
                    permit(principal in Role::"\(role)",
                        action in [Action::"\(first)", Action::"\(second)"], resource is Workload);

                    """
            }
        }
        return text + """
            permit(principal is User, action == Action::"get", resource is Workload)
            when { principal.department == resource.owner };
            permit(principal is User, action in [Action::"scale", Action::"restart"], resource)
            when { principal.level >= 3 && resource.tier > 1 && context.age < 300 };
            forbid(principal, action in [Action::"exec", Action::"approve"], resource)
            when { context.offline };
            forbid(principal, action == Action::"delete", resource is Workload)
            when { resource.tier == 1 } unless { principal in Role::"admin" };

            """
    }
}

/// What the other engines read.
extension Workload {
    var entitiesJSON: String {
        let rows = entities.map { entity in
            let attributes = entity.attributes.sorted { $0.key < $1.key }
                .map { "\(quoted($0.key.string)):\(Self.json($0.value))" }
            let parents = entity.parents.map(Self.json)
            return
                "{\"uid\":\(Self.json(entity.uid)),\"attrs\":{\(attributes.joined(separator: ","))},"
                + "\"parents\":[\(parents.joined(separator: ","))]}"
        }
        return "[\(rows.joined(separator: ",\n"))]\n"
    }

    /// One a line, with the answer.
    func requestsJSON(_ answers: [Bool]) -> String {
        zip(requests, answers).map { request, answer in
            let context = request.context.sorted { $0.key < $1.key }
                .map { "\(quoted($0.key.string)):\(Self.json($0.value))" }
            return
                "{\"principal\":\(Self.json(request.principal)),\"action\":\(Self.json(request.action)),"
                + "\"resource\":\(Self.json(request.resource)),"
                + "\"context\":{\(context.joined(separator: ","))},\"allow\":\(answer)}"
        }.joined(separator: "\n") + "\n"
    }

    private static func json(_ uid: EntityUID) -> String {
        "{\"type\":\(quoted(uid.type.string)),\"id\":\(quoted(uid.id.string))}"
    }

    private static func json(_ value: Value) -> String {
        switch value {
        case .bool(let value): "\(value)"
        case .long(let value): "\(value)"
        case .string(let value): quoted(value.string)
        default: preconditionFailure("the workload holds no such value")
        }
    }
}
