/// An entity that has been resolved: what it has, and all that it is in.
struct EntityRow: Sendable {
    let attributes: [Datum.Field]
    let tags: [Text: Datum]
    /// Sorted.
    let ancestors: [Int32]

    init(
        _ entity: Entity, ancestors: [Int32], _ names: inout some Naming, _ budget: inout Budget
    ) throws(EntityFault) {
        self.ancestors = ancestors
        do {
            attributes = try Value.fields(entity.attributes, &names, &budget)
        } catch {
            throw .value(at: "\(entity.uid).attrs", problem: error.description)
        }
        var tags: [Text: Datum] = [:]
        for (key, value) in entity.tags {
            do {
                tags[key] = try value.datum(&names, &budget)
            } catch {
                throw .value(at: "\(entity.uid).tags.\(key)", problem: error.description)
            }
        }
        self.tags = tags
    }
}

/// Entities by number, each with its attributes, its tags and all its ancestors.
///
/// All attributes lie in one array and all ancestors in another: among many entities, what a decision
/// costs is how often it must go to memory.
struct EntityTable: Sendable {
    private struct Place: Sendable {
        /// Of `fields`; -1 for what is named and not described.
        var firstField: Int32 = -1
        var fieldCount: Int32 = 0
        /// Of `ancestors`.
        var firstAncestor: Int32 = 0
        var ancestorCount: Int32 = 0
    }

    /// By the number of the entity.
    private var places: [Place] = []
    private var fields: [Datum.Field] = []
    private var ancestors: [Int32] = []
    private var tags: [Int32: [Text: Datum]] = [:]

    init(
        _ entities: [Entity], _ symbols: inout Symbols, limits: Limits
    ) throws(EntityFault) {
        guard entities.count <= limits.entities else {
            throw .tooMany("entities", limit: limits.entities)
        }
        var parents: [Int32: [Int32]] = [:]
        parents.reserveCapacity(entities.count)
        for entity in entities {
            let number = symbols.uid(entity.uid)
            let above = entity.parents.map { symbols.uid($0) }
            guard parents.updateValue(above, forKey: number) == nil else {
                throw .duplicate(entity.uid)
            }
        }
        let closed = try Self.ancestors(parents, symbols, limits)
        var budget = Budget(steps: limits.values)
        for entity in entities {
            let number = symbols.uid(entity.uid)
            let row = try EntityRow(entity, ancestors: closed[number] ?? [], &symbols, &budget)
            add(row, number)
        }
    }

    private mutating func add(_ row: EntityRow, _ number: Int32) {
        if places.count <= number {
            places.append(contentsOf: repeatElement(Place(), count: Int(number) + 1 - places.count))
        }
        places[Int(number)] = Place(
            firstField: Int32(fields.count), fieldCount: Int32(row.attributes.count),
            firstAncestor: Int32(ancestors.count), ancestorCount: Int32(row.ancestors.count))
        fields += row.attributes
        ancestors += row.ancestors
        if !row.tags.isEmpty { tags[number] = row.tags }
    }

    /// Works from those without parents downwards, so that no depth of groups needs stack (Kahn 1962).
    private static func ancestors(
        _ parents: [Int32: [Int32]], _ symbols: Symbols, _ limits: Limits
    ) throws(EntityFault) -> [Int32: [Int32]] {
        var children: [Int32: [Int32]] = [:]
        var open: [Int32: Int] = [:]
        var ready: [Int32] = []
        for (child, above) in parents {
            let described = Set(above).filter { parents[$0] != nil }
            for parent in described { children[parent, default: []].append(child) }
            open[child] = described.count
            if described.isEmpty { ready.append(child) }
        }
        var result: [Int32: [Int32]] = [:]
        result.reserveCapacity(parents.count)
        var total = 0
        while let next = ready.popLast() {
            let above = parents[next] ?? []
            let all = united(above, result)
            total += all.count
            guard total <= limits.ancestors else {
                throw .tooMany("ancestors of entities", limit: limits.ancestors)
            }
            result[next] = all
            for child in children[next] ?? [] {
                open[child, default: 0] -= 1
                if open[child] == 0 { ready.append(child) }
            }
        }
        if let stuck = open.filter({ $0.value > 0 }).keys.min() {
            throw .cycle(symbols.uids.names[Int(inCycle(above: stuck, parents, done: result))])
        }
        return result
    }

    /// Sorted: the parents and what is above them.
    private static func united(_ parents: [Int32], _ ancestors: [Int32: [Int32]]) -> [Int32] {
        if parents.count == 1, var all = ancestors[parents[0]] {
            let place = all.firstIndex { $0 > parents[0] } ?? all.endIndex
            all.insert(parents[0], at: place)
            return all
        }
        var all = Set(parents)
        for parent in parents { all.formUnion(ancestors[parent] ?? []) }
        return all.sorted()
    }

    /// Whatever is stuck has a parent that is; so many steps up lead into the circle.
    private static func inCycle(
        above start: Int32, _ parents: [Int32: [Int32]], done: [Int32: [Int32]]
    ) -> Int32 {
        var current = start
        for _ in 0..<parents.count {
            let stuck = parents[current]?.filter { parents[$0] != nil && done[$0] == nil }
            current = stuck?.min() ?? current
        }
        return current
    }

    // MARK: Looking up

    func isDescribed(_ number: Int32) -> Bool {
        number < places.count && places[Int(number)].firstField >= 0
    }

    /// Nil where it is not there.
    func attribute(_ key: Int32, of number: Int32) -> Datum? {
        let place = places[Int(number)]
        let first = Int(place.firstField)
        return Datum.field(key, of: fields[first..<(first + Int(place.fieldCount))])
    }

    func tags(of number: Int32) -> [Text: Datum] { tags[number] ?? [:] }

    /// Sorted; of an entity that is described.
    func ancestors(of number: Int32) -> ArraySlice<Int32> {
        let place = places[Int(number)]
        let first = Int(place.firstAncestor)
        return ancestors[first..<(first + Int(place.ancestorCount))]
    }
}

extension RandomAccessCollection<Int32> where Index == Int {
    /// Whether a sorted collection holds the number.
    func holds(_ number: Int32) -> Bool {
        if count <= 8 { return contains(number) }
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < endIndex && self[low] == number
    }
}
