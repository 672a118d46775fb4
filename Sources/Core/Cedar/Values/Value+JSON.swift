/// Why an entity file or a context cannot be used.
package enum EntityFault: Error, Hashable, Sendable, CustomStringConvertible {
    case text(Mistake)
    /// The way to a value, such as `entities[3].attrs.owner`, and what is wrong there.
    case value(at: String, problem: String)
    case duplicate(EntityUID)
    /// The entity is its own ancestor.
    case cycle(EntityUID)
    case tooMany(String, limit: Int)

    package var description: String {
        switch self {
        case .text(let mistake): mistake.description
        case .value(let path, let problem): "\(path): \(problem)"
        case .duplicate(let uid): "\(uid) is there twice"
        case .cycle(let uid): "\(uid) is its own ancestor"
        case .tooMany(let what, let limit): "more than \(limit) \(what)"
        }
    }
}

extension Entity {
    /// Reads Cedar's JSON form of entities, with explicit `__entity` and `__extn`.
    package static func read(
        json bytes: [UInt8], limits: Limits = .production
    ) throws(EntityFault) -> [Entity] {
        try read(json: parse(bytes, limits), limits: limits)
    }

    package static func read(
        json: JSON, limits: Limits = .production
    ) throws(EntityFault) -> [Entity] {
        guard case .array(let elements) = json else {
            throw .value(at: "entities", problem: "must be a list")
        }
        guard elements.count <= limits.entities else {
            throw .tooMany("entities", limit: limits.entities)
        }
        var result: [Entity] = []
        result.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            let reading = Reading(path: "entities[\(index)]")
            result.append(try reading.entity(element))
        }
        return result
    }
}

extension Value {
    /// Reads a context: an object whose fields are attributes.
    package static func readContext(
        json bytes: [UInt8], limits: Limits = .production
    ) throws(EntityFault) -> [Text: Value] {
        try readContext(json: parse(bytes, limits))
    }

    package static func readContext(json: JSON) throws(EntityFault) -> [Text: Value] {
        try Reading(path: "context").attributes(json)
    }
}

private func parse(_ bytes: [UInt8], _ limits: Limits) throws(EntityFault) -> JSON {
    do {
        return try JSON(bytes, limits: limits)
    } catch {
        throw .text(error)
    }
}

/// Turns one JSON value into what it stands for. The path says where it is.
private struct Reading {
    let path: String

    private func inside(_ key: Text) -> Reading { Reading(path: "\(path).\(key)") }

    private func fault(_ problem: String) -> EntityFault { .value(at: path, problem: problem) }

    func entity(_ json: JSON) throws(EntityFault) -> Entity {
        guard case .object(let fields) = json else { throw fault("must be an object") }
        let known: [Text] = ["uid", "attrs", "tags", "parents"]
        if let other = fields.first(where: { !known.contains($0.key) }) {
            throw inside(other.key).fault("is no field of an entity")
        }
        guard let uid = json["uid"] else { throw fault("has no uid") }
        var entity = Entity(try inside("uid").uid(uid))
        if let attributes = json["attrs"] {
            entity.attributes = try inside("attrs").attributes(attributes)
        }
        if let tags = json["tags"] { entity.tags = try inside("tags").attributes(tags) }
        if let parents = json["parents"] {
            guard case .array(let elements) = parents else {
                throw inside("parents").fault("must be a list")
            }
            for element in elements { entity.parents.append(try inside("parents").uid(element)) }
        }
        return entity
    }

    /// `{"type": ..., "id": ...}`, perhaps within `__entity`.
    private func uid(_ json: JSON) throws(EntityFault) -> EntityUID {
        if let inner = json["__entity"] { return try Reading(path: path).uid(inner) }
        guard case .object(let fields) = json, fields.count == 2,
            case .string(let type) = json["type"], case .string(let id) = json["id"]
        else { throw fault("must be an object with the strings 'type' and 'id'") }
        guard isTypeName(type.string) else {
            throw fault("\(quoted(type.string)) is no name of a type")
        }
        return EntityUID(type: type, id: id)
    }

    func attributes(_ json: JSON) throws(EntityFault) -> [Text: Value] {
        guard case .object(let fields) = json else { throw fault("must be an object") }
        var result: [Text: Value] = [:]
        for (key, field) in fields { result[key] = try inside(key).value(field) }
        return result
    }

    func value(_ json: JSON) throws(EntityFault) -> Value {
        switch json {
        case .null: throw fault("Cedar has no null")
        case .otherNumber: throw fault("numbers are integers of 64 bits")
        case .bool(let value): return .bool(value)
        case .integer(let value): return .long(value)
        case .string(let value): return .string(value)
        case .array(let elements):
            var result: [Value] = []
            for element in elements { result.append(try value(element)) }
            return .set(result)
        case .object(let fields):
            guard let escape = fields.first(where: { $0.key.string.hasPrefix("__") }) else {
                return .record(try attributes(json))
            }
            guard fields.count == 1 || !["__entity", "__extn", "__expr"].contains(escape.key) else {
                throw fault("'\(escape.key)' stands alone in its object")
            }
            switch escape.key {
            case "__entity": return .entity(try uid(escape.value))
            case "__extn": return try call(escape.value)
            case "__expr": throw fault("'__expr' is not supported")
            default: return .record(try attributes(json))
            }
        }
    }

    private func call(_ json: JSON) throws(EntityFault) -> Value {
        guard case .object(let fields) = json, fields.count == 2,
            case .string(let name) = json["fn"]
        else { throw fault("'__extn' holds 'fn' and either 'arg' or 'args'") }
        guard let function = Function(rawValue: name.string) else {
            throw fault("there is no function \(quoted(name.string))")
        }
        if let argument = json["arg"] {
            return .call(function, [try inside("arg").value(argument)])
        }
        guard case .array(let elements) = json["args"] else {
            throw fault("'__extn' holds 'fn' and either 'arg' or 'args'")
        }
        var arguments: [Value] = []
        for element in elements { arguments.append(try inside("args").value(element)) }
        return .call(function, arguments)
    }
}
