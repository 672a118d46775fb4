package import Model

/// The one text of a record: JSON with its fields in order, without spaces, and with no more escapes
/// than JSON asks for (as RFC 8785 has it). It is what the chain is made over.
extension AuditRecord {
    package var canonical: [UInt8] {
        var text = CanonicalText(capacity: 384)
        text.field("action", action, isFirst: true)
        text.field("after", after)
        if let approval { text.field("approval", approval) }
        text.field("at", at.description)
        text.field("decision", decision.rawValue)
        text.field("errors", errors)
        text.name("index")
        text.plain(String(index))
        text.field("mode", mode.rawValue)
        if let note { text.field("note", note) }
        text.field("policies", policies.map(\.description))
        text.field("policyAge", policyAge.description)
        text.field("reasons", reasons)
        text.field("request", request)
        text.field("staleness", staleness.rawValue)
        text.field("target", target)
        text.field("who", who)
        text.end()
        return text.bytes
    }
}

/// The place that a canonical text claims for itself, without reading all of it: an unescaped quote
/// cannot stand inside of a string, so the name of the field is found nowhere else.
package func claimedIndex(of text: [UInt8]) -> UInt64? {
    number(behind: Array(",\"index\":".utf8), in: text)
}

/// Where a canonical text names the hash before it.
func claimedPredecessor(of text: [UInt8]) -> Range<Int>? {
    let name = Array(",\"after\":\"".utf8)
    guard let start = position(behind: name, in: text), start + 16 <= text.count else { return nil }
    return start..<(start + 16)
}

private func position(behind name: [UInt8], in text: [UInt8]) -> Int? {
    guard text.count > name.count else { return nil }
    for start in 0...(text.count - name.count)
    where text[start] == name[0] && text[start..<(start + name.count)].elementsEqual(name) {
        return start + name.count
    }
    return nil
}

private func number(behind name: [UInt8], in text: [UInt8]) -> UInt64? {
    guard let start = position(behind: name, in: text) else { return nil }
    let digits = text[start...].prefix { (48...57).contains($0) }
    guard !digits.isEmpty, digits.count < 20 else { return nil }
    return digits.reduce(0) { $0 * 10 + UInt64($1 - 48) }
}

/// Writes an object field by field.
private struct CanonicalText {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func field(_ name: StaticString, _ value: String, isFirst: Bool = false) {
        self.name(name, isFirst: isFirst)
        string(value)
    }

    mutating func field(_ name: StaticString, _ values: [String]) {
        self.name(name)
        bytes.append(UInt8(ascii: "["))
        for (position, value) in values.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            string(value)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    mutating func name(_ name: StaticString, isFirst: Bool = false) {
        bytes.append(UInt8(ascii: isFirst ? "{" : ","))
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func plain(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func end() { bytes.append(UInt8(ascii: "}")) }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 8: bytes += "\\b".utf8
            case 9: bytes += "\\t".utf8
            case 10: bytes += "\\n".utf8
            case 12: bytes += "\\f".utf8
            case 13: bytes += "\\r".utf8
            case 0..<32: bytes += "\\u00\(hexadecimal([byte]))".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
