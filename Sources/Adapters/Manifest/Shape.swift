import Model

/// What may stand in one place of a manifest. Validation and `explain` both follow it.
indirect enum Shape: Sendable {
    case text(TextRule)
    case flag
    case whole(ClosedRange<Int>)
    case decimal(ClosedRange<Double>)
    case duration(ClosedRange<Interval>)
    case cpu
    case bytes(ClosedRange<ByteCount>, MistakeCode)
    case choice([String])
    case replicas(ClosedRange<Int>)
    case time
    case list(Shape, limit: Int)
    case map(keys: TextRule, values: TextRule, limit: Int)
    case record(Record)

    /// The type as `explain` writes it.
    var title: String {
        switch self {
        case .text(let rule): rule.title
        case .flag: "true or false"
        case .whole(let range): "whole number, \(range.lowerBound) to \(range.upperBound)"
        case .decimal(let range):
            "number, \(decimalText(range.lowerBound)) to \(decimalText(range.upperBound))"
        case .duration(let range): "duration, \(range.lowerBound) to \(range.upperBound)"
        case .cpu: "processor time, 1m to 1024"
        case .bytes(let range, _): "size, \(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): words.joined(separator: " | ")
        case .replicas(let range):
            "whole number, \(range.lowerBound) to \(range.upperBound), or perNode"
        case .time: "time (RFC 3339)"
        case .list(let item, _): "list of \(item.title)"
        case .map(_, let values, _): "map of name to \(values.title)"
        case .record(let record): record.name
        }
    }

    /// The record whose fields stand below this place, through lists.
    var record: Record? {
        switch self {
        case .record(let record): record
        case .list(let item, _): item.record
        default: nil
        }
    }
}

/// What a text must look like.
enum TextRule: Sendable {
    /// A DNS label.
    case name
    /// The name of a port of the same container.
    case portName
    case words
    /// Any text, and numbers and booleans as they are written.
    case argument
    case command
    /// Policies in Cedar.
    case rules
    case image
    case imageSignature
    case path
    case requestPath
    case envName
    case labelKey
    case labelValue
    case portNumber
    /// `NAME/KEY`: one value of a Secret.
    case secretReference
    /// What a value of a Secret is called.
    case secretKey
    case base64
    /// The value itself.
    case secretText

    /// What stands here is shown to nobody, in no message.
    var isSecret: Bool { self == .base64 || self == .secretText }

    var title: String {
        switch self {
        case .name: "name (DNS label)"
        case .portName: "name of a port"
        case .words, .argument, .command: "text"
        case .rules: "policies in Cedar"
        case .image: "image reference"
        case .imageSignature: "signature, KEY:SIGNATURE"
        case .path: "absolute path"
        case .requestPath: "path that starts with /"
        case .envName: "variable name"
        case .labelKey: "label key"
        case .labelValue: "label value"
        case .portNumber: "port number"
        case .secretReference: "value of a Secret, NAME/KEY"
        case .secretKey: "key of a value"
        case .base64: "Base64"
        case .secretText: "text"
        }
    }

    /// Numbers and booleans are taken as the text they are written as: `"1.10"` and `1.10` alike.
    var takesAnyScalar: Bool {
        switch self {
        case .argument, .labelValue, .labelKey, .envName, .secretKey, .secretText, .base64: true
        default: false
        }
    }
}

/// A group of fields that stand together, as in `spec.containers[0]`.
struct Record: Sendable {
    let name: String
    let about: String
    let fields: [Field]
    /// What holds between the fields.
    var rule: Rule?
    /// Names that people know from other orchestrators, and what to write here.
    var habits: [String: String] = [:]

    enum Rule: Sendable {
        case workload, container, probe, execProbe, policy, canary, fault, secret
    }

    subscript(name: String) -> Field? { fields.first { $0.name == name } }
}

/// One field of a record.
struct Field: Sendable {
    enum Presence: Sendable {
        case required
        case optional
        /// The value that an absent field has, as it would be written.
        case standard(String)
        /// Said by nodes or the hub, never written by people.
        case reported
    }

    let name: String
    let shape: Shape
    let presence: Presence
    let about: String
    var example: String?

    init(
        _ name: String, _ shape: Shape, _ presence: Presence, _ about: String,
        example: String? = nil
    ) {
        self.name = name
        self.shape = shape
        self.presence = presence
        self.about = about
        self.example = example
    }

    /// A field of a status.
    static func reported(_ name: String, _ shape: Shape, _ about: String) -> Field {
        Field(name, shape, .reported, about)
    }
}
