/// The newest of a row of things, oldest first: as many as there is room for, then each one more
/// drops the oldest.
///
/// Adding costs the same however many there are. An array whose first is removed moves all others,
/// and with them everything else out of the processor's cache.
@usableFromInline
package struct Recent<Element: Sendable>: Sendable {
    @usableFromInline let limit: Int
    @usableFromInline var elements: [Element] = []
    /// Where the oldest is once there is no room.
    @usableFromInline var first = 0

    @inlinable package init(limit: Int) {
        precondition(limit > 0, "what keeps nothing is not asked")
        self.limit = limit
    }

    @inlinable package init(_ all: some Collection<Element>, limit: Int) {
        self.init(limit: limit)
        elements = Array(all.suffix(limit))
    }

    @inlinable package mutating func append(_ element: Element) {
        guard elements.count == limit else { return elements.append(element) }
        elements[first] = element
        first = first + 1 == limit ? 0 : first + 1
    }
}

extension Recent: RandomAccessCollection {
    @inlinable package var startIndex: Int { 0 }
    @inlinable package var endIndex: Int { elements.count }

    @inlinable package subscript(position: Int) -> Element {
        let index = first + position
        return elements[index < elements.count ? index : index - elements.count]
    }
}

extension Recent: Equatable where Element: Equatable {
    @inlinable package static func == (left: Recent, right: Recent) -> Bool {
        left.limit == right.limit && left.elementsEqual(right)
    }
}
