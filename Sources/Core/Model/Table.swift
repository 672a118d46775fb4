/// Rows by key, always walked in key order, so that two runs of a machine take the same path.
///
/// Look-up is a binary search; adding and removing a key costs time linear in the row count.
///
/// Usable from inline, since only then are its inlinable members specialised in other modules: a
/// `package` type alone leaves every call to the generic code, several times as slow.
@usableFromInline
package struct Table<Key: Comparable & Sendable, Row: Sendable>: Sendable {
    @usableFromInline var sortedKeys: [Key] = []
    @usableFromInline var sortedRows: [Row] = []

    @inlinable package init() {}

    @inlinable package var count: Int { sortedKeys.count }
    @inlinable package var isEmpty: Bool { sortedKeys.isEmpty }
    @inlinable package var keys: [Key] { sortedKeys }
    @inlinable package var rows: [Row] { sortedRows }

    @inlinable package subscript(key: Key) -> Row? {
        let index = position(of: key)
        return holds(key, at: index) ? sortedRows[index] : nil
    }

    /// Looks at the row of `key` where it lies, without a copy of it; nil where there is none.
    @inlinable @discardableResult
    package func read<Answer>(_ key: Key, _ look: (Row) -> Answer) -> Answer? {
        let index = position(of: key)
        guard holds(key, at: index) else { return nil }
        return sortedRows.withUnsafeBufferPointer { look($0[index]) }
    }

    /// Changes the row of `key` in place; nil, and nothing done, where there is none.
    @inlinable @discardableResult
    package mutating func update<Answer>(
        _ key: Key, _ change: (inout Row) -> Answer
    ) -> Answer? {
        let index = position(of: key)
        guard holds(key, at: index) else { return nil }
        return change(&sortedRows[index])
    }

    /// Sets the row of `key`, whether or not there was one.
    @inlinable package mutating func insert(_ row: Row, for key: Key) {
        let index = position(of: key)
        if holds(key, at: index) {
            sortedRows[index] = row
        } else {
            sortedKeys.insert(key, at: index)
            sortedRows.insert(row, at: index)
        }
    }

    @inlinable @discardableResult
    package mutating func remove(_ key: Key) -> Row? {
        let index = position(of: key)
        guard holds(key, at: index) else { return nil }
        sortedKeys.remove(at: index)
        return sortedRows.remove(at: index)
    }

    @inlinable func holds(_ key: Key, at index: Int) -> Bool {
        index < sortedKeys.count && sortedKeys[index] == key
    }

    /// Where `key` is, or where it would go.
    @inlinable func position(of key: Key) -> Int {
        var low = 0
        var high = sortedKeys.count
        while low < high {
            let middle = (low + high) / 2
            if sortedKeys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Table: Sequence {
    @inlinable package func makeIterator() -> Zip2Sequence<[Key], [Row]>.Iterator {
        zip(sortedKeys, sortedRows).makeIterator()
    }
}

extension Table: Equatable where Row: Equatable {}
