/// FNV-1a: the same on every machine and in every run, which `Hasher` is not. It tells what differs by
/// accident, and nothing about what somebody made alike on purpose.
package struct StableHash: Equatable, Sendable {
    package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    package mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }

    package mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
    }

    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes { add(byte) }
    }

    /// Adds all that a value holds, by the names of its fields, so that none is ever forgotten. What has
    /// no order of its own, such as a dictionary, is added in the order of its parts' hashes.
    package mutating func add(fieldsOf value: Any) {
        let mirror = Mirror(reflecting: value)
        guard let style = mirror.displayStyle, !mirror.children.isEmpty else {
            return add(leaf: "\(value)")
        }
        let parts = mirror.children.map { child in
            var part = StableHash()
            part.add(leaf: child.label ?? "")
            part.add(fieldsOf: child.value)
            return part.value
        }
        let isUnordered = style == .dictionary || style == .set
        for part in isUnordered ? parts.sorted() : parts {
            withUnsafeBytes(of: part.littleEndian) { add($0) }
        }
    }

    /// Text with an end, so that no two pieces read as two others.
    private mutating func add(leaf text: String) {
        add(text)
        add(0xff)
    }
}
