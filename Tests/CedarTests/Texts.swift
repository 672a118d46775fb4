import Cedar
import Testing

/// Decides one expression: true where it holds, false where it does not, nil where it fails.
func holds(
    _ condition: String, context: [Text: Value] = [:], entities: [Entity] = [],
    limits: Limits = .production, sourceLocation: SourceLocation = #_sourceLocation
) throws -> Bool? {
    let text = try PolicyText(
        "permit(principal, action, resource) when { \(condition) };", limits: limits)
    let ruling = try Authoriser(text.statements, entities: entities, limits: limits)
        .decide(anything(context: context))
    #expect(ruling.fault == nil, sourceLocation: sourceLocation)
    #expect(
        !ruling.isAllowed || ruling.errors.isEmpty, "allowed by a policy that failed",
        sourceLocation: sourceLocation)
    return ruling.errors.isEmpty ? ruling.isAllowed : nil
}

func anything(context: [Text: Value] = [:]) -> Request {
    Request(
        principal: uid("User", "ann"), action: uid("Action", "look"), resource: uid("Box", "b1"),
        context: context)
}

func uid(_ type: Text, _ id: Text) -> EntityUID { EntityUID(type: type, id: id) }

/// The mistakes of a policy text, each as a line.
func mistakes(_ text: String, limits: Limits = .production) -> [String] {
    do {
        _ = try PolicyText(text, limits: limits)
        return []
    } catch {
        return error.all.map(\.description)
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
