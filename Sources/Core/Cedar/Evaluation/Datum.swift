/// A value while policies are decided: entities, types and attributes are numbers.
enum Datum: Sendable {
    case bool(Bool)
    case long(Int64)
    case string(Text)
    case entity(Int32)
    /// In the order of `compare`, without duplicates.
    case set([Datum])
    /// In the order of the keys, each once.
    case record([Field])
    /// Ten thousandths.
    case decimal(Int64)
    /// Milliseconds since 1970.
    case datetime(Int64)
    /// Milliseconds.
    case duration(Int64)
    indirect case ip(AddressRange)

    struct Field: Sendable {
        let key: Int32
        let value: Datum
    }
}

/// What is left of the steps that a decision may take.
struct Budget {
    var steps: Int

    /// Once below zero it stays there, and what was worked out since counts for nothing.
    mutating func spend(_ count: Int = 1) { steps -= count }

    func check() throws(Failure) {
        if steps < 0 { throw .steps }
    }
}

extension Datum {
    /// An order over all values, by which sets are kept; it means nothing to policies.
    static func compare(_ left: Datum, _ right: Datum, _ budget: inout Budget) -> Int {
        budget.spend()
        // The caller throws when it sees the budget; until then any answer will do.
        if budget.steps < 0 { return 0 }
        switch (left, right) {
        case (.bool(let left), .bool(let right)): return sign(left ? 1 : 0, right ? 1 : 0)
        case (.long(let left), .long(let right)): return sign(left, right)
        case (.entity(let left), .entity(let right)): return sign(left, right)
        case (.decimal(let left), .decimal(let right)): return sign(left, right)
        case (.datetime(let left), .datetime(let right)): return sign(left, right)
        case (.duration(let left), .duration(let right)): return sign(left, right)
        case (.string(let left), .string(let right)):
            budget.spend(min(left.string.utf8.count, right.string.utf8.count) / 64)
            return left == right ? 0 : left < right ? -1 : 1
        case (.ip(let left), .ip(let right)):
            if left.isSix != right.isSix { return left.isSix ? 1 : -1 }
            return left.bits == right.bits
                ? sign(Int64(left.prefix), Int64(right.prefix)) : left.bits < right.bits ? -1 : 1
        case (.set(let left), .set(let right)): return compare(left, right, &budget)
        case (.record(let left), .record(let right)): return compare(left, right, &budget)
        default: return sign(left.rank, right.rank)
        }
    }

    private static func sign<Number: Comparable>(_ left: Number, _ right: Number) -> Int {
        left == right ? 0 : left < right ? -1 : 1
    }

    private static func compare(_ left: [Datum], _ right: [Datum], _ budget: inout Budget) -> Int {
        guard left.count == right.count else { return sign(left.count, right.count) }
        for index in left.indices {
            let order = compare(left[index], right[index], &budget)
            if order != 0 { return order }
        }
        return 0
    }

    private static func compare(_ left: [Field], _ right: [Field], _ budget: inout Budget) -> Int {
        guard left.count == right.count else { return sign(left.count, right.count) }
        for index in left.indices {
            if left[index].key != right[index].key {
                return sign(left[index].key, right[index].key)
            }
            let order = compare(left[index].value, right[index].value, &budget)
            if order != 0 { return order }
        }
        return 0
    }

    private var rank: Int {
        switch self {
        case .bool: 0
        case .long: 1
        case .string: 2
        case .entity: 3
        case .set: 4
        case .record: 5
        case .decimal: 6
        case .datetime: 7
        case .duration: 8
        case .ip: 9
        }
    }

    static func set(of elements: [Datum], _ budget: inout Budget) -> Datum {
        guard elements.count > 1 else { return .set(elements) }
        // An own copy of the budget: the closure may not hold the parameter.
        var spent = budget
        let ordered = elements.sorted { compare($0, $1, &spent) < 0 }
        var distinct = [ordered[0]]
        for element in ordered.dropFirst()
        where compare(distinct[distinct.count - 1], element, &spent) != 0 {
            distinct.append(element)
        }
        budget = spent
        return .set(distinct)
    }

    /// Whether a set that is kept in order holds the element.
    static func contains(_ set: [Datum], _ element: Datum, _ budget: inout Budget) -> Bool {
        var (low, high) = (0, set.count)
        while low < high {
            let middle = (low + high) / 2
            let order = compare(set[middle], element, &budget)
            if order == 0 { return true }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return false
    }

    /// The value of a key in fields that are in the order of their keys.
    static func field(_ key: Int32, of record: ArraySlice<Field>) -> Datum? {
        var (low, high) = (record.startIndex, record.endIndex)
        while low < high {
            let middle = (low + high) / 2
            let found = record[middle].key
            if found == key { return record[middle].value }
            if found < key { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
