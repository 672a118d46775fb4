/// A name that people write and machines compare: a DNS label of 1 to 63 characters.
///
/// Conforming types differ only in what they name, so that a site can never be passed for a node.
package protocol Name:
    Hashable, Comparable, Codable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral
{
    var text: String { get }
    init(_ text: String)
}

extension Name {
    package init(stringLiteral value: String) { self.init(value) }
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
    package var description: String { text }
    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

package struct NodeID: Name {
    package let text: String
    package init(_ text: String) { self.text = text }
}

package struct SiteID: Name {
    package let text: String
    package init(_ text: String) { self.text = text }
}

package struct WorkloadID: Name {
    package let text: String
    package init(_ text: String) { self.text = text }
}

/// One copy of a workload on one node. Ordinals count from 0 across the whole fleet.
package struct InstanceID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    package let workload: WorkloadID
    package let ordinal: Int

    package init(workload: WorkloadID, ordinal: Int) {
        self.workload = workload
        self.ordinal = ordinal
    }

    /// Reads `route-optimizer-2`; nil where there is no ordinal behind the last hyphen.
    package init?(_ text: String) {
        guard let hyphen = text.lastIndex(of: "-"),
            let ordinal = Int(text[text.index(after: hyphen)...]), ordinal >= 0
        else { return nil }
        self.init(workload: WorkloadID(String(text[..<hyphen])), ordinal: ordinal)
        guard isDNSLabel(workload.text), description == text else { return nil }
    }

    package var description: String { "\(workload)-\(ordinal)" }

    package static func < (left: InstanceID, right: InstanceID) -> Bool {
        // Not as tuples: their comparison is never specialised, and these are looked up all day.
        left.workload == right.workload
            ? left.ordinal < right.ordinal : left.workload < right.workload
    }
}

/// One container of one instance: the unit that an engine starts and stops.
package struct ContainerID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    package let instance: InstanceID
    package let name: String

    package init(instance: InstanceID, name: String) {
        self.instance = instance
        self.name = name
    }

    package var description: String { "\(instance)/\(name)" }

    package static func < (left: ContainerID, right: ContainerID) -> Bool {
        left.instance == right.instance
            ? left.name < right.name : left.instance < right.instance
    }
}

/// Whether `text` is a DNS label (RFC 1123 section 2.1, lower case): what every name must be.
package func isDNSLabel(_ text: String) -> Bool {
    let bytes = text.utf8
    guard (1...63).contains(bytes.count), bytes.first != hyphen, bytes.last != hyphen else {
        return false
    }
    return bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == hyphen }
}

private let hyphen = UInt8(ascii: "-")
