import Hummingbird
import Model

/// The part of JSON Schema that the OpenAPI document needs.
indirect enum Schema: Sendable {
    case string
    case integer
    case number
    case boolean
    /// Any object.
    case object
    case array(Schema)
    /// An object whose keys are free.
    case map(Schema)
    case choice([String])
    case nullable(Schema)
    /// One of `schemas`.
    case named(String)
    /// Fields in the order in which they are explained; a name that ends in `?` may be missing.
    case fields([(String, Schema)])
}

/// A JSON value, for documents that are put together by hand.
indirect enum JSONValue: Sendable, Encodable {
    case text(String)
    case integer(Int)
    case flag(Bool)
    case list([JSONValue])
    case object([String: JSONValue])

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .integer(let integer): try container.encode(integer)
        case .flag(let flag): try container.encode(flag)
        case .list(let list): try container.encode(list)
        case .object(let object): try container.encode(object)
        }
    }
}

/// OpenAPI 3.1 over the routes that the server really has.
func openAPIDocument(of routes: [Route], version: String) -> JSONValue {
    var paths: [String: [String: JSONValue]] = [:]
    for route in routes {
        paths[route.path, default: [:]][route.method.rawValue.lowercased()] = operation(of: route)
    }
    return .object([
        "openapi": .text("3.1.0"),
        "info": .object(["title": .text("Skerry management"), "version": .text(version)]),
        "paths": .object(paths.mapValues { .object($0) }),
        "components": .object(["schemas": .object(schemas.mapValues(\.json))]),
    ])
}

private func operation(of route: Route) -> JSONValue {
    var operation: [String: JSONValue] = [
        "summary": .text(route.summary), "responses": .object(responses(of: route)),
    ]
    let parameters =
        pathParameters(of: route) + route.query.map { parameter($0, in: "query", required: false) }
        + (route.header.map { [parameter($0, in: "header", required: true)] } ?? [])
        + (route.flows ? [parameter(goingOn, in: "header", required: false)] : [])
    if !parameters.isEmpty { operation["parameters"] = .list(parameters) }
    if let body = route.body {
        operation["requestBody"] = .object([
            "required": .flag(true), "content": .object(mediaTypes([body])),
        ])
    }
    return .object(operation)
}

private let goingOn = Route.Parameter(
    name: lastEventID.rawName, type: .string,
    summary: "With 'watch': the id of the last event that came before the stream broke. What stands"
        + " behind it follows; where that is not known any more, an event 'gap' and all that is kept."
)

private func pathParameters(of route: Route) -> [JSONValue] {
    route.path.split(separator: "/").filter { $0.first == "{" }.map { segment in
        let name = String(segment.dropFirst().dropLast())
        let type: Schema = name == "plural" ? .choice(Kind.allCases.map(\.plural)) : .string
        let summary = name == "plural" ? "The kind." : "The name in the object's metadata."
        return parameter(
            .init(name: name, type: type, summary: summary), in: "path", required: true)
    }
}

private func parameter(
    _ parameter: Route.Parameter, in place: String, required: Bool
) -> JSONValue {
    .object([
        "name": .text(parameter.name), "in": .text(place), "required": .flag(required),
        "description": .text(parameter.summary), "schema": parameter.type.json,
    ])
}

private func responses(of route: Route) -> [String: JSONValue] {
    var success: [String: JSONValue] = ["description": .text("Done.")]
    if !route.success.content.isEmpty {
        success["content"] = .object(mediaTypes(route.success.content))
    }
    var responses = [String(route.success.status): JSONValue.object(success)]
    if let waits = route.waits {
        responses["202"] = .object([
            "description": .text("Not done yet, and why."),
            "content": .object(mediaTypes([waits])),
        ])
    }
    for status in route.refusals {
        responses[String(status)] = refusal
    }
    responses["default"] = refusal
    return responses
}

private let refusal = JSONValue.object([
    "description": .text("Refused, and why."),
    "content": .object(mediaTypes([.json(.named("Refusal"))])),
])

/// Each event by itself; `data` is JSON.
private let serverSentEvents = JSONValue.object([
    "schema": Schema.fields([("id?", .string), ("event", .string), ("data", .string)]).json
])

private func mediaTypes(_ contents: [Route.Content]) -> [String: JSONValue] {
    var types: [String: JSONValue] = [:]
    for content in contents {
        switch content {
        case .json(let schema): types["application/json"] = .object(["schema": schema.json])
        case .text("text/event-stream"): types["text/event-stream"] = serverSentEvents
        case .text(let type): types[type] = .object(["schema": Schema.string.json])
        }
    }
    return types
}

extension Schema {
    var json: JSONValue {
        switch self {
        case .string: .object(["type": .text("string")])
        case .integer: .object(["type": .text("integer")])
        case .number: .object(["type": .text("number")])
        case .boolean: .object(["type": .text("boolean")])
        case .object: .object(["type": .text("object")])
        case .array(let item): .object(["type": .text("array"), "items": item.json])
        case .map(let value):
            .object(["type": .text("object"), "additionalProperties": value.json])
        case .choice(let words):
            .object(["type": .text("string"), "enum": .list(words.map { .text($0) })])
        case .nullable(let schema):
            .object(["anyOf": .list([schema.json, .object(["type": .text("null")])])])
        case .named(let name): .object(["$ref": .text("#/components/schemas/\(name)")])
        case .fields(let fields): Schema.json(of: fields)
        }
    }

    private static func json(of fields: [(String, Schema)]) -> JSONValue {
        var properties: [String: JSONValue] = [:]
        var required: [JSONValue] = []
        for (name, schema) in fields {
            if name.last == "?" {
                properties[String(name.dropLast())] = schema.json
            } else {
                properties[name] = schema.json
                required.append(.text(name))
            }
        }
        return .object([
            "type": .text("object"), "properties": .object(properties), "required": .list(required),
        ])
    }
}
