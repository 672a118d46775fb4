/// What a service asks its node about a request that it got: may this be?
///
/// Coded as `{"principal": "workload/till", "action": "call", "resource": "workload/prices",
/// "context": {"method": "GET"}}`.
package struct ServiceQuestion: Hashable, Sendable {
    /// At the site of the node that is asked.
    package enum Asker: Hashable, Sendable {
        case workload(WorkloadID)
        case node(NodeID)
        case user(String)
    }

    package var principal: Asker
    package var action: Verb
    package var kind: Kind
    package var name: String
    /// What rules see as `context.request`.
    package var context: [String: Fact]

    package init(
        principal: Asker, action: Verb = .call, kind: Kind, name: String,
        context: [String: Fact] = [:]
    ) {
        self.principal = principal
        self.action = action
        self.kind = kind
        self.name = name
        self.context = context
    }
}

extension ServiceQuestion: Codable {
    private enum CodingKeys: String, CodingKey { case principal, action, resource, context }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        func pair(_ key: CodingKeys) throws -> (kind: String, name: String) {
            let text = try fields.decode(String.self, forKey: key)
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(
                String.init)
            guard parts.count == 2, isDNSLabel(parts[1]) else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: fields, debugDescription: "'\(text)' is not KIND/NAME")
            }
            return (parts[0], parts[1])
        }
        let asker = try pair(.principal)
        switch asker.kind.lowercased() {
        case "workload": principal = .workload(WorkloadID(asker.name))
        case "node": principal = .node(NodeID(asker.name))
        case "user": principal = .user(asker.name)
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .principal, in: fields,
                debugDescription: "a principal is workload/NAME, node/NAME or user/NAME")
        }
        action = try fields.decodeIfPresent(Verb.self, forKey: .action) ?? .call
        let resource = try pair(.resource)
        guard let kind = Kind(word: resource.kind) else {
            throw DecodingError.dataCorruptedError(
                forKey: .resource, in: fields,
                debugDescription: "'\(resource.kind)' is no kind of object")
        }
        self.kind = kind
        name = resource.name
        context = try fields.decodeIfPresent([String: Fact].self, forKey: .context) ?? [:]
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        let asker =
            switch principal {
            case .workload(let id): "workload/\(id)"
            case .node(let id): "node/\(id)"
            case .user(let name): "user/\(name)"
            }
        try fields.encode(asker, forKey: .principal)
        try fields.encode(action, forKey: .action)
        try fields.encode("\(kind.rawValue.lowercased())/\(name)", forKey: .resource)
        try fields.encode(context, forKey: .context)
    }
}
