/// Why a condition has no value.
package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// An operator met a value of a type that it does not take.
    case type
    /// A number left 64 bits.
    case overflow
    case missingEntity
    case missingAttribute
    case missingTag
    /// The text or number of arguments of a function of an extension type.
    case function(Function)
    /// The decision took more steps than are allowed. Cedar itself has no such bound.
    case steps

    package var description: String {
        switch self {
        case .type: "a value has another type than its operator takes"
        case .overflow: "a number does not fit into 64 bits"
        case .missingEntity: "an entity is not known; test with 'has' first"
        case .missingAttribute: "an attribute is not there; test with 'has' first"
        case .missingTag: "a tag is not there; test with 'hasTag' first"
        case .function(let function): "'\(function.rawValue)' cannot read what it is given"
        case .steps: "the decision takes more steps than are allowed"
        }
    }
}
