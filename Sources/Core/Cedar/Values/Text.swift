/// A string that is equal to another only where every byte of its UTF-8 is.
///
/// Swift's own strings are equal where they look alike to a reader, and Cedar's are not: an "é" of one
/// scalar must not open what is kept for an "é" of two.
package struct Text: Hashable, Comparable, Sendable, ExpressibleByStringLiteral,
    CustomStringConvertible
{
    package let string: String

    package init(_ string: String) { self.string = string }

    package init(stringLiteral value: String) { string = value }

    package var description: String { string }

    package static func == (left: Text, right: Text) -> Bool {
        // Unequal strings differ in a byte; equal ones may differ all the same.
        left.string == right.string && left.string.utf8.elementsEqual(right.string.utf8)
    }

    package static func < (left: Text, right: Text) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        let isDone: Void? = string.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isDone == nil {
            for byte in string.utf8 { hasher.combine(byte) }
        }
        hasher.combine(0xFF as UInt8)
    }
}
